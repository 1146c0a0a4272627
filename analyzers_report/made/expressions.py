"""Golds that are no plain number, with other ways of writing the same and with what is near and not the same."""

from __future__ import annotations

EXPRESSIONS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (r"2\sqrt{3}", (r"2 \sqrt{3}", r"\sqrt{12}", r"\frac{6}{\sqrt{3}}"), (r"3\sqrt{2}", r"\sqrt{13}", "3.46")),
    (r"\frac{\pi}{2}", (r"\pi/2", r"0.5\pi", r"\dfrac{\pi}{2}"), (r"\pi", r"\frac{\pi}{3}", "1.57")),
    ("x^2-1", ("(x-1)(x+1)", "-1+x^2", r"\left(x+1\right)\left(x-1\right)"), ("x^2+1", "(x-1)^2", "x^2-2")),
    ("(3, 4)", ("(3,4)", r"\left(3, 4\right)"), ("(4, 3)", "(3, 5)")),
    (r"\frac{3}{4}", ("0.75", r"\dfrac{3}{4}", r"\frac{6}{8}"), ("0.7", r"\frac{4}{3}", "-0.75")),
    ("1000000", ("10^6", r"10^{6}", "1,000,000", "1 million"), ("10^5", "10^7", "100,000")),
    (r"\sqrt{2}+1", (r"1+\sqrt{2}", r"\frac{1}{\sqrt{2}-1}"), (r"\sqrt{2}-1", r"\sqrt{3}+1")),
    ("3x+6", ("3(x+2)", "6+3x"), ("3x+2", "3(x+6)")),
    (r"\{1,2\}", (r"\{2,1\}", r"\{1, 2\}"), (r"\{1,3\}", r"\{1\}")),
    (r"2^{10}", ("1024", "2^10", "4^5"), ("1000", "2^9", "2048")),
    ("-7/3", (r"-\frac{7}{3}", r"-2\frac{1}{3}"), (r"\frac{7}{3}", "-2.3", r"-\frac{3}{7}")),
    (r"\frac{1}{x}", ("1/x", "x^{-1}"), ("x", r"\frac{1}{x^2}")),
)
"""Gold, equal to it, not equal to it."""
WAYS = ("The answer is ${}$.", "So it is \\boxed{{{}}}.", "We add up.\n#### {}")
"""How an answer says what it is."""

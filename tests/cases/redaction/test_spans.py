"""What is found in a text, and what is left alone. Numbers that look real are from the standards' own examples."""

from __future__ import annotations

import json

import pytest

from analyzers.asked import last_user_text
from analyzers.pair import Request
from cases.redaction.spans import find
from testbed.tasks import prompts

HOSTILE = (
    *("a", "a@", "a@a.", "1", "1 ", "1-", "(1", "00", "DE89 ", "eyJ", "eyJa.", "_1", "sk-", "://a:b@", "?key=a&"),
    *(
        "&token=",
        "password is ",
        "password: ",
        "bearer ",
        "token=",
        "\\",
        "\\u0040",
        "\\n",
        "１",
        "\u200b",
        "::",
        "1:",
    ),
    *("255.255.255.255 ", "data:a/a;base64,", "555-555-5555 ", "123-45-6789 ", "aB1", "%40", " ", "call me "),
    *("-----BEGIN PRIVATE KEY-----", "é", "phone 1", "password      "),
)
WORST = ("a@", "\\", "DE89 ")
"""Those that took longest, for a megabyte."""


def seen(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to Ada.Lovelace+x@mail.example.co.uk.", "email", "Ada.Lovelace+x@mail.example.co.uk"),
        ("mailto:ada%40example.org", "email", "ada%40example.org"),
        ("Ring +44 (0)20 7946 0958 today", "phone", "+44 (0)20 7946 0958"),
        ("(555) 234-5678", "phone", "(555) 234-5678"),
        ("My mobile is 5552345678.", "phone", "5552345678"),
        ("Tel.: 030/1234567", "phone", "030/1234567"),
        ("4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
        ("Amex 378282246310005.", "card", "378282246310005"),
        ("DE89 3704 0044 0532 0130 00 bitte", "iban", "DE89 3704 0044 0532 0130 00"),
        ("GB82WEST12345698765432", "iban", "GB82WEST12345698765432"),
        ("Social security 078-05-1120", "us_ssn", "078-05-1120"),
        ("BSN 111222333", "nl_bsn", "111222333"),
        ("DNI 12345678Z", "es_dni", "12345678Z"),
        ("NIE X-1234567-L", "es_dni", "X-1234567-L"),
        ("CF: RSSMRA85T10A562S", "it_codice_fiscale", "RSSMRA85T10A562S"),
        ("NI number AB 12 34 56 C", "uk_nino", "AB 12 34 56 C"),
        ("Steuer-ID 86 095 742 719", "de_steuer_id", "86 095 742 719"),
        ("n° 2 55 08 14 168 025 38", "fr_nir", "2 55 08 14 168 025 38"),
        ("CPF 529.982.247-25", "br_cpf", "529.982.247-25"),
        ("from 203.0.113.7:8080", "ip", "203.0.113.7"),
        ("from [2001:db8::8a2e:370:7334]", "ip", "2001:db8::8a2e:370:7334"),
        ("postgres://bob:s3cr3t@db/x", "credentials", "bob:s3cr3t"),
        ("https://x.org/a?b=1&access_token=abcdef12", "credentials", "abcdef12"),
        ("AKIAIOSFODNN7EXAMPLE", "api_key", "AKIAIOSFODNN7EXAMPLE"),
        ("Authorization: Bearer abc123def456ghi789", "secret", "abc123def456ghi789"),
        ("password = 'hunter2!'", "password", "hunter2!"),
        ("use aB3dE5fG7hI9jK1lM3nO5pQ7r", "secret", "aB3dE5fG7hI9jK1lM3nO5pQ7r"),
    ],
)
def test_what_is_found(text: str, kind: str, value: str) -> None:
    assert seen(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "12345678901 * 4 = 49382715604",
        "Compute 500-200-3000 and 700-20-1000 = ?",
        "pi is 3.14159265358979323846",
        "4111111111111112 is no card, by Luhn",
        "GB00 WEST 1234 5698 7654 32 is no account",
        "000-12-3456 and 666-12-3456 were never given out",
        "version 1.2.3.4 on 127.0.0.1, std::vector, a::b, 12:30:45",
        "see icon@2x.png, git@example.org:a/b.git and pkg@1.2.3",
        "3fa85f64-5717-4562-b3fc-2c963f66afa6 and d41d8cd98f00b204e9800998ecf8427e",
        "def test_that_a_long_name_with_2_digits_and_CamelCase_stays(): password = getpass()",
        "tool call call_Ab3dE5fG7hI9jK1lM3nO5pQ7r",
        "ISBN 978-3-16-148410-0 on 2024-05-06T07:08:09Z",
        "8 bananas and 1 orange",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert seen(text) == []


def test_look_alikes_and_invisible_characters_hide_nothing() -> None:
    assert seen("４１１１ １１１１ １１１１ １１１１") == [("card", "４１１１ １１１１ １１１１ １１１１")]
    assert seen("٤١١١-١١١١-١١١١-١١١١")[0][0] == "card"
    assert seen("ada\u200b@exa\u00admple＠x.org")  # some part of it, whatever it is
    assert seen("ada\u200b@exam\u00adple.org") == [("email", "ada\u200b@exam\u00adple.org")]
    assert seen("078\u201105\u20111120") == [("us_ssn", "078\u201105\u20111120")]


def test_escapes_of_json_hide_nothing_and_stay_whole() -> None:
    text = json.dumps({"to": "\nada@example.org", "again": json.dumps({"to": "\tädä@example.org"})})

    replaced = text
    for one in reversed(find(text)):
        replaced = replaced[: one.start] + "<>" + replaced[one.end :]
    assert json.loads(replaced) == {"to": "\n<>", "again": json.dumps({"to": "\t<>"})}


def test_a_private_key_goes_to_its_end_or_to_the_texts() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"

    assert seen(f"a {key} b") == [("private_key", key)]
    assert seen("a -----BEGIN PRIVATE KEY-----\nMII") == [("private_key", "-----BEGIN PRIVATE KEY-----\nMII")]


@pytest.mark.parametrize(
    ("unit", "size"), [*((unit, 100_000) for unit in HOSTILE), *((unit, 1_000_000) for unit in WORST)]
)
def test_hostile_texts_take_no_more_time_than_their_length(unit: str, size: int) -> None:
    """By the suite's time limit: what is not linear takes hours here."""
    text = (unit * (size // len(unit) + 1))[:size]

    for one in find(text):
        assert 0 <= one.start < one.end <= len(text)


def test_the_testbeds_prompts_stay_as_they_are() -> None:
    for prompt in prompts(11, 500):
        assert seen(json.dumps(prompt.body)) == []
        assert seen(last_user_text(Request("/v1/chat/completions", prompt.body))) == []

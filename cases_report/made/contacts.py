"""E-mail addresses and telephone numbers."""

from __future__ import annotations

from random import Random

from cases_report.made.form import Form, Kind, digits, fixed, letters

NAMES = (
    "ada",
    "j.smith",
    "maria_lopez",
    "o'brien",
    "li-wei",
    "info",
    "Hans.Mueller",
    "søren",
    "a",
    "kfz12",
    "x_y_z",
)
HOSTS = ("example.com", "mail.example.co.uk", "firma-gmbh.de", "uni.edu", "müller.de", "sub.a-b.io", "post.museum")


def _mail(rng: Random) -> str:
    return f"{rng.choice(NAMES)}{rng.choice(('', str(rng.randint(1, 99))))}@{rng.choice(HOSTS)}"


def _spelt(at: str, dot: str) -> Form:
    def write(rng: Random) -> str:
        return f"{rng.choice(('ada', 'smith', 'info'))}{at}example{dot}com"

    return Form(f"spelt out: `{write(Random(0))}`", write)


EMAIL = Kind(
    "email",
    (
        Form("plain", _mail),
        Form("capitals", lambda rng: _mail(rng).upper()),
        Form("with +tag", lambda rng: _mail(rng).replace("@", f"+{letters(rng, 5)}@")),
        Form("in angle brackets", lambda rng: f"<{_mail(rng)}>"),
        Form("mailto link", lambda rng: f"mailto:⟦{_mail(rng)}⟧"),
        Form("percent-encoded", lambda rng: _mail(rng).replace("@", "%40")),
        Form("JSON escape", lambda rng: _mail(rng).replace("@", "\\u0040")),
        Form("full-width @", lambda rng: _mail(rng).replace("@", "＠")),
        Form("zero-width space inside", lambda rng: _mail(rng).replace("@", "\u200b@")),
        Form("quoted local part", lambda rng: f'"{letters(rng, 4)} {letters(rng, 5)}"@example.org'),
        Form("blanks round the @", lambda rng: _mail(rng).replace("@", " @ ")),
        Form("no dot in the host", lambda rng: f"{letters(rng, 5)}@intranet"),
        Form("HTML entity", lambda rng: _mail(rng).replace("@", "&#64;")),
        _spelt(" at ", " dot "),
        _spelt("[at]", "[dot]"),
    ),
    (
        Form("handles", lambda rng: f"@{letters(rng, 8)}"),
        Form("versions of packages", lambda rng: f"{letters(rng, 6)}@{rng.randint(0, 9)}.{rng.randint(0, 20)}.1"),
        Form("addresses of repositories", fixed("git@example.org:team/tool.git", "hg@code.example.net/x")),
        Form("pictures", fixed("icon@2x.png", "logo@3x.webp")),
        Form("decorators", lambda rng: f"@{letters(rng, 4)}.{letters(rng, 5)}(x)"),
        Form("prices", lambda rng: f"{rng.randint(2, 9)} apples @ {rng.randint(1, 9)}.50 each"),
    ),
)


def _american(rng: Random) -> tuple[str, str, str]:
    return digits(rng, 3, "23456789"), digits(rng, 3, "23456789"), digits(rng, 4)


def _us(pattern: str, *cue: str) -> Form:
    name = f"American, `{pattern.format('555', '234', '5678')}`" + (", named" if cue else "")
    return Form(name, lambda rng: pattern.format(*_american(rng)), cue)


def _of(shape: str, *cue: str, of: str = "") -> Form:
    """A number of this shape: `#` is a digit, `N` one of 2 to 9."""

    def write(rng: Random) -> str:
        kinds = {"#": "0123456789", "N": "23456789"}
        return "".join(rng.choice(kinds[char]) if char in kinds else char for char in shape)

    return Form(f"{of} `{shape}`".strip() + (", named" if cue else ""), write, cue)


CUES = ("Phone: ", "my mobile is ", "Tel. ", "call me at ", "WhatsApp ", "fax: ")
PHONE = Kind(
    "phone",
    (
        _us("({0}) {1}-{2}"),
        _us("{0}-{1}-{2}"),
        _us("{0}.{1}.{2}"),
        _us("+1 {0} {1} {2}"),
        _us("1-{0}-{1}-{2}"),
        _us("+1{0}{1}{2}"),
        _us("{0}{1}{2}", *CUES),
        _us("{0}{1}{2}"),
        _us("{1}-{2}", *CUES),
        _us("{1}-{2}"),
        _us("{0} {1} {2}"),
        _of("+44 20 7946 0###", of="British"),
        _of("07N## ######", of="British"),
        _of("(020) 7946 0###", of="British"),
        _of("+49 (0)30 N######", of="German"),
        _of("030/N######", of="German"),
        _of("0049 171 N######", of="German"),
        _of("06 12 ## ## ##", of="French"),
        _of("01.42.##.##.##", of="French"),
        _of("01 42 ## ## ##", of="French"),
        _of("+34 6## ### ###", of="Spanish"),
        _of("6## ### ###", of="Spanish"),
        _of("+91 98### #####", of="Indian"),
        _of("98### #####", of="Indian"),
        _of("+86 138 #### ####", of="Chinese"),
        Form(
            "full-width digits", lambda rng: f"+１ {digits(rng, 3, '２３４')}-{digits(rng, 3, '２３４')}-１２３４"
        ),
        Form("in words", fixed("five five five, two three four, five six seven eight"), CUES),
    ),
    (
        Form("sums", lambda rng: f"{rng.randint(100, 999)}-{rng.randint(100, 999)}-{rng.randint(10, 99)} = ?"),
        Form("large sums", lambda rng: f"What is {digits(rng, 9, '123')} + {digits(rng, 10, '456')}?"),
        Form(
            "differences",
            lambda rng: f"Compute {rng.randint(200, 999)}-{rng.randint(200, 999)}-{rng.randint(1000, 9999)}",
        ),
        Form("dates", lambda rng: f"{rng.randint(1990, 2030)}-{rng.randint(10, 12)}-{rng.randint(10, 28)}"),
        Form(
            "timestamps",
            lambda rng: (
                f"20{digits(rng, 2)}-11-0{digits(rng, 1, '123')}T1{digits(rng, 1)}:{digits(rng, 2, '012345')}:00Z"
            ),
        ),
        Form("orders", lambda rng: f"order {digits(rng, 10, '1234')}"),
        Form("ISBN", lambda rng: f"978-3-16-{digits(rng, 6)}-{digits(rng, 1)}"),
        Form("amounts", lambda rng: f"${digits(rng, 1, '123')},{digits(rng, 3)},{digits(rng, 3)}.00"),
        Form("lists", lambda rng: " ".join(str(rng.randint(100, 999)) for _ in range(6))),
        Form("Unix times", lambda rng: f"17{digits(rng, 8)}"),
        Form(
            "coordinates",
            lambda rng: f"{rng.randint(10, 80)}.{digits(rng, 6)}, -{rng.randint(10, 80)}.{digits(rng, 6)}",
        ),
    ),
)

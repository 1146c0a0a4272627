"""Payment cards and bank accounts."""

from __future__ import annotations

from random import Random

from cases_report.made.form import Form, Kind, digits, grouped, letters


def _luhn(body: str) -> str:
    """The number with its check digit."""
    total = 0
    for place, char in enumerate(reversed(body)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def _visa(rng: Random) -> str:
    return _luhn("4" + digits(rng, 14))


def _master(rng: Random) -> str:
    return _luhn((rng.choice(("51", "53", "55", "2221", "2599")) + digits(rng, 15))[:15])


def _amex(rng: Random) -> str:
    return _luhn(rng.choice(("34", "37")) + digits(rng, 12))


FOUR = (4, 4, 4, 4)
CARD = Kind(
    "card",
    (
        Form("Visa, plain", _visa),
        Form("Visa, in fours", lambda rng: grouped(_visa(rng), FOUR, " ")),
        Form("Mastercard, hyphens", lambda rng: grouped(_master(rng), FOUR, "-")),
        Form("Amex, 4-6-5", lambda rng: grouped(_amex(rng), (4, 6, 5), " ")),
        Form("Amex, plain", _amex),
        Form("Discover", lambda rng: _luhn("6011" + digits(rng, 11))),
        Form("no-break spaces", lambda rng: grouped(_visa(rng), FOUR, "\u00a0")),
        Form(
            "full-width digits", lambda rng: _visa(rng).translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
        ),
        Form("as a JSON number", lambda rng: f'{{"pan": ⟦{_visa(rng)}⟧}}'),
        Form("dots", lambda rng: grouped(_visa(rng), FOUR, ".")),
        Form("mixed signs", lambda rng: grouped(_visa(rng), (4, 12), "-").replace("-", " - ")),
        Form("two blanks", lambda rng: grouped(_visa(rng), FOUR, "  ")),
        Form("one digit mistyped", lambda rng: (n := _visa(rng))[:-1] + str((int(n[-1]) + 1) % 10)),
    ),
    (
        Form("long products", lambda rng: f"{digits(rng, 8, '123456789')} * {digits(rng, 8, '123456789')}"),
        Form("16 digits that fail Luhn", lambda rng: (n := _visa(rng))[:-1] + str((int(n[-1]) + 3) % 10)),
        Form("Luhn, but no network's", lambda rng: _luhn("9" + digits(rng, 14))),
        Form("decimals", lambda rng: f"0.{digits(rng, 16)}"),
        Form("digits of pi", lambda rng: f"3.14159265358979{digits(rng, 6)}"),
        Form("years", lambda rng: " ".join(str(rng.randint(1990, 2026)) for _ in range(4))),
        Form("numbers with commas", lambda rng: f"{int(digits(rng, 16, '456')):,}"),
    ),
)

_SHAPES = {"DE": 18, "FR": 23, "NL": 14, "GB": 18, "ES": 20, "NO": 11, "PL": 24, "CH": 17}


def _iban(rng: Random) -> str:
    country = rng.choice(tuple(_SHAPES))
    bank = letters(rng, 4, "ABNIGKLRS") if country in ("NL", "GB") else ""
    body = bank + digits(rng, _SHAPES[country] - len(bank))
    number = ""
    for char in body + country + "00":
        number += char if char.isdigit() else str(ord(char) - 55)
    return f"{country}{98 - int(number) % 97:02d}{body}"


IBAN = Kind(
    "iban",
    (
        Form("plain", _iban),
        Form("in fours", lambda rng: grouped(_iban(rng), (4,) * 8, " ").strip()),
        Form("lower case", lambda rng: _iban(rng).lower()),
        Form("hyphens", lambda rng: grouped(_iban(rng), (4,) * 8, "-").strip("-")),
        Form("after IBAN", lambda rng: f"IBAN:⟦{_iban(rng)}⟧"),
        Form("in a JSON string", lambda rng: f'{{"account":"⟦{_iban(rng)}⟧"}}'),
        Form("dots", lambda rng: grouped(_iban(rng), (4,) * 8, ".").strip(".")),
        Form("blank after the country", lambda rng: (n := _iban(rng))[:2] + " " + n[2:]),
        Form(
            "old account number and sort code",
            lambda rng: f"account ⟦{digits(rng, 8)}⟧, sort code {digits(rng, 2)}-{digits(rng, 2)}-{digits(rng, 2)}",
        ),
    ),
    (
        Form("wrong check digits", lambda rng: (n := _iban(rng))[:2] + f"{(int(n[2:4]) + 1) % 97:02d}" + n[4:]),
        Form("part numbers", lambda rng: f"{letters(rng, 2, 'ABCDEFGH')}{digits(rng, 2)}-{digits(rng, 6)}"),
        Form("flights", lambda rng: f"LH{digits(rng, 3, '123')} and BA{digits(rng, 4, '123')}"),
    ),
)

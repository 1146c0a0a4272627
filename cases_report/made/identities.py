"""National identity numbers, with check digits computed here, by other means than the patterns use."""

from __future__ import annotations

from random import Random

from cases_report.made.form import Form, Kind, digits, grouped, letters


def _ssn(rng: Random) -> str:
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def _bsn(rng: Random) -> str:
    while True:
        number = digits(rng, 9, "12345678")
        if (sum(int(number[place]) * (9 - place) for place in range(8)) - int(number[8])) % 11 == 0:
            return number


def _dni(rng: Random) -> str:
    number = digits(rng, 8)
    return number + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) - int(number) // 23 * 23]


def _nie(rng: Random) -> str:
    lead, number = rng.randrange(3), digits(rng, 7)
    return "XYZ"[lead] + number + "TRWAGMYFPDXBNJZSQVHLCKE"[int(f"{lead}{number}") % 23]


_ODD = "BAKPLCQDREVOSFTGUHMINJWZYX"
"""Letters by their value at odd places: A is 1, B is 0."""


def _codice(rng: Random) -> str:
    body = (
        letters(rng, 6, "BCDFGLMNRST") + digits(rng, 2) + rng.choice("ABCDEHLMPRST") + f"{rng.randint(1, 31):02d}"
    )
    body += rng.choice("ABCDEFGHILZ") + digits(rng, 3)
    total = 0
    for place, char in enumerate(body):
        letter = chr(65 + int(char)) if char.isdigit() else char
        total += _ODD.index(letter) if place % 2 == 0 else ord(letter) - 65
    return body + chr(65 + total % 26)


def _steuer(rng: Random) -> str:
    ten = ["0"]
    while ten[0] == "0":
        ten = rng.sample("0123456789", 9)
        ten.insert(rng.randrange(10), rng.choice(ten))
    body = "".join(ten)
    state = 10
    for char in body:
        state = ((int(char) + state) % 10 or 10) * 2 % 11
    return body + str((11 - state) % 10)


def _nir(rng: Random) -> str:
    body = f"{rng.choice('12')}{digits(rng, 2)}{rng.randint(1, 12):02d}{rng.randint(1, 95):02d}{digits(rng, 6)}"
    return f"{body}{97 - int(body) % 97:02d}"


def _cpf(rng: Random) -> str:
    number = digits(rng, 9)
    for _ in range(2):
        rest = sum(int(char) * weight for char, weight in zip(reversed(number), range(2, 12), strict=False)) % 11
        number += "0" if rest < 2 else str(11 - rest)
    return number


def _nino(rng: Random) -> str:
    return rng.choice(("AB", "CE", "JG", "SX", "WK", "PR")) + digits(rng, 6) + rng.choice("ABCD")


def _dotted(number: str) -> str:
    return f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"


def _wrong(number: str) -> str:
    return number[:-1] + (
        str((int(number[-1]) + 1) % 10) if number[-1].isdigit() else chr((ord(number[-1]) - 64) % 26 + 65)
    )


SSN = Kind(
    "us_ssn",
    (
        Form("hyphens", _ssn),
        Form("blanks", lambda rng: _ssn(rng).replace("-", " ")),
        Form("plain, named", lambda rng: _ssn(rng).replace("-", ""), ("SSN ", "social security number: ")),
        Form("no-break hyphens", lambda rng: _ssn(rng).replace("-", "\u2011")),
        Form("taxpayer's, 9xx", lambda rng: f"9{digits(rng, 2)}-7{digits(rng, 1)}-{digits(rng, 4)}"),
        Form("plain, unnamed", lambda rng: _ssn(rng).replace("-", "")),
        Form("dots", lambda rng: _ssn(rng).replace("-", ".")),
        Form("last four, named", lambda rng: digits(rng, 4), ("last four of my SSN: ",)),
    ),
    (
        Form(
            "areas never given out",
            lambda rng: f"{rng.choice(('000', '666'))}-{digits(rng, 2, '123')}-{digits(rng, 4)}",
        ),
        Form(
            "differences",
            lambda rng: f"Calculate {rng.randint(100, 899)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}",
        ),
        Form("ZIP+4", lambda rng: f"{digits(rng, 5)}-{digits(rng, 4)}"),
        Form("9 digits", lambda rng: f"{digits(rng, 9, '1234')} people"),
    ),
)
BSN = Kind(
    "nl_bsn",
    (
        Form("plain, named", _bsn, ("BSN ", "burgerservicenummer: ", "mijn bsn is ")),
        Form("in threes, named", lambda rng: grouped(_bsn(rng), (3, 3, 3), "."), ("BSN: ",)),
        Form("4-2-3, named", lambda rng: grouped(_bsn(rng), (4, 2, 3), " "), ("BSN ",)),
        Form("unnamed", _bsn),
    ),
    (
        Form("9 digits that pass, unnamed sums", lambda rng: f"{_bsn(rng)} + 1 ="),
        Form("named, wrong digit", lambda rng: f"BSN {_wrong(_bsn(rng))}"),
    ),
)
DNI = Kind(
    "es_dni",
    (
        Form("plain", _dni),
        Form("hyphen", lambda rng: (n := _dni(rng))[:8] + "-" + n[8]),
        Form("dots", lambda rng: (n := _dni(rng))[:2] + "." + n[2:5] + "." + n[5:8] + "-" + n[8]),
        Form("lower case", lambda rng: _dni(rng).lower()),
        Form("of a foreigner", _nie),
        Form("without its letter", lambda rng: _dni(rng)[:8], ("DNI ",)),
    ),
    (
        Form("wrong letter", lambda rng: _wrong(_dni(rng))),
        Form("quantities", lambda rng: f"{digits(rng, 8, '123456789')} W"),
    ),
)
CODICE = Kind(
    "it_codice_fiscale",
    (
        Form("plain", _codice),
        Form("lower case", lambda rng: _codice(rng).lower()),
        Form("as printed", lambda rng: (n := _codice(rng))[:6] + " " + n[6:11] + " " + n[11:]),
        Form("in four groups", lambda rng: grouped(_codice(rng), (3, 3, 5, 5), " ")),
    ),
    (Form("wrong letter", lambda rng: _wrong(_codice(rng))),),
)
NINO = Kind(
    "uk_nino",
    (
        Form("plain", _nino),
        Form("in twos", lambda rng: grouped(_nino(rng), (2, 2, 2, 2, 1), " ")),
        Form("lower case", lambda rng: _nino(rng).lower()),
        Form("hyphens", lambda rng: grouped(_nino(rng), (2, 2, 2, 2, 1), "-")),
        Form("2-6-1", lambda rng: grouped(_nino(rng), (2, 6, 1), " ")),
    ),
    (
        Form("prefixes never given out", lambda rng: rng.choice(("GB", "QQ", "DA", "ZZ")) + digits(rng, 6) + "A"),
        Form("product codes", lambda rng: f"{letters(rng, 2, 'ABCEGH')}{digits(rng, 6)}{rng.choice('XYZ')}"),
    ),
)
STEUER = Kind(
    "de_steuer_id",
    (
        Form("plain", _steuer),
        Form("2-3-3-3", lambda rng: grouped(_steuer(rng), (2, 3, 3, 3), " ")),
        Form("hyphens", lambda rng: grouped(_steuer(rng), (2, 3, 3, 3), "-")),
    ),
    (
        Form("11 digits", lambda rng: digits(rng, 11, "123456789")),
        Form("wrong digit", lambda rng: _wrong(_steuer(rng))),
    ),
)
NIR = Kind(
    "fr_nir",
    (
        Form("plain", _nir),
        Form("as printed", lambda rng: grouped(_nir(rng), (1, 2, 2, 2, 3, 3, 2), " ")),
        Form("without its key", lambda rng: _nir(rng)[:13], ("n° de sécurité sociale ",)),
    ),
    (Form("15 digits", lambda rng: digits(rng, 15, "12")), Form("wrong key", lambda rng: _wrong(_nir(rng)))),
)
CPF = Kind(
    "br_cpf",
    (
        Form("as printed", lambda rng: _dotted(_cpf(rng))),
        Form("plain, named", _cpf, ("CPF ", "meu CPF: ")),
        Form("plain, unnamed", _cpf),
        Form("blanks", lambda rng: _dotted(_cpf(rng)).replace(".", " ")),
    ),
    (Form("wrong digit", lambda rng: _dotted(_wrong(_cpf(rng)))),),
)
KINDS = (SSN, BSN, DNI, CODICE, NINO, STEUER, NIR, CPF)

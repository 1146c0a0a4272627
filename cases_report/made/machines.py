"""Addresses of machines, and what opens them."""

from __future__ import annotations

import base64
import json
from random import Random

from cases_report.made.form import Form, Kind, digits, letters

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"


def _v4(rng: Random) -> str:
    return (
        f"{rng.choice((10, 83, 172, 192, 203))}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    )


def _v6(rng: Random) -> str:
    return ":".join(letters(rng, 4, HEX) for _ in range(8))


IP = Kind(
    "ip",
    (
        Form("IPv4", _v4),
        Form("IPv4 with port", lambda rng: f"⟦{_v4(rng)}⟧:8080"),
        Form("IPv4 network", lambda rng: f"⟦{_v4(rng)}⟧/24"),
        Form("IPv4 in a URL", lambda rng: f"http://⟦{_v4(rng)}⟧/status"),
        Form("IPv6", _v6),
        Form("IPv6, shortened", lambda rng: f"2a02:{letters(rng, 4, HEX)}::{letters(rng, 4, HEX)}"),
        Form("IPv6 in brackets", lambda rng: f"[⟦{_v6(rng)}⟧]:443"),
        Form("IPv6 with zone", lambda rng: f"⟦fe80::{letters(rng, 4, HEX)}:{letters(rng, 4, HEX)}⟧%eth0"),
        Form("mapped IPv4", lambda rng: f"::ffff:{_v4(rng)}"),
        Form("dots in brackets", lambda rng: _v4(rng).replace(".", "[.]")),
        Form("one number", lambda rng: f"http://⟦{rng.randint(2**24, 2**32 - 1)}⟧/"),
        Form("MAC address", lambda rng: ":".join(letters(rng, 2, HEX) for _ in range(6))),
    ),
    (
        Form(
            "versions",
            lambda rng: f"version {rng.randint(1, 9)}.{rng.randint(0, 9)}.{rng.randint(0, 9)}.{rng.randint(0, 9)}",
        ),
        Form(
            "unnamed versions",
            lambda rng: f"we run {rng.randint(1, 9)}.{rng.randint(0, 9)}.{rng.randint(0, 9)}.{rng.randint(0, 9)}",
        ),
        Form("loopback", lambda rng: rng.choice(("127.0.0.1", "::1", "0.0.0.0"))),
        Form("times", lambda rng: f"{rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}"),
        Form("names in C++", lambda rng: f"std::{letters(rng, 5)}::{letters(rng, 4)} and a::b1"),
        Form(
            "numbers out of range",
            lambda rng: f"{rng.randint(256, 999)}.{rng.randint(1, 9)}.{rng.randint(1, 9)}.{rng.randint(1, 9)}",
        ),
        Form("outlines", lambda rng: f"{rng.randint(1, 9)}.{rng.randint(1, 9)}.{rng.randint(1, 9)} Scope"),
    ),
)


def _password(rng: Random) -> str:
    return letters(rng, 5) + rng.choice("!-_$*") + digits(rng, 3)


CREDENTIALS = Kind(
    "credentials",
    (
        Form(
            "user and password in a URL", lambda rng: f"https://⟦{letters(rng, 5)}:{_password(rng)}⟧@example.org/x"
        ),
        Form("of a database", lambda rng: f"postgresql://⟦app:{_password(rng)}⟧@db:5432/main"),
        Form("of a queue without user", lambda rng: f"redis://⟦:{_password(rng)}⟧@cache:6379/0"),
        Form(
            "token in a query", lambda rng: f"https://example.org/a?x=1&access_token=⟦{letters(rng, 24, ALPHABET)}⟧"
        ),
        Form("key in a query", lambda rng: f"https://example.org/a?api_key=⟦{letters(rng, 20, ALPHABET)}⟧"),
        Form("signature", lambda rng: f"https://example.org/a?X-Amz-Signature=⟦{letters(rng, 64, HEX)}⟧&y=2"),
        Form("token in a path", lambda rng: f"https://example.org/reset/⟦{letters(rng, 16, ALPHABET)}⟧"),
        Form("curl -u", lambda rng: f"curl -u ⟦app:{_password(rng)}⟧ https://example.org"),
    ),
    (
        Form(
            "plain links", lambda rng: f"https://example.org/{letters(rng, 6)}?page={rng.randint(1, 99)}&sort=name"
        ),
        Form("links with ports", lambda rng: f"http://example.org:{rng.randint(1000, 9999)}/a"),
        Form("short keys", lambda rng: f"https://example.org/map?key={letters(rng, 3)}"),
        Form("handles in paths", lambda rng: f"https://example.org/@{letters(rng, 6)}/about"),
    ),
)


def _coded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _jwt(rng: Random) -> str:
    return f"{_coded({'alg': 'HS256'})}.{_coded({'sub': letters(rng, 8), 'exp': 1})}.{letters(rng, 43, ALPHABET)}"


JWT = Kind(
    "jwt",
    (
        Form("plain", _jwt),
        Form("after Bearer", lambda rng: f"Authorization: Bearer ⟦{_jwt(rng)}⟧"),
        Form("in JSON", lambda rng: f'{{"token":"⟦{_jwt(rng)}⟧"}}'),
        Form("unsigned", lambda rng: _jwt(rng).rpartition(".")[0] + "."),
        Form("broken over lines", lambda rng: (n := _jwt(rng))[:60] + "\n" + n[60:]),
    ),
    (Form("other dotted names", lambda rng: f"{letters(rng, 12)}.{letters(rng, 20)}.{letters(rng, 12)}"),),
)


def _block(label: str, rng: Random) -> str:
    lines = "\n".join(letters(rng, 64, ALPHABET) for _ in range(4))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----"


def _putty(rng: Random) -> str:
    key = f"{letters(rng, 30, ALPHABET)}/{letters(rng, 12)}="
    return f"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{key}"


PRIVATE_KEY = Kind(
    "private_key",
    (
        Form("RSA", lambda rng: _block("RSA PRIVATE KEY", rng)),
        Form("PKCS 8", lambda rng: _block("PRIVATE KEY", rng)),
        Form("OpenSSH", lambda rng: _block("OPENSSH PRIVATE KEY", rng)),
        Form("PGP", lambda rng: _block("PGP PRIVATE KEY BLOCK", rng)),
        Form("in a JSON string", lambda rng: json.dumps(_block("EC PRIVATE KEY", rng))),
        Form("without an end", lambda rng: _block("PRIVATE KEY", rng).rpartition("\n")[0]),
        Form("PuTTY", _putty),
    ),
    (
        Form("public keys", lambda rng: _block("PUBLIC KEY", rng)),
        Form("certificates", lambda rng: _block("CERTIFICATE", rng)),
    ),
)
KINDS = (IP, CREDENTIALS, JWT, PRIVATE_KEY)

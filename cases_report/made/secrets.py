"""API keys, passwords and other secrets. No key here has ever opened anything: all are drawn."""

from __future__ import annotations

import uuid
from random import Random

from cases_report.made.form import Form, Kind, Write, digits, fixed, letters
from cases_report.made.machines import ALPHABET, HEX

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def _after(prefix: str, size: int, of: str = ALPHABET) -> Write:
    return lambda rng: prefix + letters(rng, size, of)


def _webhook(rng: Random) -> str:
    path = f"T{letters(rng, 8, UPPER)}/B{letters(rng, 8, UPPER)}/{letters(rng, 24, ALPHABET)}"
    return f"https://hooks.slack.com/services/⟦{path}⟧"


API_KEY = Kind(
    "api_key",
    (
        Form("OpenAI", _after("sk-", 48)),
        Form("OpenAI, project", _after("sk-proj-", 60, ALPHABET + "-_")),
        Form("Anthropic", _after("sk-ant-api03-", 80, ALPHABET + "-_")),
        Form("AWS", _after("AKIA", 16, UPPER)),
        Form("GitHub", _after("ghp_", 36)),
        Form("GitHub, fine-grained", _after("github_pat_", 60, ALPHABET + "_")),
        Form("GitLab", _after("glpat-", 20)),
        Form("Slack", lambda rng: f"xoxb-{digits(rng, 12)}-{letters(rng, 24, ALPHABET)}"),
        Form("Google", _after("AIza", 35)),
        Form("Hugging Face", _after("hf_", 34)),
        Form("SendGrid", lambda rng: f"SG.{letters(rng, 22, ALPHABET)}.{letters(rng, 43, ALPHABET)}"),
        Form("Stripe", _after("sk_live_", 24)),
        Form("npm", _after("npm_", 36)),
        Form("PyPI", _after("pypi-AgEIcHlwaS5vcmc", 80)),
        Form("Twilio", _after("SK", 32, HEX)),
        Form("Telegram", lambda rng: f"{digits(rng, 9, '123456')}:AA{letters(rng, 33, ALPHABET)}"),
        Form("Slack webhook", _webhook),
        Form("Azure, 32 hex, unnamed", _after("", 32, HEX)),
        Form("Datadog, 40 hex, named", _after("", 40, HEX), ("api_key: ", "DD_API_KEY=")),
        Form("short, unknown", _after("zk_", 12)),
    ),
    (
        Form("names in programs", lambda rng: f"sk_{letters(rng, 6)}_test and pk-{letters(rng, 5)}"),
        Form("words with hyphens", fixed("risk-adjusted-return-on-capital", "task-oriented-dialogue-systems")),
    ),
)
PASSWORD = Kind(
    "password",
    (
        Form(
            "after a colon", lambda rng: f"{letters(rng, 6)}{digits(rng, 3)}", ("password: ", "Passwort: ", "pwd: ")
        ),
        Form("in a setting", lambda rng: f"{letters(rng, 6)}!{digits(rng, 2)}", ("DB_PASSWORD=", "password = ")),
        Form("in quotes", lambda rng: f'"{letters(rng, 4)}#{digits(rng, 4)}"', ("password = ", '"password": ')),
        Form(
            "in a sentence",
            lambda rng: f"{letters(rng, 7)}{digits(rng, 2)}",
            ("my password is ", "the password was "),
        ),
        Form("a plain word", fixed("sunshine", "dragonfly", "letmein"), ("my password is ", "password: ")),
        Form("a phrase", lambda rng: f"{letters(rng, 5)} {letters(rng, 6)} {letters(rng, 5)}", ("passphrase: ",)),
        Form("abbreviated", lambda rng: f"{letters(rng, 5)}{digits(rng, 3)}", ("pw ", "pass: ")),
    ),
    (
        Form("calls", fixed("password = getpass()", "password = os.environ['PW']", "password: str | None = None")),
        Form("prose", fixed("the password is wrong", "your password was reset today", "password: required")),
        Form("placeholders", fixed("password=${DB_PASSWORD}", "password={password}", "password: %s")),
    ),
)
SECRET = Kind(
    "secret",
    (
        Form("32 letters and digits", _after("", 32)),
        Form("44 letters and digits", _after("", 44)),
        Form("24 letters and digits", _after("", 24)),
        Form(
            "named, 40 with signs", _after("", 40, ALPHABET + "/+"), ("aws_secret_access_key = ", "client_secret: ")
        ),
        Form("named, hex", _after("", 32, HEX), ("secret=", "token: ")),
        Form("after Bearer", _after("", 24), ("Authorization: Bearer ",)),
        Form("40 with signs, unnamed", _after("", 40, ALPHABET + "/+")),
        Form("20 letters and digits", _after("", 20)),
    ),
    (
        Form("UUIDs", lambda rng: str(uuid.UUID(int=rng.getrandbits(128)))),
        Form("digests", _after("", 40, HEX)),
        Form("ids of calls", _after("call_", 24)),
        Form(
            "names in camel case",
            fixed(
                "getUserAccountByIdAndRegionV2", "ThisIsAVeryLongClassName4Tests", "convertUtf8ToUtf16LittleEndian"
            ),
        ),
        Form(
            "names with underscores",
            fixed("test_that_the_2nd_Request_is_Retried_3_times", "MAX_Number_Of_Retries_2024_v1"),
        ),
        Form(
            "long words",
            fixed("Donaudampfschifffahrtsgesellschaft", "pneumonoultramicroscopicsilicovolcanoconiosis"),
        ),
        Form("long numbers", lambda rng: digits(rng, 40, "123456789")),
        Form("paths", lambda rng: f"/usr/lib/python3/dist-packages/{letters(rng, 8)}/{letters(rng, 9)}2.py"),
    ),
)
KINDS = (API_KEY, PASSWORD, SECRET)

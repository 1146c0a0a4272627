"""Secrets: private keys, tokens, API keys of well-known form, passwords that are named as such, and random text.

Random text is a run of at least 24 letters, small and capital, and digits, as mixed as chance has it (Shannon's
entropy of its characters) and not made of words: names in programs, hexadecimal digests, UUIDs and the ids of chat
APIs stay. After words such as `secret` or `key` less is enough.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from cases.redaction.span import Span

_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BLOCK_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PUTTY = re.compile(r"PuTTY-User-Key-File-[0-9]")
_PUTTY_END = re.compile(r"Private-(?:MAC|Hash): ?[0-9a-f]{40,64}")
_JWT = re.compile(r"(?<![\w.-])eyJ[\w-]{8,4096}+\.[\w-]{4,16384}+\.[\w-]{0,4096}+")
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?:proj-|ant-|svcacct-|or-|live-)?[\w-]{20,200}+"
    r"|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}+|github_pat_\w{22,255}+|gl(?:pat|dt|rt|ptt)-[\w-]{20,255}+"
    r"|xox[abeprs]-[\w-]{10,255}+|xapp-[\w-]{10,255}+"
    r"|AIza[\w-]{35}(?![\w-])|ya29\.[\w-]{20,1024}+|GOCSPX-[\w-]{20,64}+"
    r"|hf_[A-Za-z0-9]{30,64}+|r8_[A-Za-z0-9]{30,64}+|gsk_[A-Za-z0-9]{40,64}+|xai-[A-Za-z0-9]{40,100}+|nvapi-[\w-]{40,100}+"
    r"|SG\.[\w-]{16,64}+\.[\w-]{16,64}+|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}+|whsec_[A-Za-z0-9+/=]{16,255}+"
    r"|npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])|pypi-[\w-]{32,255}+|do[oprt]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"
    r"|(?:AC|SK)[a-f0-9]{32}(?![a-f0-9])|key-[a-f0-9]{32}(?![a-f0-9])|[0-9]{8,10}:AA[\w-]{33}(?![\w-])"
    r"|hooks\.slack\.com/services/[\w/]{20,100}+|discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[\w-]{60,80}+"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{58}|dapi[a-f0-9]{32}|dckr_pat_[\w-]{20,64}+|lin_api_[A-Za-z0-9]{40}|PMAK-[a-f0-9-]{40,70}+"
    r")"
)
_AUTHORIZATION = re.compile(
    r"\b(?:bearer|basic|token)[ \t]{1,8}+([A-Za-z0-9._~+/-]{16,4096}+={0,2})", re.IGNORECASE
)
_PASSWORD = re.compile(
    r"(?<![A-Za-z])(?:password|passwd|passphrase|passcode|pwd|pw|passwort|kennwort|contraseña|mot de passe)"
    r"(?:[\"'`]?[ \t]{0,8}+(?::|=>?|:=)[ \t]{0,8}+"
    r"|[ \t]{1,8}+(?:is|ist|es|est|was|war)(?:[ \t]{0,8}+:)?[ \t]{1,8}+)([\"'`]?)([^\s\"'`<>,;]{6,128}+)",
    re.IGNORECASE,
)
_SIGN = re.compile(r"[0-9]|[^\w.]")
_VARIABLE = re.compile(r"^[${%]|[(\[]")
_NAMED = re.compile(
    r"(?:secret|api[_-]?key|access[_-]?key|private[_-]?key|token)"
    r"[\"'`]?[ \t]{0,8}+(?::|=>?|:=|\bis\b)[ \t]{0,8}+[\"'`]?([A-Za-z0-9+/_=.-]{16,512}+)",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![\w+/=.\\-])[A-Za-z0-9_-]{24,}+(?![+/.][A-Za-z0-9])")
_HEX = re.compile(r"[0-9a-fA-F-]++")
_SMALL = re.compile("[A-Z]?[a-z]{3,}")
_IDS = re.compile(
    r"(?:call|fc|fcall|msg|resp|rs|req|run|toolu|chatcmpl|cmpl|item|file|thread|asst|step|srvtoolu|ws)[_-]"
)
SHORTEST_PASSWORD = 6
LOOKED_AT = 256
"""So many characters of a word say whether it is random."""
ENTROPY = 3.5
"""Bits a character, of the word's own characters."""
WORDS = 0.5
"""Most that words may make up of it: three small letters or more, a capital before them or not."""


def private_keys(text: str) -> Iterator[Span]:
    """Every block of a private key, to the end of the text where it is not closed (RFC 7468)."""
    for opening, closing in ((_BLOCK, _BLOCK_END), (_PUTTY, _PUTTY_END)):
        at = 0
        while begin := opening.search(text, at):
            end = closing.search(text, begin.end())
            at = len(text) if end is None else end.end()
            yield Span(begin.start(), at, "private_key")


def tokens(text: str) -> Iterator[Span]:
    """JSON Web Tokens (RFC 7519), keys of well-known form, and what follows `Bearer` or `Basic`."""
    for found in _JWT.finditer(text):
        yield Span(found.start(), found.end(), "jwt")
    for found in _KNOWN.finditer(text):
        yield Span(found.start(), found.end(), "api_key")
    for found in _AUTHORIZATION.finditer(text):
        if _mixed(found[1]):
            yield Span(found.start(1), found.end(1), "secret", told=True)


def passwords(text: str) -> Iterator[Span]:
    """What is named a password and has a digit or sign in it; a call, a variable or a word has not."""
    for found in _PASSWORD.finditer(text):
        value = found[2] if found[1] else found[2].rstrip(".!?)")
        if len(value) >= SHORTEST_PASSWORD and _SIGN.search(value) and not _VARIABLE.search(value):
            yield Span(found.start(2), found.start(2) + len(value), "password", told=True)


def random_words(text: str) -> Iterator[Span]:
    """Random text, and less random text that is named a secret."""
    for found in _NAMED.finditer(text):
        if _mixed(found[1]) and not _IDS.match(found[1]):
            yield Span(found.start(1), found.end(1), "secret", told=True)
    for found in _WORD.finditer(text):
        word = found[0][:LOOKED_AT]
        if not _HEX.fullmatch(word) and not _IDS.match(word) and _random(word):
            yield Span(found.start(), found.end(), "secret")


def _mixed(word: str) -> bool:
    """Whether letters and digits are mixed."""
    return re.search("[0-9]", word) is not None and re.search("[A-Za-z]", word) is not None


def _random(word: str) -> bool:
    if not (re.search("[a-z]", word) and re.search("[A-Z]", word) and re.search("[0-9]", word)):
        return False
    shares = [count / len(word) for count in Counter(word).values()]
    words = sum(map(len, _SMALL.findall(word))) / len(word)
    return words <= WORDS and -sum(share * math.log2(share) for share in shares) >= ENTROPY

"""Who has signed in with a browser, as a signed cookie: nothing is kept here, so nothing grows."""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256

LIFETIME = 12 * 3_600
"""Seconds until one must sign in again."""


class Cookies:
    """Signs cookies for roles, each with a token of its own.

    The key is made of a secret of this process and the role's token: another token, or a restart, ends what was
    signed before. `clock` gives seconds since 1970.
    """

    def __init__(self, tokens: Mapping[str, str], *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secrets.token_bytes(32)
        self._tokens = dict(tokens)
        self._clock = clock

    def issue(self, role: str) -> str:
        """A cookie's value for whoever has shown the role's token. Raises KeyError where it has none."""
        said = f"{role}.{int(self._clock()) + LIFETIME}.{secrets.token_urlsafe(12)}"
        return f"{said}.{self._signature(role, said)}"

    def role(self, value: str) -> str | None:
        """The role that a cookie gives; None where it is none, has been changed, or is too old."""
        said, _, signature = value.rpartition(".")
        role, _, rest = said.partition(".")
        expiry = rest.partition(".")[0]
        if role not in self._tokens or not hmac.compare_digest(
            signature.encode("utf-8", "surrogateescape"), self._signature(role, said).encode()
        ):
            return None
        return role if self._clock() < int(expiry) else None

    def form_token(self, value: str) -> str:
        """What a form must carry that is sent with this cookie, or with none (empty): no other page can know it."""
        return _encoded(hmac.digest(self._secret, b"form\0" + value.encode("utf-8", "surrogateescape"), sha256))

    def _signature(self, role: str, said: str) -> str:
        key = hmac.digest(self._secret, f"{role}\0{self._tokens[role]}".encode(), sha256)
        return _encoded(hmac.digest(key, said.encode("utf-8", "surrogateescape"), sha256))


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

"""What every section of the configuration is made of: its base, and the types of its values."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from proxy.address import parse_address, parse_url

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Interval = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1)]
Alpha = Annotated[float, Field(ge=1e-9, le=0.5)]


def _address(value: object) -> str:
    if not isinstance(value, str):  # YAML reads 8080 as a number
        raise ValueError("should be host and port, such as 127.0.0.1:8080")  # noqa: TRY004 - pydantic wants it
    parse_address(value)
    return value


def _url(text: str) -> str:
    parse_url(text)
    return text


def _urls(value: object) -> object:
    if isinstance(value, str):
        return (_url(value),)
    if not isinstance(value, list | tuple):
        raise ValueError("should be a URL, such as http://127.0.0.1:8001, or a list of them")  # noqa: TRY004
    return tuple(value)


def _path(text: str) -> str:
    if not text.startswith("/") or "?" in text:
        raise ValueError("should be a path that starts with / and has no query, such as /v1/chat/completions")
    return text


def any_url(text: str) -> str:
    """An http or https URL with any path. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in text):
        raise ValueError("should be a URL, such as https://hooks.example.com/slipgauge")
    if parts.username is not None or parts.password is not None:
        raise ValueError("should hold no user name or password; sign with secret_env")
    return text


def _field_name(text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text):  # a token, RFC 9110 section 5.6.2
        raise ValueError("should be a header's name, such as X-Session-Id")
    return text


def _named(text: str) -> str:
    if not text:
        raise ValueError("should not be empty")
    return text


def _revision(text: str) -> str:
    if not (text.isprintable() and 0 < len(text) <= 200):
        raise ValueError("should be a name of up to 200 printable characters, such as int4-2026-11")
    return text


def _segment(text: str) -> str:
    attribute, _, value = text.partition("=")
    if not attribute or not value:
        raise ValueError("should be an attribute and its value, such as x-feature=tutoring")
    return text


SegmentName = Annotated[str, AfterValidator(_segment)]
FieldName = Annotated[str, AfterValidator(_field_name)]
ModelName = Annotated[str, AfterValidator(_named)]
Revision = Annotated[str, AfterValidator(_revision)]
ListenAddress = Annotated[str, BeforeValidator(_address)]
ServerUrls = Annotated[
    tuple[Annotated[str, AfterValidator(_url)], ...], BeforeValidator(_urls), Field(min_length=1)
]
"""One URL or a list of them, read as a tuple."""
RequestPath = Annotated[str, AfterValidator(_path)]


class Section(BaseModel):
    """Strict: no unknown key, no guessed type, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

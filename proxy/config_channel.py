"""The section `channel` of the configuration: how what gateways find reaches control."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from proxy.config_section import Count, Seconds, Section


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("nats", "tls") or not parts.hostname or parts.username or parts.path:
        raise ValueError("should be a URL such as nats://127.0.0.1:4222, without user or password")
    return text


class NatsTls(Section):
    """How servers at `tls://` are trusted, and how they may know who connects."""

    ca_file: str | None = Field(None, description="PEM file with the CAs to trust; the system's where left out.")
    cert_file: str | None = Field(None, description="PEM file with the certificate to show.")
    key_file: str | None = Field(None, description="PEM file with that certificate's key, without a passphrase.")


class Nats(Section):
    """How gateways and control find each other where they are apart: `slipgauge gateway`, `slipgauge control`."""

    servers: tuple[Annotated[str, AfterValidator(_url)], ...] = Field(
        min_length=1, description="Where the servers listen, such as nats://127.0.0.1:4222."
    )
    credentials_file: str | None = Field(None, description="The file with the user's JWT and key, as nsc makes it.")
    user: str | None = Field(None, description="The user's name, where the servers ask for a password.")
    password_env: str | None = Field(None, description="Environment variable with that user's password.")
    token_env: str | None = Field(None, description="Environment variable with the token that the servers ask for.")
    tls: NatsTls = NatsTls()
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = Field(
        "slipgauge", description="What the names of streams, subjects and the bucket begin with."
    )
    replicas: Literal[1, 3, 5] = Field(1, description="On how many servers each stream is kept.")
    stream_bytes: Annotated[int, Field(ge=1024 * 1024)] = Field(
        1024 * 1024 * 1024, description="Most bytes of reports that are kept; more are refused, and counted."
    )
    stream_age: Seconds = Field(86_400.0, description="How long a report is kept.")
    window: Count = Field(
        10_000,
        description="Most reports of a gateway that are not known to be stored; more are dropped, counted.",
    )


class Channel(Section):
    """How what gateways find reaches control."""

    nats: Nats | None = Field(
        None,
        description="NATS JetStream, for `slipgauge gateway` and `slipgauge control`; within one process where left"
        " out. A section with servers, credentials_file, user, password_env, token_env, tls, prefix, replicas,"
        " stream_bytes, stream_age and window.",
    )

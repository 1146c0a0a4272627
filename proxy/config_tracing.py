"""The section `tracing` of the configuration: where traces go, and how many there are."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field

from proxy.config_section import Section, Share, any_url

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[ -~]*")
Endpoint = Annotated[str, AfterValidator(any_url)]


class Tracing(Section):
    """OpenTelemetry traces of mirrored pairs, sent by OTLP over HTTP."""

    endpoint: Endpoint | None = Field(
        None, description="Where a collector takes OTLP, such as http://127.0.0.1:4318; no traces where left out."
    )
    headers_env: str | None = Field(
        None, description="Environment variable with headers for the collector, as name=value,name=value."
    )
    share: Share = Field(
        1.0, description="Share of mirrored pairs that are traced, where the client's own trace does not say."
    )
    per_second: Annotated[float, Field(gt=0, le=10_000)] = Field(
        10.0, description="Most pairs traced in a second, whoever asks for it."
    )
    service_name: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        "slipgauge", description="The `service.name` of the spans."
    )


def url_of(endpoint: str) -> str:
    """Where messages are posted: the endpoint's own path, or the one that OTLP gives to traces."""
    return endpoint.rstrip("/") + "/v1/traces" if urlsplit(endpoint).path in ("", "/") else endpoint


def headers_of(text: str) -> dict[str, str]:
    """The headers of a text as OTEL_EXPORTER_OTLP_HEADERS has it. Raises ValueError, which repeats none of it."""
    headers = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, separator, value = part.partition("=")
        name, value = name.strip(), unquote(value.strip())
        if not (separator and _NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ValueError("should be headers as name=value,name=value, with what is special written as %2C")
        headers[name] = value
    return headers


def installed() -> bool:
    """Whether the package is there that OTLP's messages come from."""
    try:
        return find_spec("opentelemetry.proto.collector") is not None
    except ModuleNotFoundError:
        return False

"""`config.yaml` as one typed, strict, frozen model. `proxy.config_file` reads it and words its errors.

Every key is optional but the two arms' URLs and the models; `config.yaml` at the root shows each with its meaning.
Sizes are bytes, times are seconds unless a name says otherwise.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proxy.address import parse_address, parse_url

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1)]


def _address(text: str) -> str:
    parse_address(text)
    return text


def _url(text: str) -> str:
    parse_url(text)
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or "?" in text:
        raise ValueError("should be a path that starts with / and has no query, such as /v1/chat/completions")
    return text


def _field_name(text: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", text):  # a token, RFC 9110 section 5.6.2
        raise ValueError("should be a header's name, such as X-Session-Id")
    return text


def _named(text: str) -> str:
    if not text:
        raise ValueError("should not be empty")
    return text


FieldName = Annotated[str, AfterValidator(_field_name)]
ModelName = Annotated[str, AfterValidator(_named)]
ListenAddress = Annotated[str, AfterValidator(_address)]
ServerUrl = Annotated[str, AfterValidator(_url)]
MirroredPath = Annotated[str, AfterValidator(_path)]


class Section(BaseModel):
    """Strict: no unknown key, no guessed type, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Arm(Section):
    """One OpenAI-compatible server."""

    url: ServerUrl = Field(description="Where the server listens, e.g. http://127.0.0.1:8001 (no path).")
    api_key_env: str | None = Field(None, description="Name of the environment variable with the arm's API key.")
    connections: Count = Field(512, description="Most connections open to this arm for primary requests.")


class Candidate(Arm):
    """The arm under test."""

    revision: str = Field(
        "1", min_length=1, description="Declared name of this candidate; new evidence starts with a new one."
    )


class ModelNames(Section):
    """What one client-facing model is called on each arm; the client's own name where left out."""

    baseline: ModelName | None = Field(None, description="The model's name on the baseline.")
    candidate: ModelName | None = Field(None, description="The model's name on the candidate.")


class Mirror(Section):
    """What is sent to the other arm as well, and its bounds. The mirror never makes a client wait."""

    paths: tuple[MirroredPath, ...] = Field(
        ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"),
        description="Only these paths are ever mirrored.",
    )
    sample: Share = Field(0.05, description="Share of sessions mirrored.")
    repeat: Share = Field(0.05, description="Share of mirrored requests that the baseline answers a second time.")
    start_after: Seconds = Field(0.25, description="Start the mirror when the primary has been silent this long.")
    deadline: Seconds = Field(
        120.0, description="An answer unfinished this long after its own send is not served, on either leg."
    )
    in_flight: Count = Field(64, description="Most mirror requests at once.")
    in_flight_bytes: Count = Field(
        256 * 1024 * 1024, description="Most bytes held by mirrored requests and captures at once."
    )
    request_bytes: Count = Field(4 * 1024 * 1024, description="Larger requests are passed on but not mirrored.")
    answer_bytes: Count = Field(
        4 * 1024 * 1024, description="A larger answer is passed on, its pair is marked truncated."
    )


class Session(Section):
    """How requests are grouped, so that whole conversations go together."""

    header: FieldName | None = Field(
        "X-Session-Id", description="Request header that names the session, where clients send one."
    )
    salt_env: str | None = Field(
        None,
        description="Environment variable with a secret salt for the session hash; random at start where left out.",
    )


class Limits(Section):
    """What the data port accepts."""

    head_bytes: Annotated[int, Field(ge=1_024)] = Field(
        65_536, description="Largest request or response head; 431 above."
    )
    body_bytes: Count = Field(64 * 1024 * 1024, description="Largest request body; 413 above.")
    head_timeout: Seconds = Field(20.0, description="Time for a client to send its whole head.")
    idle_timeout: Seconds = Field(75.0, description="An idle client connection is closed after this long.")
    connect_timeout: Seconds = Field(5.0, description="Time to connect to an arm.")
    clients: Count = Field(10_000, description="Most client connections at once.")
    drain: Seconds = Field(30.0, description="Time that accepted requests have to finish after SIGTERM.")


class Analysis(Section):
    """The workers that score pairs, and their bounds."""

    enabled: tuple[str, ...] = Field(
        ("served", "json", "refusal", "math.checked"), description="Analyzers by name."
    )
    workers: Count = Field(1, description="Analyzer processes.")
    budget: Seconds = Field(2.0, description="Time for one analyzer on one pair; its worker is killed beyond it.")
    memory_bytes: Count = Field(1024 * 1024 * 1024, description="Address space of one worker.")
    queue_pairs: Count = Field(1_000, description="Most pairs waiting; more are dropped and counted.")
    queue_bytes: Count = Field(128 * 1024 * 1024, description="Most bytes waiting; more are dropped and counted.")


class Guardrail(Section):
    """A named slip with a margin that may not be exceeded."""

    margin: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="Largest slip that is tolerated, as a share of sessions; 0.005 is half a point."
    )


class Admin(Section):
    """The port for people and monitoring."""

    listen: ListenAddress = Field("127.0.0.1:8081", description="Address of the admin port.")
    viewer_token_env: str | None = Field(
        None, description="Environment variable with the bearer token for reading; required off loopback."
    )


class Log(Section):
    """Logs go to standard error and hold no customer text."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe events that are logged."
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: console on a terminal, JSON otherwise."
    )


class Gateway(Section):
    """The processes that clients' bytes pass through."""

    workers: Annotated[int, Field(ge=1, le=256)] = Field(
        1, description="Gateway processes on the data port, each with analyzers and limits of its own."
    )


class Config(Section):
    """The whole file."""

    listen: ListenAddress = Field(
        "127.0.0.1:8080", description="Address of the data port, where clients send requests."
    )
    admin: Admin = Admin()
    gateway: Gateway = Gateway()
    baseline: Arm
    candidate: Candidate
    models: dict[ModelName, ModelNames] = Field(
        min_length=1, description="Client-facing model names; only these are mirrored."
    )
    mirror: Mirror = Mirror()
    session: Session = Session()
    limits: Limits = Limits()
    analysis: Analysis = Analysis()
    guardrails: dict[str, Guardrail] = Field(
        {
            "served": Guardrail(margin=0.005),
            "json.invalid": Guardrail(margin=0.005),
            "refusal.lost": Guardrail(margin=0.005),
            "refusal.gained": Guardrail(margin=0.01),
            "math.checked": Guardrail(margin=0.01),
        },
        description="Margins by guardrail.",
    )
    log: Log = Log()

"""`config.yaml` as one typed, strict, frozen model. `proxy.config_file` reads it and words its errors.

Every key is optional but the two arms' URLs and the models; `config.yaml` at the root shows each with its meaning.
Sizes are bytes, times are seconds unless a name says otherwise. `cases`, `channel`,
`rollout`, `tracing` and `triggers` have their sections in files of their own.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxy.config_cases import Cases
from proxy.config_channel import Channel
from proxy.config_rollout import Rollout, Triggers
from proxy.config_section import (
    Alpha,
    Count,
    FieldName,
    Interval,
    ListenAddress,
    ModelName,
    RequestPath,
    Revision,
    Seconds,
    Section,
    SegmentName,
    ServerUrls,
    Share,
)
from proxy.config_tracing import Tracing


class Tls(Section):
    """The data port's certificate; plain HTTP without one."""

    cert_file: str | None = Field(
        None, description="PEM file with the data port's certificate and its chain; plain HTTP where left out."
    )
    key_file: str | None = Field(None, description="PEM file with the certificate's key, without a passphrase.")


class ArmTls(Section):
    """How an arm with an https URL is trusted, and how it may know the gateway."""

    ca_file: str | None = Field(
        None, description="PEM file with the CAs to trust for this arm; the system's where left out."
    )
    cert_file: str | None = Field(None, description="PEM file with the certificate to show to this arm.")
    key_file: str | None = Field(None, description="PEM file with that certificate's key, without a passphrase.")
    verify: bool = Field(
        True,
        description="Whether the arm's certificate and name are verified; without it anybody can pose as the arm.",
    )


class Health(Section):
    """How each server of an arm is asked whether it is well."""

    path: RequestPath = Field("/health", description="What is asked for; any answer below 500 is good.")
    every: Interval = Field(5.0, description="Time from one check of a server to the next; 0 turns checks off.")
    timeout: Seconds = Field(2.0, description="A check unanswered for this long has failed.")


class Ejection(Section):
    """When a server is left out because of what became of its requests."""

    failures: Count = Field(5, description="Failures in a row that eject a server.")
    pause: Seconds = Field(1.0, description="Time until an ejected server gets a trial request; doubles each time.")
    max_pause: Seconds = Field(60.0, description="Longest time between two trials.")


class Extra(Section):
    """What legs that no client waits for may cost an arm: mirrors, repeats, probes."""

    tokens_per_second: Annotated[float, Field(gt=0)] | None = Field(
        10_000.0, description="Tokens, prompt and answer, that extra legs may take; without limit where null."
    )
    waiting: Annotated[int, Field(ge=0)] | None = Field(
        4, description="No extra legs while more requests than this wait at a server; no such limit where null."
    )
    kv_usage: Share | None = Field(
        0.9, description="No extra legs while a server's KV cache is fuller than this; no such limit where null."
    )
    every: Interval = Field(1.0, description="Time between two looks at a server's `/metrics`; 0 turns them off.")


class Arm(Section):
    """OpenAI-compatible servers that serve the same model."""

    url: ServerUrls = Field(
        description="Where the server listens, such as http://127.0.0.1:8001; a list where there are several."
    )
    api_key_env: str | None = Field(None, description="Name of the environment variable with the arm's API key.")
    connections: Count = Field(
        512,
        description="Most connections to each server for primary requests; as many more for slow bodies.",
    )
    capacity: Share = Field(1.0, description="Share of all sessions that the arm can answer; no more moves to it.")
    tls: ArmTls = ArmTls()
    health: Health = Health()
    ejection: Ejection = Ejection()
    extra: Extra = Extra()


class Candidate(Arm):
    """The arm under test."""

    revision: Revision = Field(
        "1", description="Declared name of this candidate; new evidence starts with a new one."
    )


class ModelNames(Section):
    """What one client-facing model is called on each arm; the client's own name where left out."""

    baseline: ModelName | None = Field(None, description="The model's name on the baseline.")
    candidate: ModelName | None = Field(None, description="The model's name on the candidate.")


class Mirror(Section):
    """What is sent to the other arm as well, and its bounds. The mirror never makes a client wait."""

    paths: tuple[RequestPath, ...] = Field(
        ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"),
        description="Only these paths are ever mirrored.",
    )
    sample: Share = Field(0.05, description="Share of sessions mirrored.")
    repeat: Share = Field(0.05, description="Share of mirrored requests that the baseline answers a second time.")
    start_after: Seconds = Field(0.25, description="Start the mirror when the primary has been silent this long.")
    deadline: Seconds = Field(
        120.0, description="An answer unfinished this long after its own send is not served, on either leg."
    )
    coupled_seed: bool = Field(
        False, description="Whether every leg of a mirrored request gets one fresh seed where the client set none."
    )
    in_flight: Count = Field(64, description="Most mirror requests at once.")
    in_flight_bytes: Count = Field(
        256 * 1024 * 1024, description="Most bytes held by mirrored requests and captures at once."
    )
    request_bytes: Count = Field(4 * 1024 * 1024, description="Larger requests are passed on but not mirrored.")
    answer_bytes: Count = Field(
        4 * 1024 * 1024, description="A larger answer is passed on, its pair is marked truncated."
    )


class CanaryBreaker(Section):
    """When the candidate is taken out of the canary at once, without statistics."""

    failures: Count = Field(5, description="Failures in a row after which the weight counts as 0.")
    pause: Seconds = Field(10.0, description="Time until one request is tried on the candidate again.")


class Canary(Section):
    """Live traffic that the candidate answers, with the baseline behind it."""

    silence: Seconds = Field(
        10.0,
        description="The baseline answers where the candidate has sent nothing of a stream, or its head alone, "
        "after this long. Until then the head is kept back.",
    )
    breaker: CanaryBreaker = CanaryBreaker()


class Store(Section):
    """What must survive a restart: stage, evidence, audit log."""

    path: str | None = Field(
        None,
        min_length=1,
        description="The file that holds it; kept in memory, and lost at the end, where left out.",
    )


class Session(Section):
    """How requests are grouped, so that whole conversations go together."""

    header: FieldName | None = Field(
        "X-Session-Id", description="Request header that names the session, where clients send one."
    )
    field: Literal["user", "prompt_cache_key"] | None = Field(
        None, description="Body field that does where the header is absent; the first messages do where left out."
    )
    ttl: Annotated[float, Field(gt=0, le=31_536_000)] = Field(
        86_400.0, description="Time after its first turn from which a session counts once more."
    )
    salt_env: str | None = Field(
        None,
        description="Environment variable with a secret salt for the session hash; random at start where left out.",
    )


class Clients(Section):
    """Who is behind the requests, and how much of the evidence one of them may make up."""

    identity: FieldName | None = Field(
        None,
        description="What tells clients apart: a request header that they cannot choose, or `address`; nothing "
        "where left out, and then no bound holds.",
    )
    sessions: Annotated[int, Field(ge=0, le=100)] = Field(
        5,
        description="Most sessions of one client that count at once for a guardrail, and beyond them its margin's "
        "share of all others; 0: no bound.",
    )


class Limits(Section):
    """What the data port accepts."""

    head_bytes: Annotated[int, Field(ge=1_024)] = Field(
        65_536, description="Largest request or response head; 431 above."
    )
    body_bytes: Count = Field(64 * 1024 * 1024, description="Largest request body; 413 above.")
    held_bytes: Count = Field(
        1024 * 1024 * 1024, description="Most bytes of request bodies held at once; 503 above."
    )
    head_timeout: Seconds = Field(20.0, description="Time for a client to send its whole head.")
    body_timeout: Seconds = Field(
        60.0, description="A body that takes longer than this is passed on as it comes, unmirrored."
    )
    idle_timeout: Seconds = Field(75.0, description="An idle client connection is closed after this long.")
    connect_timeout: Seconds = Field(5.0, description="Time to connect to an arm.")
    clients: Count = Field(10_000, description="Most client connections at once.")
    drain: Seconds = Field(30.0, description="Time that accepted requests have to finish after SIGTERM.")


class Analysis(Section):
    """The workers that score pairs, and their bounds."""

    enabled: tuple[str, ...] = Field(
        (
            *("served", "json", "tools", "tools.called", "tools.uncalled", "refusal", "math.checked"),
            *("degeneration", "truncation", "language", "code", "similarity"),
        ),
        description="Analyzers by name.",
    )
    golds_file: str | None = Field(
        None, description="File of right answers by the hash of the prompt, for `math.checked`."
    )
    gold_token_env: str | None = Field(
        None,
        description="Environment variable with the token without which no `X-Slipgauge-Gold` is believed; "
        "none is where left out.",
    )
    workers: Count = Field(1, description="Analyzer processes.")
    budget: Seconds = Field(2.0, description="Time for one analyzer on one pair; its worker is killed beyond it.")
    memory_bytes: Count = Field(1024 * 1024 * 1024, description="Address space of one worker.")
    queue_pairs: Count = Field(1_000, description="Most pairs waiting; more are dropped and counted.")
    queue_bytes: Count = Field(128 * 1024 * 1024, description="Most bytes waiting; more are dropped and counted.")


class Probes(Section):
    """What one analyzer may ask the servers for, beside and within what their `extra` allows."""

    share: Share = Field(1.0, description="Share of pairs for which it may ask further requests.")
    tokens_per_second: Annotated[float, Field(gt=0)] = Field(
        1_000.0, description="Tokens, prompt and answer, that they may take over both arms."
    )


class Guardrail(Section):
    """A named slip with a margin that may not be exceeded."""

    margin: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="Largest slip that is tolerated, as a share of sessions; 0.005 is half a point."
    )
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        1.0, description="Its share of `verdict.harm_alpha`, relative to those of the others."
    )
    required: bool = Field(True, description="Whether the candidate passes only with it; each may fail it.")
    of: str | None = Field(
        None, min_length=1, description="The guardrail whose failures it counts; its own name where left out."
    )
    segment: SegmentName | None = Field(
        None, description="The segment in which it counts them, such as x-feature=tutoring; all where left out."
    )


class Verdict(Section):
    """How often a verdict may be wrong, however often anyone looks."""

    harm_alpha: Alpha = Field(
        0.01, description="Probability of a false `fail` over all time, shared by the guardrails' weights."
    )
    safe_alpha: Alpha = Field(0.05, description="Probability of a false `pass`, for each guardrail.")
    repeat_alpha: Alpha = Field(
        0.01, description="Probability of a false A/A alarm over all time, shared by the guardrails' weights."
    )
    run_length: Annotated[float, Field(ge=1_000, le=1_000_000_000_000)] = Field(
        100_000.0, description="Sessions until a false late-slip alert, at least and on average."
    )
    watermark: Seconds | None = Field(
        None,
        description="Longest that a turn waits for those before it; `mirror.deadline` and a minute where left out.",
    )
    least_inclusion: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Smallest probability that a session has of being mirrored; without it all count alike.",
    )


class Segments(Section):
    """By what requests are told apart: the slip of each kind is shown."""

    attributes: tuple[Literal["model", "prompt_length", "streaming", "structured", "language"], ...] = Field(
        ("model", "prompt_length", "streaming", "structured"), description="What of a request itself."
    )
    headers: tuple[FieldName, ...] = Field(
        (), description="And which of its headers, such as X-Feature. Their values become metric labels."
    )
    values: Annotated[int, Field(ge=1, le=200)] = Field(
        20, description="Most values kept of each; the rest are `other`."
    )


class Admin(Section):
    """The port for people and monitoring."""

    listen: ListenAddress = Field("127.0.0.1:8081", description="Address of the admin port.")
    viewer_token_env: str | None = Field(
        None, description="Environment variable with the bearer token for reading; required off loopback."
    )
    operator_token_env: str | None = Field(
        None,
        description="Environment variable with the bearer token for changing things; needed off loopback.",
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
    watch_config: Interval = Field(
        0.0, description="Time between looks at this file for a change to apply; 0 looks on SIGHUP only."
    )
    shed_lag: Seconds = Field(
        0.05, description="While the event loop is later than this, nothing is mirrored: clients come first."
    )


class Config(Section):
    """The whole file."""

    listen: ListenAddress = Field(
        "127.0.0.1:8080", description="Address of the data port, where clients send requests."
    )
    tap: bool = Field(
        False, description="Whether requests come from another proxy's mirror: answered 202, asked of both arms."
    )
    tls: Tls = Tls()
    admin: Admin = Admin()
    gateway: Gateway = Gateway()
    baseline: Arm
    candidate: Candidate
    models: dict[ModelName, ModelNames] = Field(
        min_length=1, description="Client-facing model names; only these are mirrored."
    )
    mirror: Mirror = Mirror()
    canary: Canary = Canary()
    rollout: Rollout = Rollout()
    store: Store = Store()
    channel: Channel = Channel()
    triggers: Triggers = Triggers()
    cases: Cases = Cases()
    session: Session = Session()
    clients: Clients = Clients()
    limits: Limits = Limits()
    analysis: Analysis = Analysis()
    probes: dict[str, Probes] = Field(
        {"math.consensus": Probes(), "token_divergence": Probes(share=0.1)},
        description="Further requests by analyzer; one that is not named may ask none.",
    )
    guardrails: dict[str, Guardrail] = Field(
        {
            "served": Guardrail(margin=0.005),
            "json.invalid": Guardrail(margin=0.005),
            "tools.invalid": Guardrail(margin=0.01),
            "tools.called": Guardrail(margin=0.01),
            "tools.uncalled": Guardrail(margin=0.01),
            "refusal.lost": Guardrail(margin=0.005),
            "refusal.gained": Guardrail(margin=0.01),
            "math.checked": Guardrail(margin=0.01),
            "degeneration": Guardrail(margin=0.005),
            "truncation": Guardrail(margin=0.01),
        },
        description="Margins by guardrail.",
    )
    verdict: Verdict = Verdict()
    segments: Segments = Segments()
    tracing: Tracing = Tracing()
    log: Log = Log()

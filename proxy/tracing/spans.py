"""A trace as an OTLP message: the client's request at the gateway, and below it each leg. Pure.

Names follow OpenTelemetry's semantic conventions for HTTP and, as they stood in 2026, for generative AI; what is
Slipgauge's own begins with `slipgauge.`. Nothing that a client or a model wrote is in there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from analyzers.finding import Score
from analyzers.pair import End
from proxy.address import parse_url
from proxy.report import ArmReport
from proxy.tracing.context import MAX_STATE
from proxy.tracing.trace import PRIMARY, LegSpan, Trace

Value = str | bool | int | float | tuple[str, ...]

_OPERATIONS: Final = {
    "/v1/chat/completions": ("chat", "openai"),
    "/v1/completions": ("text_completion", "openai"),
    "/v1/responses": ("chat", "openai"),
    "/v1/messages": ("chat", "anthropic"),
    "/v1/embeddings": ("embeddings", "openai"),
}
"""By path, the operation and whose API it is, by the conventions' own words."""
_VERSION: Final = version("slipgauge")
_ERROR = Status(code=Status.STATUS_CODE_ERROR)
_HAS_REMOTE, _REMOTE = 0x100, 0x200
"""Of a span's flags: whether it is known that its parent is of another process, and that it is."""
_MAIN = (PRIMARY, "mirror")


def resource(service: str, process: str) -> Resource:
    """Whose spans they are: this gateway process."""
    told: dict[str, Value | None] = {
        "service.name": service,
        "service.version": _VERSION,
        "service.instance.id": process,
        "process.pid": os.getpid(),
    }
    return Resource(attributes=_attributes(told.items()))


def encode(trace: Trace, of: Resource) -> bytes:
    """The message. Two of them, one behind the other, are one message with the spans of both."""
    scored = {leg: tuple(_scores(trace, leg)) for leg in trace.legs}
    spans = [_root(trace), *(_leg(trace, leg, scored[leg]) for leg in trace.legs)]
    scope = InstrumentationScope(name="slipgauge", version=_VERSION)
    told = ResourceSpans(resource=of, scope_spans=[ScopeSpans(scope=scope, spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[told]).SerializeToString()


def _root(trace: Trace) -> Span:
    """The client's request, from its arrival to the end of the answer that the client got."""
    asked, parent = trace.asked, trace.parent
    primary = next(leg for leg in reversed(trace.legs) if leg.leg == PRIMARY)
    served = primary.end is End.COMPLETE
    told: dict[str, Value | None] = {
        "http.request.method": asked.method,
        "url.path": asked.path,
        "http.response.status_code": primary.status,
        "error.type": _error(primary, 500),
        "slipgauge.pair_id": asked.pair_id,
        "slipgauge.state": trace.state,
        "slipgauge.primary": asked.primary,
        "slipgauge.model": asked.model,
        "slipgauge.inclusion": asked.inclusion,
        "slipgauge.segments": asked.segments,
        "slipgauge.slipped": _slipped(trace, 1),
        "slipgauge.gained": _slipped(trace, -1),
    }
    failed = primary.end is not End.ABORTED and (not served or (primary.status or 0) >= 500)
    return Span(
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        parent_span_id=b"" if parent is None else parent.span_id,
        trace_state=_state(trace),
        flags=trace.flags | (0 if parent is None else _HAS_REMOTE | _REMOTE),
        name=f"{asked.method} {asked.path}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=asked.arrival,
        end_time_unix_nano=trace.wall(primary.ended),
        attributes=_attributes(told.items()),
        status=_ERROR if failed else None,
    )


def _leg(trace: Trace, leg: LegSpan, scores: Iterable[tuple[str, Score]]) -> Span:
    """One request to an arm, from its send, or from when it should have been sent, to its end."""
    operation, provider = _OPERATIONS.get(trace.asked.path, ("", ""))
    answer, sent = leg.answer, leg.sent or leg.made
    told: dict[str, Value | None] = {
        "gen_ai.operation.name": operation or None,
        "gen_ai.provider.name": provider or None,
        "gen_ai.request.model": leg.model,
        **(dict(trace.asked.parameters) if leg.leg != "probe" else {}),
        "gen_ai.response.model": answer.model or None,
        "gen_ai.response.finish_reasons": answer.finish_reasons or None,
        "gen_ai.usage.input_tokens": answer.input_tokens,
        "gen_ai.usage.output_tokens": answer.output_tokens,
        "http.request.method": "POST",
        "http.response.status_code": leg.status,
        "http.response.body.size": leg.size or None,
        "error.type": _error(leg, 400),
        **_server(leg.url),
        "slipgauge.arm": leg.arm,
        "slipgauge.leg": leg.leg,
        "slipgauge.end": leg.end.value if leg.end is not None else None,
        "slipgauge.time_to_first_byte": leg.first if leg.leg != "probe" else None,
        **_streaming(trace.arms.get((leg.arm, leg.leg == "repeat")) if leg.leg != "probe" else None),
    }
    return Span(
        trace_id=trace.trace_id,
        span_id=leg.span_id,
        parent_span_id=trace.span_id,
        trace_state=_state(trace),
        flags=trace.flags | _HAS_REMOTE,
        name=f"{operation} {leg.model}" if operation else f"POST {leg.model}",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=trace.wall(sent),
        end_time_unix_nano=trace.wall(max(leg.ended, sent)),
        attributes=_attributes(told.items()),
        events=[_event(trace, variable, score) for variable, score in scores],
        status=_ERROR if told["error.type"] is not None and leg.end is not End.ABORTED else None,
    )


def _streaming(arm: ArmReport | None) -> Mapping[str, Value | None]:
    """When a stream's tokens came, as the analyzers' processes read it."""
    if arm is None or arm.first_token is None:
        return {}
    count = sum(arm.gaps)
    return {
        "gen_ai.response.time_to_first_chunk": arm.first_token,
        "slipgauge.token_gaps": count,
        "slipgauge.token_gap.mean": arm.gap_seconds / count if count else None,
    }


def _server(url: str) -> Mapping[str, Value]:
    if not url:
        return {}
    address = parse_url(url).address
    return {"server.address": address.host, "server.port": address.port}


def _error(leg: LegSpan, from_status: int) -> str | None:
    """What went wrong, from a closed set: how the leg ended, or its status."""
    if leg.end is not None and leg.end is not End.COMPLETE:
        return leg.end.value
    return str(leg.status) if leg.status is not None and leg.status >= from_status else None


def _scores(trace: Trace, leg: LegSpan) -> Iterator[tuple[str, Score]]:
    """What was found of a leg's answer, by variable."""
    for finding in trace.findings:
        if leg is trace.last(leg.arm, _MAIN):
            yield finding.variable, finding.baseline if leg.arm == "baseline" else finding.candidate
        elif leg.leg == "repeat" and finding.repeat is not None:
            yield finding.variable, finding.repeat


def _slipped(trace: Trace, sign: int) -> tuple[str, ...] | None:
    """The variables in which the candidate failed more than the baseline, or less for -1."""
    findings = trace.findings
    return tuple(f.variable for f in findings if sign * (f.candidate.failed - f.baseline.failed) > 0) or None


def _event(trace: Trace, variable: str, score: Score) -> Span.Event:
    told: dict[str, Value | None] = {
        "gen_ai.evaluation.name": variable,
        "gen_ai.evaluation.score.value": float(score.failed),
        "gen_ai.evaluation.score.label": score.label,
    }
    return Span.Event(
        name="gen_ai.evaluation.result",
        time_unix_nano=trace.wall(trace.scored),
        attributes=_attributes(told.items()),
    )


def _state(trace: Trace) -> str:
    state = b"" if trace.parent is None else trace.parent.state
    return state.decode() if len(state) <= MAX_STATE else ""


def _attributes(told: Iterable[tuple[str, Value | None]]) -> list[KeyValue]:
    return [_attribute(key, value) for key, value in told if value is not None]


@lru_cache(maxsize=2_048, typed=True)
def _attribute(key: str, value: Value) -> KeyValue:
    """Most come again with the next trace; what holds one copies it."""
    return KeyValue(key=key, value=_value(value))


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):  # before int, which it is
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, tuple):
        return AnyValue(array_value=ArrayValue(values=map(_value, value)))
    return AnyValue(string_value=value)

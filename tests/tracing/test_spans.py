"""A pair's events in, its spans out: as scripts, without a socket."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from analyzers.finding import Finding, Score
from analyzers.pair import End
from proxy.gateway.capture import Recorder
from proxy.gateway.response import ResponseHead
from proxy.report import Analysis, ArmReport, Report, Unmeasured
from proxy.tracing.context import Context
from proxy.tracing.spans import encode, resource
from proxy.tracing.trace import Asked, LegSpan, Trace
from proxy.tracing.tracer import parameters
from tests.tracing.collector import attributes, of

ARRIVAL = 1_700_000_000_000_000_000
PARENT = Context(bytes(range(16)), bytes(range(8)), 1, b"a=b")
USAGE = b'{"model":"m","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}'


class Script:
    """One pair on two arms; `now` is 100.0 at its arrival."""

    def __init__(self, parent: Context | None = None, primary: str = "baseline") -> None:
        self.done: list[Trace] = []
        asked = Asked(
            pair_id="0a1b-7",
            arrival=ARRIVAL,
            now=100.0,
            method="POST",
            path="/v1/chat/completions",
            model="m",
            primary=primary,
            parameters=(("gen_ai.request.temperature", 0.5),),
            inclusion=0.05,
            segments=("streaming=no",),
        )
        self.trace = Trace(asked, parent, self.done.append)

    def leg(self, arm: str, leg: str, at: float) -> LegSpan:
        recorder = Recorder(1_000)
        recorder.head = ResponseHead(200, b"OK", b"\r\nContent-Type: application/json", None)
        span = self.trace.leg(arm, leg, model=f"m-{arm}", recorder=recorder, now=at)
        span.start(at, f"http://{arm}.example:8001")
        recorder.data(USAGE, 0.25)
        return span

    def told(self, state: str, *findings: Finding, waiting: tuple[str, ...] = (), further: bool = False) -> None:
        streams = ArmReport(0.1, (0, 3) + (0,) * 10, 0.03)
        analyses = {"math.consensus": Analysis.SCORED} if further else {}
        report = Report(
            *("0a1b-7", "s", 0.05, "baseline", state),
            analyses=analyses,
            seconds={},
            findings=findings,
            candidate=streams,
            waiting=waiting,
            further=further,
            arrival=ARRIVAL,
        )
        self.trace.told(report, 103.0)

    def pair(self) -> None:
        """Both arms answer: the primary from 100.1 to 101, the mirror from 100.2 to 102."""
        primary = self.leg("baseline", "primary", 100.1)
        mirror = self.leg("candidate", "mirror", 100.2)
        primary.over(End.COMPLETE, 200, 101.0)
        mirror.over(End.COMPLETE, 200, 102.0)
        self.trace.settle("paired")

    def spans(self) -> list[Span]:
        (trace,) = self.done
        message = encode(trace, resource("here", "0a1b"))
        (told,) = ExportTraceServiceRequest.FromString(message).resource_spans
        assert attributes(told.resource.attributes)["service.name"] == "here"
        return list(told.scope_spans[0].spans)


def slipped() -> Finding:
    return Finding("json", "1", "json.constrained", Score(0.0), Score(1.0, "required"), Score(0.0))


def test_a_pair_is_one_trace_with_both_legs_below_the_clients_request() -> None:
    script = Script(PARENT)
    script.pair()
    script.told("paired", slipped())
    root, primary, mirror = script.spans()

    assert {span.trace_id for span in (root, primary, mirror)} == {PARENT.trace_id}
    assert {span.trace_state for span in (root, primary, mirror)} == {"a=b"}
    assert (root.parent_span_id, root.kind) == (PARENT.span_id, Span.SPAN_KIND_SERVER)
    assert {span.parent_span_id for span in (primary, mirror)} == {root.span_id}
    assert {span.kind for span in (primary, mirror)} == {Span.SPAN_KIND_CLIENT}
    assert len({root.span_id, primary.span_id, mirror.span_id}) == 3
    assert root.name == "POST /v1/chat/completions"
    assert (primary.name, mirror.name) == ("chat m-baseline", "chat m-candidate")


def test_times_are_those_of_the_legs_and_the_root_ends_with_the_clients_answer() -> None:
    script = Script()
    script.pair()
    script.told("paired")
    root, primary, mirror = (
        ((span.start_time_unix_nano - ARRIVAL) // 1_000_000, (span.end_time_unix_nano - ARRIVAL) // 1_000_000)
        for span in script.spans()
    )

    assert (root[0], root[1]) == (0, 1_000)
    assert primary == (99, 1_000)
    assert mirror == (200, 2_000)


def test_a_leg_says_what_was_asked_what_came_and_what_was_found() -> None:
    script = Script()
    script.pair()
    script.told("paired", slipped())
    root, _, mirror = script.spans()
    (event,) = mirror.events

    assert of(mirror) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m-candidate",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.response.time_to_first_chunk": 0.1,
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.response.body.size": len(USAGE),
        "server.address": "candidate.example",
        "server.port": 8001,
        "slipgauge.arm": "candidate",
        "slipgauge.leg": "mirror",
        "slipgauge.end": "complete",
        "slipgauge.time_to_first_byte": 0.25,
        "slipgauge.token_gaps": 3,
        "slipgauge.token_gap.mean": 0.01,
    }
    assert event.name == "gen_ai.evaluation.result"
    assert attributes(event.attributes) == {
        "gen_ai.evaluation.name": "json.constrained",
        "gen_ai.evaluation.score.value": 1.0,
        "gen_ai.evaluation.score.label": "required",
    }
    assert of(root) == {
        "http.request.method": "POST",
        "url.path": "/v1/chat/completions",
        "http.response.status_code": 200,
        "slipgauge.pair_id": "0a1b-7",
        "slipgauge.state": "paired",
        "slipgauge.primary": "baseline",
        "slipgauge.model": "m",
        "slipgauge.inclusion": 0.05,
        "slipgauge.segments": ["streaming=no"],
        "slipgauge.slipped": ["json.constrained"],
    }
    assert {span.status.code for span in (root, mirror)} == {Status.STATUS_CODE_UNSET}


def test_each_answer_gets_its_own_scores() -> None:
    script = Script()
    script.pair()
    script.leg("baseline", "repeat", 100.3).over(End.COMPLETE, 200, 102.5)
    script.told("paired", Finding("json", "1", "v", Score(1.0, "one"), Score(0.0), Score(1.0, "two")))
    root, *legs = script.spans()
    labels = [attributes(event.attributes)["gen_ai.evaluation.score.label"] for leg in legs for event in leg.events]

    assert labels == ["one", "ok", "two"]
    assert of(root)["slipgauge.gained"] == ["v"]


def test_a_trace_waits_for_the_clients_answer_however_it_was_scored() -> None:
    script = Script()
    primary = script.leg("baseline", "primary", 100.1)
    script.trace.settle("dropped_mirror_busy")
    script.told("unsent")
    assert script.done == []
    primary.over(End.COMPLETE, 200, 109.0)
    root, leg = script.spans()

    assert root.end_time_unix_nano == leg.end_time_unix_nano == ARRIVAL + 9_000_000_000
    assert of(root)["slipgauge.state"] == "dropped_mirror_busy"


def test_a_trace_waits_for_what_analyzers_have_to_ask_first() -> None:
    script = Script()
    script.pair()
    script.told("paired", waiting=("math.consensus",))
    assert script.done == []
    script.leg("baseline", "probe", 103.0).over(End.COMPLETE, 200, 104.0)
    script.told("paired", slipped(), further=True)
    *_, mirror, probe = script.spans()

    assert of(probe)["slipgauge.leg"] == "probe"
    assert len(mirror.events) == 1
    assert not probe.events


def test_nobody_tells_of_a_request_that_was_at_fault_itself() -> None:
    script = Script()
    primary = script.leg("baseline", "primary", 100.1)
    script.trace.settle("dropped_rejected")
    script.trace.unscored()
    primary.over(End.COMPLETE, 400, 101.0)
    root, leg = script.spans()

    assert root.status.code == Status.STATUS_CODE_UNSET  # by the conventions a client's error is none of a server
    assert (leg.status.code, of(leg)["error.type"]) == (Status.STATUS_CODE_ERROR, "400")


def test_a_candidate_that_fails_as_primary_is_a_leg_beside_the_baselines() -> None:
    script = Script(primary="candidate")
    failed = script.leg("candidate", "primary", 100.1)
    failed.over(End.REFUSED, None, 100.4)
    script.trace.fell_back(Recorder(0))
    answered = script.leg("baseline", "primary", 100.4)
    script.trace.settle("unserved_candidate")
    script.told("unserved_candidate", Finding("served", "1", "served", Score(0.0), Score(1.0, "refused")))
    assert script.done == []
    answered.over(End.COMPLETE, 200, 101.0)
    root, first, second = script.spans()

    assert (of(first)["slipgauge.arm"], of(first)["error.type"], first.status.code) == (
        "candidate",
        "refused",
        Status.STATUS_CODE_ERROR,
    )
    assert "http.response.body.size" not in of(first)
    assert (of(second)["slipgauge.arm"], of(second)["slipgauge.end"]) == ("baseline", "complete")
    assert [len(leg.events) for leg in (first, second)] == [1, 1]
    assert (of(root)["http.response.status_code"], root.status.code) == (200, Status.STATUS_CODE_UNSET)


def test_a_client_that_leaves_is_nobodys_error() -> None:
    script = Script()
    primary = script.leg("baseline", "primary", 100.1)
    primary.over(End.ABORTED, None, 100.2)
    primary.over(End.COMPLETE, 200, 100.3)
    script.trace.settle("client_abort")
    script.trace.told(Unmeasured(ARRIVAL, "s", "baseline", "client_abort").report("unsent"), 100.3)
    root, leg = script.spans()

    assert {span.status.code for span in (root, leg)} == {Status.STATUS_CODE_UNSET}
    assert of(leg)["error.type"] == of(root)["error.type"] == "aborted"


def test_only_numbers_of_a_request_go_into_a_trace() -> None:
    body = {
        "temperature": 0,
        "top_p": True,
        "top_k": "secret",
        "max_tokens": 9,
        "max_completion_tokens": 10.5,
        "seed": 2**70,
        "n": 1,
        "stream": True,
        "stop": ["secret"],
        "user": "secret",
        "messages": [{"role": "user", "content": "secret"}],
    }

    assert dict(parameters(body)) == {
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stream": True,
    }
    assert dict(parameters({"n": 2, "seed": 3})) == {"gen_ai.request.choice.count": 2, "gen_ai.request.seed": 3}

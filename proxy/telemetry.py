"""Every metric Slipgauge exports, in one table, owned by one process.

Names are stable; see docs/metrics.md. One process owns them because prometheus_client's multiprocess mode loses
exemplars (https://prometheus.github.io/client_python/multiprocess/). What a gateway counts is in its
`counters.Block`, which the owner reads; what control alone knows is prometheus_client's own. Label values are
always from closed sets.
"""

from __future__ import annotations

from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, disable_created_metrics

from analyzers.pair import End
from proxy import counters
from proxy.control.legs import TOKEN_BUCKETS
from proxy.control.tables import DURATION_BUCKETS
from proxy.counters.families import Family
from proxy.report import GAP_BUCKETS

REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
ADDED_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)
LAG_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
CODES = ("other", *(end.value for end in End if end is not End.COMPLETE), *map(str, range(100, 600)))
"""How a request to an arm may end: with a status, or with no whole answer."""

F = TypeVar("F", bound=Family)


class Telemetry:
    """The metrics of one process. Make one per process (or per test), and pass it to what counts.

    `block` holds this process's own counts, and is memory that another process reads where it is to own them.
    """

    def __init__(self, registry: CollectorRegistry | None = None, block: counters.Block | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = r = registry or CollectorRegistry()
        self.blocks = [block or counters.Block()]
        """This process's own, then those of the processes whose metrics it owns."""

        self._shared: list[Family] = []

        def shared(family: F) -> F:
            r.register(family)
            self._shared.append(family)
            return family

        self.requests = shared(
            counters.CodeCounter(
                "slipgauge_requests",
                "Requests sent to an arm, by the status it gave.",
                ("arm", "leg", "operation", "code"),
                self.blocks,
                CODES,
            )
        )
        self.request_duration = shared(
            counters.Histogram(
                "slipgauge_request_duration_seconds",
                "From send to the end of the answer.",
                ("arm", "leg"),
                self.blocks,
                REQUEST_BUCKETS,
            )
        )
        self.first_token = shared(
            counters.Histogram(
                "slipgauge_time_to_first_token_seconds",
                "From send to the first streamed token, on scored pairs.",
                ("arm", "leg"),
                self.blocks,
                TOKEN_BUCKETS,
            )
        )
        self.token_gap = shared(
            counters.Histogram(
                "slipgauge_inter_token_latency_seconds",
                "Between streamed tokens, on scored pairs.",
                ("arm", "leg"),
                self.blocks,
                GAP_BUCKETS,
            )
        )
        self.added_latency = shared(
            counters.Histogram(
                "slipgauge_added_latency_seconds",
                "Time a request spent inside the gateway before its first upstream byte was sent.",
                (),
                self.blocks,
                ADDED_BUCKETS,
            )
        )
        self.eligible = shared(
            counters.Counter(
                "slipgauge_eligible", "Eligible requests, those under way included.", ("primary",), self.blocks
            )
        )
        self.ledger = shared(
            counters.Counter(
                "slipgauge_ledger",
                "Eligible requests by what became of them.",
                ("state", "primary"),
                self.blocks,
            )
        )
        self.fallbacks = shared(
            counters.Counter(
                "slipgauge_fallbacks",
                "Requests that the baseline answered in the candidate's place, by why.",
                ("reason",),
                self.blocks,
            )
        )
        self.breaker_open = shared(
            counters.Gauge(
                "slipgauge_breaker_open",
                "Gateway processes in which the candidate is out of the canary since it fails.",
                (),
                self.blocks,
            )
        )
        self.findings = shared(
            counters.Counter(
                "slipgauge_findings",
                "Scored pairs: baseline outcome by candidate outcome.",
                ("analyzer", "baseline", "candidate"),
                self.blocks,
            )
        )
        self.analyses = shared(
            counters.Counter(
                "slipgauge_analyses",
                "Pairs at each analyzer by what became of them.",
                ("analyzer", "state"),
                self.blocks,
            )
        )
        self.extra_tokens = shared(
            counters.Counter(
                "slipgauge_extra_tokens",
                "Tokens spent beyond what clients asked for.",
                ("arm", "purpose"),
                self.blocks,
            )
        )
        self.extra_refused = shared(
            counters.Counter(
                "slipgauge_extra_refused",
                "Extra legs not sent, by what forbade them.",
                ("arm", "purpose", "reason"),
                self.blocks,
            )
        )
        self.pressure = shared(
            counters.Gauge(
                "slipgauge_pressure", "1 while an arm is too busy for extra legs.", ("arm",), self.blocks, max
            )
        )
        self.pressure_known = shared(
            counters.Gauge(
                "slipgauge_pressure_known",
                "1 while each of an arm's servers says how busy it is.",
                ("arm",),
                self.blocks,
                min,
            )
        )
        self.upstream_up = shared(
            counters.Gauge(
                "slipgauge_upstream_up",
                "1 while a server is neither ejected nor down.",
                ("arm", "server"),
                self.blocks,
                min,
            )
        )
        self.upstream_outstanding = shared(
            counters.Gauge(
                "slipgauge_upstream_outstanding", "Requests at a server.", ("arm", "server"), self.blocks
            )
        )
        self.upstream_ejections = shared(
            counters.Counter(
                "slipgauge_upstream_ejections",
                "How often a server was taken out, by why.",
                ("arm", "server", "reason"),
                self.blocks,
            )
        )
        self.slip = Gauge(
            "slipgauge_slip_ratio",
            "Candidate failure rate minus baseline failure rate.",
            ("guardrail", "segment", "bound"),
            registry=r,
        )
        self.verdict = Gauge(
            "slipgauge_verdict",
            "1 for the state a guardrail is in, 0 for the others.",
            ("guardrail", "state"),
            registry=r,
        )
        self.sessions = shared(
            counters.Counter(
                "slipgauge_sessions", "Sessions that count for a guardrail.", ("guardrail",), self.blocks
            )
        )
        self.stage = Gauge(
            "slipgauge_stage",
            "1 for the stage the candidate is in, 0 for the others.",
            ("stage",),
            registry=r,
        )
        self.candidate_weight = Gauge(
            "slipgauge_candidate_weight_ratio", "Share of sessions the candidate answers.", registry=r
        )
        self.analyzer_duration = shared(
            counters.Histogram(
                "slipgauge_analyzer_duration_seconds",
                "Time one analyzer took on one pair.",
                ("analyzer",),
                self.blocks,
                DURATION_BUCKETS,
            )
        )
        self.analyzer_failures = shared(
            counters.Counter(
                "slipgauge_analyzer_failures",
                "Pairs an analyzer could not finish, by why.",
                ("analyzer", "kind"),
                self.blocks,
            )
        )
        self.worker_restarts = shared(
            counters.Counter(
                "slipgauge_worker_restarts", "Analyzer processes replaced, by why.", ("kind",), self.blocks
            )
        )
        self.queue_bytes = shared(
            counters.Gauge("slipgauge_queue_bytes", "Bytes of pairs waiting for a worker.", (), self.blocks)
        )
        self.queue_dropped = shared(
            counters.Counter(
                "slipgauge_queue_dropped",
                "Pairs dropped behind the gateway, of which no report tells.",
                ("reason",),
                self.blocks,
            )
        )
        self.loop_lag = shared(
            counters.Histogram(
                "slipgauge_event_loop_lag_seconds",
                "How late the gateway's event loop woke.",
                (),
                self.blocks,
                LAG_BUCKETS,
            )
        )
        self.gateways = Gauge("slipgauge_gateway_processes", "Gateway processes that accept requests.", registry=r)
        self.gateway_restarts = Counter(
            "slipgauge_gateway_restarts", "Gateway processes that died and were replaced.", registry=r
        )
        self.config_reloads = Counter(
            "slipgauge_config_reloads", "Times the configuration file was read again.", ("result",), registry=r
        )
        self.build = Info("slipgauge_build", "Version of the running program.", registry=r)

    def retire(self, block: counters.Block) -> None:
        """Take over the counts of a process that has ended."""
        for family in self._shared:
            family.fold(block)
        self.blocks.remove(block)

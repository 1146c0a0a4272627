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
from proxy.control.tables import DURATION_BUCKETS, FIGURE_BUCKETS
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

    def __init__(self, registry: CollectorRegistry | None = None, block: counters.Block | None = None) -> None:  # noqa: PLR0915 - one table
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = r = registry or CollectorRegistry()
        self.blocks = [block or counters.Block()]
        """This process's own, then those of the processes whose metrics it owns."""
        self.shared: list[Family] = []
        """What gateway processes count in, too."""

        shared = self._share
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
        self.refused = shared(
            counters.Counter(
                "slipgauge_refused",
                "Requests and connections that a gateway answered with an error of its own, by why.",
                ("reason",),
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
        self.settings_unlike = shared(
            counters.Gauge(
                "slipgauge_settings_unlike",
                "Gateways that have another setting than the control that leads, by which.",
                ("setting",),
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
        self.canary_lapses = shared(
            counters.Counter(
                "slipgauge_canary_lapses",
                "Times a gateway process took the candidate's sessions back, since control was silent.",
                (),
                self.blocks,
            )
        )
        self.golds = shared(
            counters.Counter(
                "slipgauge_golds",
                "Right answers that came with mirrored requests, by what became of them.",
                ("result",),
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
        self.noise = Gauge(
            "slipgauge_noise_ratio",
            "Share of sessions in which two answers of the baseline are judged differently.",
            ("guardrail",),
            registry=r,
        )
        self.evidence = Gauge(
            "slipgauge_evidence_log10",
            "Evidence so far, as the logarithm to base 10 of an e-value or of the late-slip detector's sum.",
            ("guardrail", "kind"),
            registry=r,
        )
        self.evidence_threshold = Gauge(
            "slipgauge_evidence_threshold_log10",
            "Evidence at which something is decided, as a logarithm to base 10.",
            ("guardrail", "kind"),
            registry=r,
        )
        self.margin = Gauge("slipgauge_margin_ratio", "Largest slip that is tolerated.", ("guardrail",), registry=r)
        self.forecast = Gauge(
            "slipgauge_forecast_sessions",
            "Sessions still needed to a verdict, as it goes.",
            ("guardrail",),
            registry=r,
        )
        self.late_slip = Gauge("slipgauge_late_slip", "1 while a slip seems to have begun lately.", registry=r)
        self.later_turns = shared(
            counters.Counter(
                "slipgauge_later_turns",
                "Turns that do not count, being not the first of their session, by whose answers they carry.",
                ("guardrail", "history"),
                self.blocks,
            )
        )
        self.later_slip = Gauge(
            "slipgauge_later_slip_ratio",
            "Candidate failure rate minus baseline failure rate, over later turns.",
            ("guardrail", "history"),
            registry=r,
        )
        self.missing = shared(
            counters.Counter(
                "slipgauge_missing_sessions",
                "Sessions of which the slip is not known, though they were asked of both arms.",
                ("guardrail",),
                self.blocks,
            )
        )
        self.uncounted = shared(
            counters.Counter(
                "slipgauge_uncounted_sessions",
                "Sessions that do not count, since their client's part of the evidence is used up.",
                ("guardrail",),
                self.blocks,
            )
        )
        self.largest_session = Gauge(
            "slipgauge_largest_session_ratio", "Share of all turns that are of one session.", registry=r
        )
        self.turns_waiting = Gauge(
            "slipgauge_turns_waiting", "Turns that wait for those that arrived before them.", registry=r
        )
        self.coverage = Gauge(
            "slipgauge_coverage_ratio",
            "Share of sampled requests that were measured, of those that a late loop did not shed.",
            ("segment",),
            registry=r,
        )
        self.promotion_blocked = Gauge(
            "slipgauge_promotion_blocked",
            "1 while an A/A alarm or coverage keeps the candidate from more.",
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
        self.candidate_verdict = Gauge(
            "slipgauge_candidate_verdict",
            "1 for what other controllers are told of the candidate as a whole, 0 for the others.",
            ("state",),
            registry=r,
        )
        self.rollbacks = Counter(
            "slipgauge_rollbacks", "Times the candidate was rolled back.", ("reason",), registry=r
        )
        self.rollout_held = Gauge("slipgauge_rollout_held", "1 while the rollout takes no step.", registry=r)
        self.rollout_external = Gauge(
            "slipgauge_rollout_external", "1 where another controller shifts the traffic.", registry=r
        )
        self.identity_unsettled = Gauge(
            "slipgauge_identity_unsettled", "1 while servers say again and again that they are others.", registry=r
        )
        self.traffic_kept = Gauge(
            "slipgauge_traffic_kept", "1 while traffic cannot go where the stage would have it.", registry=r
        )
        self.notifications = Counter(
            "slipgauge_notifications",
            "Attempts to tell somebody of a change of the rollout.",
            ("kind", "result"),
            registry=r,
        )
        self.store_up = Gauge("slipgauge_store_up", "1 while control's state can be written.", registry=r)
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
        self._beyond_findings()
        self._of_cases()
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
        self._of_traces()
        self.loop_lag = shared(
            counters.Histogram(
                "slipgauge_event_loop_lag_seconds",
                "How late the gateway's event loop woke.",
                (),
                self.blocks,
                LAG_BUCKETS,
            )
        )
        self.leader = Gauge("slipgauge_leader", "Whether this control leads; 0 where it stands by.", registry=r)
        self.leader.set(1)
        self.gateways = Gauge("slipgauge_gateway_processes", "Gateway processes that accept requests.", registry=r)
        self.gateway_restarts = Counter(
            "slipgauge_gateway_restarts", "Gateway processes that died and were replaced.", registry=r
        )
        self.config_reloads = Counter(
            "slipgauge_config_reloads", "Times the configuration file was read again.", ("result",), registry=r
        )
        self.build = Info("slipgauge_build", "Version of the running program.", registry=r)

    def _share(self, family: F) -> F:
        """A family that gateway processes count in, too."""
        self.registry.register(family)
        self.shared.append(family)
        return family

    def _beyond_findings(self) -> None:
        """What analyzers say that is no finding, and what they needed for it."""
        shared = self._share
        self.not_applicable = shared(
            counters.Counter(
                "slipgauge_not_applicable",
                "Pairs that an analyzer had to leave out, by why.",
                ("analyzer", "reason"),
                self.blocks,
            )
        )
        self.probes = shared(
            counters.Counter(
                "slipgauge_probes",
                "Further requests that analyzers needed, by what became of them.",
                ("arm", "analyzer", "result"),
                self.blocks,
            )
        )
        self.figures = shared(
            counters.Histogram(
                "slipgauge_figures",
                "What analyzers measured without judging, against the candidate's answer or the repeat.",
                ("analyzer", "figure", "against"),
                self.blocks,
                FIGURE_BUCKETS,
            )
        )

    def _of_cases(self) -> None:
        """What is kept, and what reviewers say of it."""
        self.cases = Gauge("slipgauge_cases", "Pairs kept, by stratum.", ("stratum",), registry=self.registry)
        self.cases_bytes = Gauge("slipgauge_cases_bytes", "Bytes of all kept cases.", registry=self.registry)
        self.cases_up = Gauge("slipgauge_cases_up", "1 while cases can be kept.", registry=self.registry)
        self.case_offers = self._share(
            counters.Counter(
                "slipgauge_case_offers",
                "Cases that had a chance to be kept, by what became of them.",
                ("result",),
                self.blocks,
            )
        )
        self.precision = Gauge(
            "slipgauge_analyzer_precision_ratio",
            "Share of an analyzer's judged findings that reviewers found right.",
            ("analyzer",),
            registry=self.registry,
        )
        self.judged = Gauge(
            "slipgauge_analyzer_judged",
            "Reviewers' judgements of kept cases, by whether the analyzer was right.",
            ("analyzer", "right"),
            registry=self.registry,
        )

    def _of_traces(self) -> None:
        """What became of traces."""
        self.trace_spans = self._share(
            counters.Counter(
                "slipgauge_trace_spans", "Spans of traced pairs, by what became of them.", ("result",), self.blocks
            )
        )
        self.traces_limited = self._share(
            counters.Counter(
                "slipgauge_traces_limited", "Pairs left untraced since too many were traced.", (), self.blocks
            )
        )

    def retire(self, block: counters.Block) -> None:
        """Take over the counts of a process that has ended."""
        for family in self.shared:
            family.fold(block)
        self.blocks.remove(block)

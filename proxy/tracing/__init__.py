"""OpenTelemetry traces, for who asks for them: one for each traced pair, with every leg in it.

`tracer` decides which pairs are traced and gives each leg a place in its trace (`context`, by W3C Trace Context);
`trace` holds what is known of one pair until all of it is; `spans` makes OTLP messages of that, and `exporter`
sends them, behind everything else. Nothing here is loaded where `tracing.endpoint` is left out.
"""

"""Analyzers run in killable processes beside their gateway, never on the event loop.

`pool` queues pairs and keeps the processes; `job` is what is left to do of one pair; `process` is one child as its
parent sees it; `child` is what runs inside; `wire` is what they say to each other; `cell` tells the parent which
analyzer is running, without a message. Use `proxy.workers.pool.WorkerPool`; nothing is imported here, so that a
child does not load what only its parent needs.
"""

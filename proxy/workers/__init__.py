"""Analyzers run in killable processes beside their gateway, never on the event loop.

`pool` queues pairs and keeps `slot`s, each a place for one child; `job` is what is left to do of one pair, `window`
what one child has been sent; `process` is a child as its parent sees it, `child` what runs inside; `wire` is what
the parent sends, `answers` what comes back; `cell` tells the parent which analyzer is running, without a message.

Use `proxy.workers.pool.WorkerPool`. Nothing is imported here, so that a child does not load what only its parent
needs.
"""

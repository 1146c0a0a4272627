"""`slipgauge replay`: recorded pairs scored again, or recorded requests sent to two servers and then scored.

`rows` is the file's format, in which kept cases (`cases`) may stand as well; `servers` makes do without a
configuration; `send` asks the servers; `score` runs the analyzers, as a deployment would; `main`
tells it in order. The tables are the demo's.
"""

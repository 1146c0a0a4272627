"""`slipgauge demo`: two real servers, real traffic, the whole way through.

`arms` starts the servers; `traffic` is the client; `rehearsal` puts the parts together; `show` prints what came
out; `main` tells it in order.
"""

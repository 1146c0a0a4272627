"""What may be said of a candidate, and what follows from it. Pure: no sockets, no clocks, no globals."""

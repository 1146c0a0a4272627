"""`slipgauge doctor`: what makes the comparison of two servers unfair, seen from outside, and what to change.

`main` has each server asked by `asker`; `tokens`, `sampling`, `parsers` and `engine` turn what one server
answers into facts; `checks` decides over the facts of all servers.
"""

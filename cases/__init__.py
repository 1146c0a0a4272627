"""Traffic kept as future eval cases: which pairs, in what form, and how they leave again. Pure, without I/O.

`case` is the form. What reaches a case has been redacted before.
"""

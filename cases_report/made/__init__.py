"""What people write, kind by kind: in forms that redaction is for and in others, and what only looks alike.

Written from the standards and from how people write, not from the patterns: check digits are computed here anew,
and forms that the patterns miss are drawn like the others.
"""

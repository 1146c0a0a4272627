"""Measures redaction on generated texts whose private parts are known, and on real texts that have none."""

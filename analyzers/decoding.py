"""Content codings undone, with a bound: gzip, deflate and br (RFC 9110 section 8.4.1; RFC 7932 for br).

A few kilobytes of gzip can stand for gigabytes, so no coding may give more than `LIMIT` bytes.
"""

from __future__ import annotations

import zlib

import brotli

LIMIT = 16 * 1024 * 1024
"""Most decoded bytes of one body."""
MAX_CODINGS = 2
"""Real servers apply one; each further one is another chance for a bomb."""


class UndecodableError(ValueError):
    """The body is not what its Content-Encoding says, is cut short, or decodes to more than `LIMIT`."""


def decode(body: bytes, content_encoding: str, limit: int = LIMIT) -> bytes:
    """`body` without its content codings, the last applied undone first. Raises UndecodableError."""
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding and coding != "identity"]
    if len(codings) > MAX_CODINGS:
        raise UndecodableError("too many content codings")
    for coding in reversed(codings):
        body = _undo(body, coding, limit)
    return body


def _undo(body: bytes, coding: str, limit: int) -> bytes:
    try:
        if coding in ("gzip", "x-gzip"):
            return _gzip(body, limit)
        if coding == "deflate":
            return _deflate(body, limit)
        if coding == "br":
            return _brotli(body, limit)
    except (zlib.error, brotli.error) as error:
        raise UndecodableError(f"not {coding}") from error
    raise UndecodableError("unknown content coding")


def _inflate(body: bytes, window_bits: int, limit: int) -> tuple[bytes, bytes]:
    """The first zlib stream of `body` and what follows it."""
    inflater = zlib.decompressobj(window_bits)
    decoded = inflater.decompress(body, limit + 1)
    if len(decoded) > limit:
        raise UndecodableError("decodes to too much")
    if not inflater.eof:
        raise UndecodableError("cut short")
    return decoded, inflater.unused_data


def _gzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip file (RFC 1952 section 2.2)."""
    decoded = b""
    while body:
        member, body = _inflate(body, 31, limit - len(decoded))
        decoded += member
        if not member and body:
            raise UndecodableError("empty gzip member")  # thousands of them would cost time and give nothing
    return decoded


def _deflate(body: bytes, limit: int) -> bytes:
    """The zlib format, or the bare deflate data that some servers send under the same name."""
    zlib_header = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return _inflate(body, 15 if zlib_header else -15, limit)[0]


def _brotli(body: bytes, limit: int) -> bytes:
    decompressor = brotli.Decompressor()
    decoded = decompressor.process(body, output_buffer_limit=limit + 1)
    while len(decoded) <= limit and not decompressor.can_accept_more_data():
        decoded += decompressor.process(b"", output_buffer_limit=limit + 1 - len(decoded))
    if len(decoded) > limit:
        raise UndecodableError("decodes to too much")
    if not decompressor.is_finished():
        raise UndecodableError("cut short")
    return bytes(decoded)

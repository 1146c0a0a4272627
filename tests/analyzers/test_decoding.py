from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.decoding import UndecodableError, decode

TEXT = b'{"choices": []}' * 100


def bare_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(body) + deflater.flush()


def quick_brotli(body: bytes) -> bytes:
    return brotli.compress(body, quality=1)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("X-GZIP", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:700]) + gzip.compress(TEXT[700:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
        ("br", brotli.compress(TEXT)),
        ("gzip, br", brotli.compress(gzip.compress(TEXT))),
    ],
)
def test_codings_are_undone(coding: str, body: bytes) -> None:
    assert decode(body, coding) == TEXT


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT)[:-10]),
        ("gzip", TEXT),
        ("deflate", b"\xff" * 20),
        ("br", brotli.compress(TEXT)[:-3]),
        ("br", TEXT),
        ("zstd", TEXT),
        ("gzip, gzip, gzip", TEXT),
        ("gzip", gzip.compress(b"") * 10_000),
    ],
)
def test_what_is_not_as_said_is_undecodable(coding: str, body: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode(body, coding)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_bomb_costs_no_more_memory_than_the_limit(coding: str) -> None:
    zeros = b"\0" * 50_000_000
    compress: dict[str, Callable[[bytes], bytes]]
    compress = {"gzip": gzip.compress, "deflate": zlib.compress, "br": quick_brotli}
    bomb = compress[coding](zeros)
    del zeros
    tracemalloc.start()
    with pytest.raises(UndecodableError):
        decode(bomb, coding, limit=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "gzip, br", "x", ",", ""]))
def test_any_bytes_decode_or_are_undecodable(body: bytes, coding: str) -> None:
    with contextlib.suppress(UndecodableError):
        assert len(decode(body, coding, limit=10_000)) <= 10_000

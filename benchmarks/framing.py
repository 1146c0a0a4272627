"""What reading costs by how the bytes are framed: CPU per byte on the wire, in the gateway's readers alone.

    python -m benchmarks.framing [--seconds 1.0]

What a hostile peer would send is in the rows: chunks of a byte or two, requests one behind the other, headers
without number. Arrivals are 256 KB, the most that the event loop reads at once. The median of five runs is shown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

from benchmarks.figures import table
from proxy.gateway.request import RequestReader
from proxy.gateway.response import ResponseReader

ARRIVAL = 256_000
"""Bytes."""
_OPEN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def chunks(size: int) -> bytes:
    """One arrival of chunks of `size` bytes."""
    chunk = b"%x\r\n%b\r\n" % (size, b"x" * size)
    return chunk * (ARRIVAL // len(chunk))


def answer(size: int) -> Callable[[], int]:
    """Read an answer of four arrivals in chunks; gives how many bytes that was."""
    arrival = chunks(size)

    def read() -> int:
        reader = ResponseReader(65_536)
        reader.expect(to_head=False)
        reader.feed(_OPEN)
        for _ in range(4):
            reader.feed(arrival)
        return 4 * len(arrival)

    return read


def request(head: bytes, arrival: bytes) -> Callable[[], int]:
    """Read what one client sends."""

    def read() -> int:
        reader = RequestReader(65_536, 2**30)
        if head:
            reader.feed(head)
        reader.feed(arrival)
        if reader.refusal is not None:
            raise RuntimeError(f"refused: {reader.refusal}")
        return len(head) + len(arrival)

    return read


ROWS: dict[str, Callable[[], int]] = {
    **{f"an answer in chunks of {size:,} bytes": answer(size) for size in (60_000, 512, 128, 16, 4, 2, 1)},
    **{f"a request in chunks of {size:,} bytes": request(_POST, chunks(size)) for size in (60_000, 16, 2)},
    "requests without a body, one behind the other": request(b"", _GET * (ARRIVAL // len(_GET))),
    "heads of 250 header lines": request(b"", (_GET[:-2] + b"x:y\r\n" * 250 + b"\r\n") * 200),
    "a chunked body of blank lines": request(_POST, b"3e000\r\n" + b"\r\n\r\n" * 63_488 + b"\r\n"),
}


def cost(read: Callable[[], int], seconds: float) -> float:
    """Nanoseconds of CPU for a byte."""
    began = time.process_time()
    size = 0
    while time.process_time() - began < seconds:
        size += read()
    return (time.process_time() - began) / size * 1e9


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What reading costs by how the bytes are framed.")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time for each figure")
    seconds = parser.parse_args().seconds / 5
    figures = {name: median(cost(read, seconds) for _ in range(5)) for name, read in ROWS.items()}
    rows = [[name, f"{cost:.1f}", f"{cost * ARRIVAL / 1e6:.1f}"] for name, cost in figures.items()]
    print(table(["what comes", "ns a byte", "ms an arrival"], rows))


if __name__ == "__main__":
    main()

"""What one leg's answer leaves behind for the analyzers: its bytes, shared not copied, and when they came."""

from __future__ import annotations

from analyzers.pair import Capture, End
from proxy.gateway.response import ResponseHead

ARRIVALS = 4_096
"""Most arrivals noted for one answer."""


class Recorder:
    """Keeps one answer, up to `limit` body bytes. Times are seconds since the leg's request was sent."""

    __slots__ = ("_arrivals", "_limit", "_pieces", "end", "head", "seconds", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._arrivals: list[tuple[float, int]] = []
        self.head: ResponseHead | None = None
        self.size = 0
        self.end: End | None = None
        """How the answer ended, once it has; nothing is recorded after that."""
        self.seconds = 0.0

    @property
    def status(self) -> int | None:
        """The answer's status, or None where no head came."""
        return None if self.head is None else self.head.status

    def data(self, body: bytes, at: float) -> bool:
        """Body bytes came; False where they are more than may be kept."""
        self.size += len(body)
        if self.size > self._limit:
            return False
        self._pieces.append(body)
        if len(self._arrivals) < ARRIVALS:
            self._arrivals.append((at, self.size))
        return True

    def last(self, count: int) -> bytes:
        """The end of what is kept: at least `count` bytes where there are as many."""
        end = b""
        for piece in reversed(self._pieces):
            end = piece[-count:] + end if end else piece
            if len(end) >= count:
                break
        return end

    def finish(self, end: End, seconds: float) -> None:
        """The answer ended, for scoring; the first end stands."""
        if self.end is None:
            self.end = end
            self.seconds = seconds

    def clear(self) -> None:
        """Keep nothing any more."""
        self._pieces = []
        self._arrivals = []

    def capture(self) -> Capture:
        """The answer as analyzers get it; a leg that never ended was given up."""
        head, pieces = self.head, self._pieces
        return Capture(
            end=self.end or End.ABORTED,
            status=self.status,
            content_type="" if head is None else head.field("content-type"),
            content_encoding="" if head is None else head.field("content-encoding"),
            body=pieces[0] if len(pieces) == 1 else b"".join(pieces),
            arrivals=tuple(self._arrivals),
            duration=self.seconds,
        )


class Budget:
    """Bytes held at once for mirroring."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int) -> bool:
        """Account for `size` more bytes; False, and nothing taken, where there is no room."""
        if self.used + size > self.limit:
            return False
        self.used += size
        return True

    def give(self, size: int) -> None:
        """`size` bytes are held no longer."""
        self.used -= size

"""What one leg's answer leaves behind for the analyzers: its bytes, and when they came."""

from __future__ import annotations

from array import array

from analyzers.pair import ARRIVALS, STREAM, Capture, End
from proxy.gateway.pieces import gather
from proxy.gateway.response import ResponseHead


class Recorder:
    """Keeps one answer, up to `limit` body bytes. Times are seconds since the leg's request was sent."""

    __slots__ = ("_first", "_limit", "_pieces", "_sizes", "_times", "end", "head", "seconds", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._first: tuple[float, int] | None = None
        self._times: array[float] | None = None
        self._sizes: array[int] | None = None
        """When the arrivals behind the first were, and bytes so far: of a stream there are hundreds, so they are
        kept as plain numbers; most answers come in one."""
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
        """Body bytes came; False where they are more than may be kept, of which those are kept that may."""
        self.size += len(body)
        if self.size > self._limit:
            gather(self._pieces, body[: max(0, self._limit - self.size + len(body))])
            return False
        if self._first is None:
            self._first = (at, self.size)
            self._pieces.append(body)
            return True
        gather(self._pieces, body)
        if self._times is None or self._sizes is None:
            self._times, self._sizes = array("d", (at,)), array("Q", (self.size,))
        elif len(self._times) < ARRIVALS - 1:
            self._times.append(at)
            self._sizes.append(self.size)
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
            if end is End.TOO_LARGE and self.head is not None and self.head.media_type not in ("", STREAM):
                self._pieces = []  # cut short, only a stream can be read, and these are megabytes

    def clear(self) -> None:
        """Keep nothing any more."""
        self._pieces = []
        self._first = self._times = self._sizes = None

    def capture(self) -> Capture:
        """The answer as analyzers get it; a leg that never ended was given up."""
        head, pieces = self.head, self._pieces
        return Capture(
            end=self.end or End.ABORTED,
            status=self.status,
            content_type="" if head is None else head.field("content-type"),
            content_encoding="" if head is None else head.field("content-encoding"),
            body=pieces[0] if len(pieces) == 1 else b"".join(pieces),
            arrivals=self._arrivals(),
            duration=self.seconds,
        )

    def _arrivals(self) -> tuple[tuple[float, int], ...]:
        if self._first is None:
            return ()
        if self._times is None or self._sizes is None:
            return (self._first,)
        return (self._first, *zip(self._times, self._sizes, strict=True))


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

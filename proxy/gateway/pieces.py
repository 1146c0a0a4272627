"""A body that comes in pieces, kept in few. Pure."""

from __future__ import annotations

from typing import Final

SMALL: Final = 4_096
"""Pieces below this many bytes are joined as they come: one by one, tiny ones take 25 times the room."""


def gather(pieces: list[bytes], piece: bytes) -> None:
    """Append `piece`; small ones are joined with their like, so that a byte is copied at most a dozen times.

    A large one is shared, not copied.
    """
    while pieces and len(pieces[-1]) <= len(piece) < SMALL:
        piece = pieces.pop() + piece
    pieces.append(piece)

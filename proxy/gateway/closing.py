"""Closes a listening port without losing a connection that the kernel has accepted."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys

_SO_ATTACH_FILTER = 26
_NO_SYN = struct.pack(
    "=" + "HBBI" * 4,
    *(0x30, 0, 0, 13),  # load the flags of the TCP header
    *(0x45, 0, 1, 0x02),  # with SYN among them
    *(0x06, 0, 0, 0),  # drop
    *(0x06, 0, 0, 0xFFFF_FFFF),  # else take
)
"""A classic BPF program (https://www.kernel.org/doc/html/latest/networking/filter.html)."""


def take_waiting(listener: socket.socket) -> list[socket.socket]:
    """Close a listener of which this is the last descriptor; the connections that wait there come back.

    On Linux no further connection is begun before it is closed: their SYNs are dropped, and their kernels ask again
    a second later. Between the last accept and the close the kernel could otherwise accept one more, and reset it.
    """
    waiting: list[socket.socket] = []
    with listener:
        _leave_unanswered(listener)
        listener.setblocking(False)
        while True:
            try:
                connection, _ = listener.accept()
            except ConnectionAbortedError:
                continue
            except OSError:  # none is left, or no descriptor for it
                return waiting
            connection.setblocking(False)
            waiting.append(connection)


def _leave_unanswered(listener: socket.socket) -> None:
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
    try:
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_NO_SYN) // 8, ctypes.addressof(program))
        )
    except OSError:  # a sandbox without filters: one connection might be lost
        return

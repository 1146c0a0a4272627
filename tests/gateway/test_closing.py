from __future__ import annotations

import socket
import sys

import pytest

from proxy.gateway.closing import take_waiting


def test_connections_that_wait_are_taken_with_what_they_have_sent() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    clients = [socket.create_connection(address) for _ in range(5)]
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    waiting = take_waiting(listener)

    assert {connection.recv(10) for connection in waiting} == {b"0", b"1", b"2", b"3", b"4"}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    for one in (*clients, *waiting):
        one.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing holds a connection back")
def test_no_connection_is_begun_once_it_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    late = socket.socket()
    late.setblocking(False)
    accept = socket.socket.accept

    def accepted_late(self: socket.socket) -> tuple[socket.socket, object]:
        try:
            return accept(self)
        except BlockingIOError:
            late.connect_ex(address)  # after the last accept, before the close
            raise

    monkeypatch.setattr(socket.socket, "accept", accepted_late)

    assert take_waiting(listener) == []
    assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0  # nobody has answered: neither yes nor no
    with pytest.raises(BlockingIOError):
        late.recv(1)
    late.close()

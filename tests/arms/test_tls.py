"""Real certificates and real handshakes, and what is said of files that cannot be used."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from pathlib import Path

import pytest

from proxy.config import ArmTls, Tls
from proxy.tls import ListenTls, TlsError, arm_context, listen_tls
from tests.arms.certificates import Authority


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> ssl.SSLObject:
    """The client's view of a connection that both sides agreed to; ssl.SSLError or OSError where one did not."""
    served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(1))
        writer.close()
        served.set_result(None)

    listening = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        try:
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"  # a client's certificate is judged only by now in TLS 1.3
            await served
        finally:
            writer.close()
    return connection


async def test_a_client_that_trusts_the_authority_is_served_with_forward_secrecy(ca: Authority) -> None:
    server = ListenTls(*ca.issue("localhost")).context
    newest = await shake_hands(server, arm_context(ArmTls(ca_file=ca.file)))
    assert newest.version() == "TLSv1.3"
    assert newest.selected_alpn_protocol() == "http/1.1"
    older = arm_context(ArmTls(ca_file=ca.file))
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    cipher = (await shake_hands(server, older)).cipher()
    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_no_side_speaks_tls_1_1(ca: Authority) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(ca.file)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await shake_hands(ListenTls(*ca.issue("localhost")).context, old)
    assert arm_context(ArmTls()).minimum_version == ssl.TLSVersion.TLSv1_2


async def test_a_stranger_s_certificate_another_name_and_no_authority_are_refused(
    ca: Authority, tmp_path: Path
) -> None:
    server = ListenTls(*ca.issue("localhost")).context
    with pytest.raises(ssl.SSLCertVerificationError):
        await shake_hands(server, arm_context(ArmTls(ca_file=Authority(tmp_path, "stranger").file)))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await shake_hands(server, arm_context(ArmTls(ca_file=ca.file)), name="elsewhere")
    with pytest.raises(ssl.SSLCertVerificationError):
        await shake_hands(server, arm_context(ArmTls()))


async def test_whoever_turns_verification_off_takes_any_certificate(ca: Authority) -> None:
    await shake_hands(ListenTls(*ca.issue("elsewhere")).context, arm_context(ArmTls(verify=False)))


async def test_an_arm_that_asks_for_a_certificate_gets_ours(ca: Authority) -> None:
    server = ListenTls(*ca.issue("localhost")).context
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(ca.file)
    cert, key = ca.issue("gateway")
    await shake_hands(server, arm_context(ArmTls(ca_file=ca.file, cert_file=cert, key_file=key)))
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await shake_hands(server, arm_context(ArmTls(ca_file=ca.file)))


async def test_a_renewed_certificate_is_shown_to_the_next_client_and_a_bad_one_changes_nothing(
    ca: Authority, tmp_path: Path
) -> None:
    listening = ListenTls(*ca.issue("localhost"))
    trusting = arm_context(ArmTls(ca_file=ca.file))
    cert, key = ca.issue("renewed")
    with pytest.raises(TlsError):
        listening.renew(cert, str(tmp_path / "absent"))
    await shake_hands(listening.context, trusting)
    listening.renew(cert, key)
    await shake_hands(listening.context, trusting, name="renewed")
    with pytest.raises(ssl.SSLCertVerificationError):
        await shake_hands(listening.context, trusting)


def test_without_files_the_data_port_speaks_plain_http() -> None:
    assert listen_tls(Tls()) is None


def test_files_that_cannot_be_used_are_named_with_what_is_wrong(ca: Authority, tmp_path: Path) -> None:
    (cert, key), (_, other) = ca.issue("localhost"), ca.issue("localhost")
    names = ("empty", "absent", "locked", "broken", "pipe")
    empty, absent, locked, broken, pipe = (str(tmp_path / name) for name in names)
    Path(empty).touch()
    os.mkfifo(pipe)
    command = ["openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked]
    subprocess.run(command, check=True)
    Path(broken).write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    for files, expected in (
        ((absent, key), f"cert_file: {absent} cannot be read: No such file or directory"),
        ((cert, str(tmp_path)), f"key_file: {tmp_path} cannot be read: Is a directory"),
        ((cert, pipe), f"key_file: {pipe} cannot be read: is a pipe or a device"),
        ((empty, key), "cert_file: holds no certificate"),
        ((key, key), "cert_file: holds no certificate"),
        ((broken, key), "cert_file: cannot be used with key_file"),
        ((cert, cert), "key_file: holds no private key"),
        ((cert, locked), "key_file: has a passphrase"),
        ((cert, other), "key_file: is not the key of the certificate in cert_file"),
    ):
        with pytest.raises(TlsError) as caught:
            ListenTls(*files)
        assert str(caught.value).startswith(expected)

    for file, expected in ((absent, "cannot be read"), (empty, "holds no certificate"), (broken, "holds no")):
        with pytest.raises(TlsError, match=f"^ca_file: .*{expected}"):
            arm_context(ArmTls(ca_file=file))

"""TLS contexts of both sides from the configuration, and what is wrong with their files in an operator's words.

TLS 1.2 and 1.3 only; on the listening side only cipher suites with forward secrecy and authenticated encryption
(RFC 9325 section 4.2).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256

from proxy.config import Arm, ArmTls, Config, Tls
from proxy.config_channel import NatsTls
from proxy.files import read_regular

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; those of 1.3 are all good."""
_HTTP = ["http/1.1"]


class TlsError(Exception):
    """A certificate, key or CA file that cannot be used. `key` is the configuration key within its section."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class ListenTls:
    """The data port's side. `context` goes to the listener and stays; the certificate behind it can be renewed.

    Raises TlsError where the files cannot be used, and so does `renew`, which then changes nothing.
    """

    def __init__(self, cert_file: str, key_file: str) -> None:
        self.context = self._newest = _listen_context(cert_file, key_file)
        self.context.sni_callback = self._take_newest

    def renew(self, cert_file: str, key_file: str) -> None:
        """Show what the files hold now to every client from now on; connections that are open stay."""
        self._newest = _listen_context(cert_file, key_file)

    def _take_newest(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest


def listen_tls(tls: Tls) -> ListenTls | None:
    """The data port's TLS; None where it speaks plain HTTP. Raises TlsError."""
    return ListenTls(tls.cert_file, tls.key_file) if tls.cert_file and tls.key_file else None


def arm_context(tls: ArmTls) -> ssl.SSLContext:
    """For connections to an arm; certificate and name are verified unless told otherwise. Raises TlsError."""
    if tls.ca_file:
        _read("ca_file", tls.ca_file)
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except ssl.SSLError:
        raise TlsError("ca_file", "holds no certificate; give a PEM file with the CAs to trust") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_HTTP)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file and tls.key_file:
        _load(context, tls.cert_file, tls.key_file)
    return context


def arm_tls(arm: Arm) -> ssl.SSLContext | None:
    """For connections to this arm's https servers; None where it has none. Raises TlsError."""
    return arm_context(arm.tls) if any(url.startswith("https://") for url in arm.url) else None


def nats_context(tls: NatsTls) -> ssl.SSLContext:
    """For connections to NATS; certificate and name are always verified. Raises TlsError."""
    return arm_context(ArmTls(**tls.model_dump()))


def digest(config: Config) -> bytes:
    """Another one whenever a file that the configuration names for TLS holds something else, or has gone."""
    found = sha256()
    for section in (config.tls, config.baseline.tls, config.candidate.tls):
        for name in section.model_dump().values():
            if isinstance(name, str):
                with suppress(OSError):
                    found.update(sha256(read_regular(name)).digest())
                found.update(b"\0")
    return found.digest()


def warnings(config: Config) -> Iterator[str]:
    """What is allowed and should not stay."""
    for name, arm in (("baseline", config.baseline), ("candidate", config.candidate)):
        if not arm.tls.verify:
            yield (
                f"{name}.tls.verify: is false, so anybody on the way can pose as the {name}, read every request "
                f"and write every answer; set it to true, and name the CA in {name}.tls.ca_file"
            )


def _listen_context(cert_file: str, key_file: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(_HTTP)
    _load(context, cert_file, key_file)
    return context


def _load(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in _read("cert_file", cert_file):
        raise TlsError("cert_file", "holds no certificate; give a PEM file with it and its chain")
    key = _read("key_file", key_file)
    if b"PRIVATE KEY-----" not in key:
        raise TlsError("key_file", "holds no private key; give a PEM file with it")
    if b"ENCRYPTED" in key:
        raise TlsError("key_file", "has a passphrase; give a key without one")
    try:
        context.load_cert_chain(cert_file, key_file)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError("key_file", "is not the key of the certificate in cert_file") from None
        raise TlsError("cert_file", f"cannot be used with key_file: {error.reason or error}") from None


def _read(key: str, path: str) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise TlsError(key, f"{path} cannot be read: {error.strerror}") from None

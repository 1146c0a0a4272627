"""Where things listen: `host:port` of our own ports, and the URLs of the arms, read strictly."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

LAST_PORT = 65_535
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a TCP port. The host is a name or a literal IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. A name other than localhost is taken for reachable."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def _is_any(self) -> bool:
        return self.host in {"0.0.0.0", "::"}

    def meets(self, other: Address) -> bool:
        """Whether a connection to one may reach the other: equal, or the same port on this machine."""
        if self.port != other.port or self.port == 0:
            return False
        if self._is_any or other._is_any:
            return (self._is_any or self.is_loopback) and (other._is_any or other.is_loopback)
        return self.host == other.host or (self.is_loopback and other.is_loopback)


def parse_address(text: str) -> Address:
    """Read `host:port` or `[v6]:port`; port 0 asks the system for a free one. Raises ValueError."""
    host, separator, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        separator = ""
    if not separator or not host or not (port.isascii() and port.isdigit()):
        raise ValueError("should be host and port, such as 127.0.0.1:8080")
    if int(port) > LAST_PORT:
        raise ValueError(f"should be host and port, the port from 1 to {LAST_PORT}, or 0 for a free one")
    return Address(_host(host, "should be host and port"), int(port))


def network(client: str | None) -> str:
    """The client's address; of IPv6 the /64, which is one subscriber's."""
    try:
        address = ipaddress.ip_address((client or "").partition("%")[0])
    except ValueError:
        return client or ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _host(name: str, should: str) -> str:
    """The name, where a resolver could take it: labels of 1 to 63 characters (RFC 1035 section 2.3.4)."""
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError(f"{should}, its host's labels of 1 to 63 characters") from None
    return name


@dataclass(frozen=True, slots=True)
class ArmUrl:
    """An arm's server: scheme and address."""

    scheme: str
    address: Address


def parse_url(text: str) -> ArmUrl:
    """Read `http://host[:port]` or `https://...` and nothing beyond it. Raises ValueError.

    A path is refused because clients' paths are passed on unchanged; credentials because they belong in
    `api_key_env` (RFC 3986 section 3.2.1 deprecates them in URLs).
    """
    example = "such as http://127.0.0.1:8001"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"should be a URL with a port up to 65535, {example}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError(f"should be a URL that starts with http:// or https://, {example}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"should hold no user name or password (name a variable in api_key_env), {example}")
    if not parts.hostname or port == 0 or any(c.isspace() for c in text):
        raise ValueError(f"should name a host, {example}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError(f"should hold no path or query: clients' paths are passed on unchanged, {example}")
    host = _host(parts.hostname, "should be a URL")
    return ArmUrl(parts.scheme, Address(host, port or DEFAULT_PORTS[parts.scheme]))

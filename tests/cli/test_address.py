from __future__ import annotations

import pytest

from proxy.address import Address, ArmUrl, parse_address, parse_url


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:8080", "host:0"])
def test_an_address_reads_back_as_it_was_written(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize("text", ["", ":80", "host", "host:", "host:x", "host:65536", "::1:80", "host:²"])
def test_half_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host and port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("url", "arm"),
    [
        ("http://a", ArmUrl("http", Address("a", 80))),
        ("https://a/", ArmUrl("https", Address("a", 443))),
        ("http://[::1]:8", ArmUrl("http", Address("::1", 8))),
    ],
)
def test_an_arms_url_gives_scheme_and_address(url: str, arm: ArmUrl) -> None:
    assert parse_url(url) == arm


@pytest.mark.parametrize(
    "url", ["", "a:80", "ftp://a", "http://", "http://a:0", "http://a?x", "http://a#x", "http://a b", "http://[a"]
)
def test_anything_beyond_scheme_host_and_port_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="should"):
        parse_url(url)


@pytest.mark.parametrize(
    ("one", "other", "meets"),
    [
        ("127.0.0.1:1", "localhost:1", True),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("0.0.0.0:1", "127.0.0.1:1", True),
        ("0.0.0.0:1", "gpu-7:1", False),
        ("gpu-7:1", "gpu-7:1", True),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_addresses_meet_on_the_same_port_of_the_same_machine(one: str, other: str, *, meets: bool) -> None:
    assert parse_address(one).meets(parse_address(other)) is meets
    assert parse_address(other).meets(parse_address(one)) is meets

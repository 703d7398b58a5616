"""Where webhooks may go."""

from __future__ import annotations

import pytest

from shared.outbound.addresses import RefusedAddressError, check_address, check_url

REFUSED = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.8", "198.18.0.1", "203.0.113.7",
    "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1",
    "::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "2002:7f00:1::",
    "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1",
    "2001:db8::1", "2001::1", "100::1", "::ffff:0:7f00:1",
    "::ffff:0:a9fe:a9fe", "4000::1", "not an address", "",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    """Loopback, private, link-local, CGNAT, ULA, mapped, multicast, reserved: all of them."""
    with pytest.raises(RefusedAddressError):
        check_address(address, allow_private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    """The guard doesn't stand in the way of ordinary receivers."""
    check_address(address, allow_private=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.0.9", "fd00::1"])
def test_private_addresses_pass_where_allowed(address: str) -> None:
    """For a receiver on the operator's own network."""
    check_address(address, allow_private=True)


@pytest.mark.parametrize("address", [
    "169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "fd00:ec2::254", "fd20:ce::254",
    "::ffff:0:7f00:1",
])  # fmt: skip
def test_cloud_metadata_and_multicast_are_refused_even_then(address: str) -> None:
    """Nobody's receiver lives there; credentials do."""
    with pytest.raises(RefusedAddressError):
        check_address(address, allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook", "ftp://example.com/", "file:///etc/passwd", "//example.com",
        "https://", "https:///path", "https://user:word@example.com/", "https://example.com/#a",
        "https://example.com:99999/", "https://exa mple.com/", "https://example.com/\n",
        "https://[::1", "https://example.com:0/", "https://example.com/" + "a" * 2_000, "",
    ],
)  # fmt: skip
def test_urls_that_are_not_plain_https_are_refused(url: str) -> None:
    """No other scheme, no credentials, no fragment, nothing that two parsers read differently."""
    with pytest.raises(RefusedAddressError):
        check_url(url, allow_private=False)


def test_http_is_for_local_use() -> None:
    """Leads are personal data: in clear text only on one's own network."""
    assert check_url("http://127.0.0.1:8000/hook", allow_private=True).port == 8000
    assert check_url("https://example.com/hook", allow_private=False).hostname == "example.com"


@pytest.mark.parametrize(
    ("address", "private"), [("10.0.0.1", True), ("::1", True), ("169.254.169.254", False)]
)
def test_a_refusal_says_whether_allowing_private_addresses_would_help(
    address: str, private: bool
) -> None:
    """Nobody is told to try what won't do."""
    with pytest.raises(RefusedAddressError) as caught:
        check_address(address, allow_private=False)
    assert caught.value.private is private

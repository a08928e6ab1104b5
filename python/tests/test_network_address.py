"""Which addresses count as public."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from network_place import OTHER, OWN, OWN6, PRIVATE, PUBLIC, PUBLIC6, in_namespace

from seer_host.network_address import is_own, kind_of

KINDS = {
    "public": [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "168.63.129.15",
        "2606:4700::1",
        "2001:200::1",
        "2a00::",
        "3ffd:ffff::1",
        "64:ff9b::1.1.1.1",
    ],
    "private": [
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.0.0",
        "192.168.255.255",
        "fc00::",
        "fdff:ffff::1",
        "64:ff9b::10.0.0.1",
    ],
    "never": [
        "0.0.0.0",
        "0.255.255.255",
        "127.0.0.0",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:1.1.1.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1.1.1.1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in KINDS.items() for text in texts])
def test_kinds_of_addresses(kind: str, text: str) -> None:
    assert kind_of(ip_address(text)) == kind


@in_namespace
def test_the_machine_s_own_addresses() -> None:
    for own in (OWN, OWN6, "127.0.0.1", "::1"):
        assert is_own(ip_address(own)), own
    for other in (PUBLIC, OTHER, PUBLIC6, PRIVATE):
        assert not is_own(ip_address(other)), other
    assert not is_own(ip_address("77.66.55.44")), "there is no way to it"

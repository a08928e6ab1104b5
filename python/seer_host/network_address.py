"""Which addresses the proxy connects to: public ones, and for a rule that says so those of a private network.

The lists are our own: what Python's `ipaddress` calls global differs between its versions.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

Address = IPv4Address | IPv6Address
#: `never`: loopback, link-local, multicast, reserved, another address in disguise, and where clouds keep keys.
Kind = Literal["public", "private", "never"]

PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
NEVER = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "2001::/23",  # Teredo, among others
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3ffe::/16",
            "3fff::/20",
            # A cloud's own services, at addresses that look like others.
            "100.100.100.200/32",
            "168.63.129.16/32",
            "fd00:ec2::/32",
            "fd20:ce::/32",
        ),
    )
)
#: All public addresses of IPv6 lie here. So those that hold one of IPv4 (`::ffff:127.0.0.1`) do not.
PUBLIC_IPV6 = ip_network("2000::/3")
#: In a network without IPv4 every host that has only that is found here.
NAT64 = ip_network("64:ff9b::/96")


def kind_of(address: Address) -> Kind:
    if isinstance(address, IPv6Address) and address in NAT64:
        return kind_of(IPv4Address(int(address) & 0xFFFFFFFF))
    if any(address in network for network in NEVER):
        return "never"
    if any(address in network for network in PRIVATE):
        return "private"
    return "public" if isinstance(address, IPv4Address) or address in PUBLIC_IPV6 else "never"


def is_own(address: Address) -> bool:
    """Whether it is this machine's. To connect a datagram socket sends nothing; the system chooses whence it would."""
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((str(address), 9))
            return ip_address(sock.getsockname()[0]) == address
        except OSError:
            return False  # there is no way to it

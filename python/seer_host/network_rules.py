"""Where code behind the wall may connect to, by name and port. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal

#: Of a name's addresses: the public ones, or those of a private network too.
Reach = Literal["public", "private"]

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: What the system's resolver would take for a number: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
MAX_NAME_CHARS = 253


def normal_host(text: str) -> str | None:
    """A name in lower case without its last dot, or an address as the system writes it; None for what is neither."""
    if len(text) > MAX_NAME_CHARS + 1 or not text.isascii():
        return None
    try:
        return str(ip_address(text)) if "%" not in text else None
    except ValueError:
        pass
    name = text.lower().removesuffix(".")
    if len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name) or _NUMBER.fullmatch(name.rpartition(".")[2]):
        return None
    return name


def address_in(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True)
class Rule:
    #: `example.org`, `*.example.org` (what is below it), or an address.
    name: str
    #: None: any.
    port: int | None
    private: bool

    def names(self, host: str) -> bool:
        if self.name.startswith("*."):
            return host.endswith(self.name[1:]) and address_in(host) is None
        return host == self.name


@dataclass(frozen=True)
class Rules:
    open: bool
    hosts: tuple[Rule, ...]

    def reach(self, host: str, port: int) -> Reach | None:
        """None: refused."""
        found = [rule for rule in self.hosts if rule.names(host) and rule.port in (None, port)]
        if any(rule.private for rule in found):
            return "private"
        return "public" if found or self.open else None

    def why_not(self, host: str, port: int) -> str | None:
        if self.reach(host, port) is not None:
            return None
        if any(rule.names(host) for rule in self.hosts):
            return "may be connected to on other ports only"
        return "is not among the hosts that this sandbox may connect to"


def _is_rule(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"name", "port", "private"}:
        return False
    name, port = value["name"], value["port"]
    is_name = isinstance(name, str) and normal_host(name.removeprefix("*.")) is not None
    is_port = port is None or (isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536)
    return is_name and is_port and isinstance(value["private"], bool)


def is_rules(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_rule, value))


def parse_rules(open: bool, hosts: list[dict[str, Any]]) -> Rules:
    """Of what `is_rules` has taken."""
    return Rules(open, tuple(Rule(_normal_pattern(rule["name"]), rule["port"], rule["private"]) for rule in hosts))


def _normal_pattern(name: str) -> str:
    below = name.startswith("*.")
    return ("*." if below else "") + str(normal_host(name.removeprefix("*.")))

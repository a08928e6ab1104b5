"""What is said to the proxy, `CONNECT host:port HTTP/1.1`, and what it answers. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .network_rules import normal_host

_REQUEST = re.compile(rb"([A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.[01]")
_FIELD = re.compile(rb"[!#-'*+.0-9A-Z^-z|~-]+:[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+)):([0-9]{1,5})")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]/]*\]|[^/?#:\[\]]+)(?::([0-9]{1,5}))?(?:[/?#].*)?")

CONNECTED = b"HTTP/1.1 200 Connected\r\n\r\n"
NO_REQUEST = "what was sent is no request for a connection (CONNECT host:port HTTP/1.1)"
HTTPS_ONLY = "was asked for over http, and only https goes out (CONNECT): write https:// in place of http://"


@dataclass(frozen=True)
class Target:
    #: As `normal_host` writes it.
    host: str
    port: int
    #: As it was asked for.
    said: str


class Refused(Exception):
    """A decision, which the log tells. `host` is as it was asked for; None where none could be found."""

    def __init__(self, status: int, because: str, host: str | None = None, port: int = 0) -> None:
        super().__init__(because)
        self.status = status
        self.because = because
        self.host = host
        self.port = port


def parse_request(head: bytes) -> Target:
    """`head` is all before the empty line."""
    request, *fields = head.split(b"\r\n")
    match = _REQUEST.fullmatch(request)
    if match is None or not all(map(_FIELD.fullmatch, fields)):
        raise Refused(400, NO_REQUEST)
    method, said = match[1], match[2].decode("ascii")
    if method != b"CONNECT":
        raise _not_connect(said)
    target = _TARGET.fullmatch(said)
    if target is None:
        raise Refused(400, "is not written as host:port", said)
    literal, name, port = target[1], target[2], int(target[3])
    text = name if literal is None else literal
    if not 0 < port < 65536:
        raise Refused(400, "was asked for on a port that is none", text)
    host = normal_host(text)
    if host is None or (":" in host) != (literal is not None):
        raise Refused(400, "is no name of a host, and no address as it is written", text, port)
    return Target(host, port, text)


def _not_connect(url: str) -> Refused:
    match = _URL.fullmatch(url)
    if match is None:
        return Refused(405, NO_REQUEST)
    port = int(match[2] or (443 if url.lower().startswith("https") else 80))
    return Refused(405, HTTPS_ONLY, match[1].strip("[]"), port if port < 65536 else 0)


def answer(status: int, words: str) -> bytes:
    """The words stand in the first line, too: Python's http.client, and so urllib and requests, tell nothing else."""
    said = words.encode("ascii", "replace").translate(_ONE_LINE)
    body = b"Seer: " + said + b"\n"
    allow = b"Allow: CONNECT\r\n" if status == 405 else b""
    fields = b"Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n" % len(body)
    return b"HTTP/1.1 %d Seer: %s\r\n" % (status, said) + allow + fields + b"\r\n" + body


_ONE_LINE = bytes(code if 0x20 <= code < 0x7F else 0x3F for code in range(256))

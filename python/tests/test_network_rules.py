"""Names, rules and requests: what the proxy makes of text, before it does anything."""

from __future__ import annotations

import pytest
from network_try import OPEN, rules

from seer_host.network_request import Refused, answer, parse_request
from seer_host.network_rules import is_rules, normal_host


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("api.openai.com", "api.openai.com"),
        ("API.OpenAI.com", "api.openai.com"),
        ("api.openai.com.", "api.openai.com"),
        ("localhost.", "localhost"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("1.1.1.1", "1.1.1.1"),
        ("::1", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("2A00:0001::3", "2a00:1::3"),
        ("a" * 63 + ".org", "a" * 63 + ".org"),
    ],
)
def test_one_way_to_write_a_host(text: str, normal: str) -> None:
    assert normal_host(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a..",
        "-a.org",
        "a-.org",
        "a b",
        "a\tb",
        "a\0.org",
        "a\r\n.org",
        "bücher.example",
        "ａｐｉ.openai.com",
        "example。org",
        "user@example.org",
        "example.org/path",
        "example.org\\@evil.org",
        "a" * 64 + ".org",
        ".".join(["a" * 49] * 6),
        "%31%32",
        "fe80::1%lo",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.0x1",
        "127.0.0.1.1",
        "127.000.000.001",
        "1.1.1.256",
        "example.123",
        "example.0x",
        "[::1]",
        "*.example.org",
        "*",
    ],
)
def test_what_is_no_host(text: str) -> None:
    assert normal_host(text) is None


@pytest.mark.parametrize(
    ("name", "host", "port", "allowed"),
    [
        ("example.org", "example.org", 443, True),
        ("example.org", "www.example.org", 443, False),
        ("example.org", "example.org.evil.net", 443, False),
        ("example.org", "notexample.org", 443, False),
        ("*.example.org", "www.example.org", 443, True),
        ("*.example.org", "a.b.example.org", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "evilexample.org", 443, False),
        ("*.example.org", "www.example.org.evil.net", 443, False),
        ("Example.ORG.", "example.org", 443, True),
        ("1.1.1.1", "1.1.1.1", 443, True),
        ("1.1.1.1", "1.1.1.11", 443, False),
        ("2A00:1:0::3", "2a00:1::3", 443, True),
    ],
)
def test_names_of_rules(name: str, host: str, port: int, allowed: bool) -> None:
    assert (rules(name).reach(host, port) is not None) is allowed


def test_ports_and_reach() -> None:
    both = rules("example.org", port=443)
    assert both.reach("example.org", 443) == "public" and both.reach("example.org", 22) is None
    assert both.why_not("example.org", 22) == "may be connected to on other ports only"
    assert "not among the hosts" in str(both.why_not("example.net", 443))
    assert OPEN.reach("anything.at.all", 22) == "public"
    assert rules("mirror.lan", private=True).reach("mirror.lan", 80) == "private"
    assert rules("mirror.lan", private=True, open=True).reach("other.lan", 80) == "public"
    assert rules().reach("example.org", 443) is None


RULE = {"name": "example.org", "port": 443, "private": False}


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [RULE, None],
        [{**RULE, "more": 1}],
        [{"name": "example.org", "port": 443}],
        *([{**RULE, "name": name}] for name in (None, 3, "", "*", "*.", "*.*.org", "https://example.org", "a b")),
        *([{**RULE, "port": port}] for port in (0, -1, 65536, "443", 443.0, True)),
        *([{**RULE, "private": private}] for private in (None, 0, "no")),
    ],
)
def test_rules_that_are_none(value: object) -> None:
    assert is_rules([RULE]) and is_rules([]), "the control"
    assert not is_rules(value)


@pytest.mark.parametrize(
    ("head", "host", "port"),
    [
        (b"CONNECT example.org:443 HTTP/1.1", "example.org", 443),
        (b"CONNECT example.org:443 HTTP/1.0", "example.org", 443),
        (b"CONNECT EXAMPLE.org.:0443 HTTP/1.1", "example.org", 443),
        (b"CONNECT [2a00:1::3]:8443 HTTP/1.1\r\nHost: [2a00:1::3]:8443", "2a00:1::3", 8443),
        (b"CONNECT 1.1.1.1:1 HTTP/1.1\r\nUser-Agent: curl/8\r\nProxy-Connection: Keep-Alive", "1.1.1.1", 1),
        # Nothing but the first line decides.
        (
            b"CONNECT a.org:443 HTTP/1.1\r\nHost: b.org:80\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
            "a.org",
            443,
        ),
    ],
)
def test_requests(head: bytes, host: str, port: int) -> None:
    target = parse_request(head)
    assert (target.host, target.port) == (host, port)


@pytest.mark.parametrize(
    ("head", "status", "host", "port"),
    [
        (b"", 400, None, 0),
        (b"CONNECT", 400, None, 0),
        (b"CONNECT example.org:443", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/2.0", 400, None, 0),
        (b"CONNECT example.org:443  HTTP/1.1", 400, None, 0),
        (b"CONNECT  example.org:443 HTTP/1.1", 400, None, 0),
        (b" CONNECT example.org:443 HTTP/1.1", 400, None, 0),
        (b"\r\nCONNECT example.org:443 HTTP/1.1", 400, None, 0),
        (b"CONNECT\texample.org:443 HTTP/1.1", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/1.1\nX: y", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/1.1\rX: y", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/1.1\r\nX: y\nHost: z", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/1.1\r\n folded: line", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/1.1\r\nno colon", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/1.1\r\nX : y", 400, None, 0),
        (b"CONNECT example.org:443 HTTP/1.1\r\nX: \0", 400, None, 0),
        (b"CONNECT exam\0ple.org:443 HTTP/1.1", 400, None, 0),
        ("CONNECT bücher.example:443 HTTP/1.1".encode(), 400, None, 0),
        (b"CONNECT example.org HTTP/1.1", 400, "example.org", 0),
        (b"CONNECT example.org: HTTP/1.1", 400, "example.org:", 0),
        (b"CONNECT example.org:https HTTP/1.1", 400, "example.org:https", 0),
        (b"CONNECT example.org:+443 HTTP/1.1", 400, "example.org:+443", 0),
        (b"CONNECT example.org:443/ HTTP/1.1", 400, "example.org:443/", 0),
        (b"CONNECT ::1:443 HTTP/1.1", 400, "::1:443", 0),
        (b"CONNECT [::1]443 HTTP/1.1", 400, "[::1]443", 0),
        (b"CONNECT [fe80::1%lo]:443 HTTP/1.1", 400, "[fe80::1%lo]:443", 0),
        (b"CONNECT example.org:0 HTTP/1.1", 400, "example.org", 0),
        (b"CONNECT example.org:65536 HTTP/1.1", 400, "example.org", 0),
        (b"CONNECT [127.0.0.1]:443 HTTP/1.1", 400, "127.0.0.1", 443),
        (b"CONNECT 2130706433:443 HTTP/1.1", 400, "2130706433", 443),
        (b"CONNECT 0177.0.0.1:443 HTTP/1.1", 400, "0177.0.0.1", 443),
        (b"CONNECT a@example.org:443 HTTP/1.1", 400, "a@example.org", 443),
        (b"GET http://example.org/a?b HTTP/1.1", 405, "example.org", 80),
        (b"GET http://u:p@example.org:8080/ HTTP/1.1", 405, "example.org", 8080),
        (b"POST https://[::1]/ HTTP/1.1", 405, "::1", 443),
        (b"GET / HTTP/1.1", 405, None, 0),
        (b"connect example.org:443 HTTP/1.1", 405, None, 0),
        (b"PRI * HTTP/2.0", 400, None, 0),
        (b"Content-Length: 44", 400, None, 0),
    ],
)
def test_requests_that_are_refused(head: bytes, status: int, host: str | None, port: int) -> None:
    with pytest.raises(Refused) as caught:
        parse_request(head)
    refused = caught.value
    assert (refused.status, refused.host, refused.port) == (status, host, port)


def test_an_answer_is_one_line_whatever_was_asked() -> None:
    text = answer(403, "a\r\nX: y\r\n\r\nbücher \0 is refused")
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 403 Seer: a??X: y????b?cher ? is refused"
    assert body == b"Seer: a??X: y????b?cher ? is refused\n"
    assert b"Content-Length: %d\r\n" % len(body) in text

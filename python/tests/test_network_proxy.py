"""The proxy with real connections, in a network of its own: whom it lets reach what, and how bytes go through."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest
from network_place import METADATA, OTHER, OWN, OWN6, PRIVATE, PUBLIC, PUBLIC6, in_namespace
from network_try import OPEN, Names, Server, all_of, open_files, proxy, rules

from seer_host.network_proxy import Bounds

QUICK = Bounds(pause_seconds=0.0005)
LOCAL = ["127.0.0.1", "127.7.7.7", "::1", OWN, OWN6, METADATA]


def reached_directly(server: Server, host: str) -> bool:
    """The control: it is there, for whoever is not kept from it."""
    before = server.reached
    with socket.create_connection((host, server.port), timeout=5) as sock:
        assert sock.recv(6) == b"hello\n"
    return server.reached == before + 1


@in_namespace
def test_a_connection_by_name() -> None:
    with Server(PUBLIC) as server, proxy(rules("api.example.org"), Names(api_example_org=[PUBLIC])) as tried:
        status, sock = tried.ask(f"API.example.org.:{server.port}")
        assert status == 200 and sock.recv(6) == b"hello\n"
        sock.sendall(b"x" * 1000)
        sock.shutdown(socket.SHUT_WR)
        assert all_of(sock) == b"x" * 1000, "what comes after its own end arrives"
        assert tried.records == [
            {
                "session": "network",
                "generation": 1,
                "kind": "network-connect",
                "host": "api.example.org",
                "port": server.port,
                "allowed": True,
            }
        ]


@in_namespace
def test_what_is_sent_with_the_request_arrives() -> None:
    with Server(PUBLIC) as server, proxy(OPEN) as tried, tried.connection() as sock:
        sock.sendall(b"CONNECT %s:%d HTTP/1.1\r\n\r\nearly" % (PUBLIC.encode(), server.port))
        sock.shutdown(socket.SHUT_WR)
        assert all_of(sock) == b"HTTP/1.1 200 Connected\r\n\r\nhello\nearly"


@in_namespace
def test_ipv6() -> None:
    with Server(PUBLIC6) as server, proxy(OPEN, Names(six_example=[PUBLIC6])) as tried:
        assert tried.status(f"[{PUBLIC6}]:{server.port}") == 200
        assert tried.status(f"six.example:{server.port}") == 200
        assert tried.told() == [(PUBLIC6, server.port, True), ("six.example", server.port, True)]


@in_namespace
def test_a_name_that_no_rule_has_is_not_even_looked_up() -> None:
    names = Names(api_example_org=[PUBLIC], other_example_org=[PUBLIC])
    with Server(PUBLIC) as server, proxy(rules("api.example.org", port=server.port), names) as tried:
        said = tried.say(b"CONNECT other.example.org:%d HTTP/1.1\r\n\r\n" % server.port)
        assert said.startswith(
            b"HTTP/1.1 403 Seer: other.example.org:%d is not among the hosts that this sandbox may connect to\r\n"
            % server.port
        )
        assert tried.status(f"{PUBLIC}:{server.port}") == 403, "its address is another name"
        assert tried.status("api.example.org:22") == 403, "nor is another port"
        assert server.reached == 0 and names.asked == []
        assert tried.status(f"api.example.org:{server.port}") == 200, "the control"


@in_namespace
@pytest.mark.parametrize("private", [False, True])
def test_this_machine_is_out_of_reach_whatever_the_rules(private: bool) -> None:
    for address in LOCAL:
        with Server(address) as server:
            allowed = rules("bait.example", address, private=private, open=True)
            with proxy(allowed, Names(bait_example=[address])) as tried:
                literal = f"[{address}]" if ":" in address else address
                assert tried.status(f"{literal}:{server.port}") == 403, address
                assert tried.status(f"bait.example:{server.port}") == 403, address
                assert server.reached == 0
            assert reached_directly(server, address)


@in_namespace
def test_a_private_network_is_for_rules_that_say_so() -> None:
    with Server(PRIVATE) as server:
        names = Names(mirror_lan=[PRIVATE])
        with proxy(rules("mirror.lan", open=True), names) as tried:
            assert tried.status(f"mirror.lan:{server.port}") == 403
            assert server.reached == 0
        with proxy(rules("mirror.lan", private=True), names) as tried:
            assert tried.status(f"mirror.lan:{server.port}") == 200
            assert tried.status(f"{PRIVATE}:{server.port}") == 403, "the name has the right, and not the address"
            wait_for(lambda: server.reached == 1)


@in_namespace
def test_of_several_addresses_only_those_that_are_public() -> None:
    with Server(PUBLIC) as server, Server("127.0.0.1", server.port) as bait:
        names = Names(mixed_example=["127.0.0.1", PRIVATE, PUBLIC])
        with proxy(OPEN, names) as tried:
            assert tried.status(f"mixed.example:{server.port}") == 200
            wait_for(lambda: server.reached == 1)
            assert bait.reached == 0
        assert reached_directly(bait, "127.0.0.1")


@in_namespace
def test_a_name_that_changes_its_address_is_asked_for_once() -> None:
    """DNS rebinding: first an address that may be reached, then, a moment later, this machine's own."""
    with Server(PUBLIC) as server, Server("127.0.0.1", server.port) as bait:
        names = Names(rebind_example=[[PUBLIC], ["127.0.0.1"]])
        with proxy(rules("rebind.example"), names) as tried:
            status, sock = tried.ask(f"rebind.example:{server.port}")
            assert status == 200 and names.asked == ["rebind.example"]
            wait_for(lambda: server.reached == 1)
            assert bait.reached == 0
            sock.close()
            assert tried.status(f"rebind.example:{server.port}") == 403, "the next connection asks again"
            assert bait.reached == 0
        assert reached_directly(bait, "127.0.0.1")


@in_namespace
def test_unknown_names_and_private_ones_look_the_same_from_inside() -> None:
    with proxy(OPEN, Names(intranet_example=[PRIVATE])) as tried:
        said = [
            tried.say(b"CONNECT %s:443 HTTP/1.1\r\n\r\n" % name) for name in (b"intranet.example", b"nowhere.example")
        ]
        assert said[0].startswith(b"HTTP/1.1 403 ")
        assert said[0].replace(b"intranet", b"nowhere").split(b"\r\n")[0] == said[1].split(b"\r\n")[0]


@in_namespace
def test_the_next_address_is_tried() -> None:
    with Server(PUBLIC) as full, Server(OTHER) as server:
        full.close()
        with socket.create_server((PUBLIC, server.port), backlog=0) as silent, socket.socket() as first:
            first.connect(silent.getsockname())  # its queue is full now, so it does not answer
            bounds = replace(QUICK, connect_seconds=0.3)
            names = Names(two_example=[PUBLIC, OTHER], closed_example=[OTHER, PUBLIC], dead_example=[PUBLIC])
            with proxy(OPEN, names, bounds) as tried:
                started = time.monotonic()
                assert tried.status(f"two.example:{server.port}") == 200
                assert 0.3 <= time.monotonic() - started < 3
                said = tried.say(b"CONNECT dead.example:%d HTTP/1.1\r\n\r\n" % server.port)
                assert said.startswith(b"HTTP/1.1 502 Seer: dead.example:%d does not answer\r\n" % server.port)
                said = tried.say(b"CONNECT closed.example:%d HTTP/1.1\r\n\r\n" % full.port)
                assert b"502 Seer: closed.example:%d cannot be reached: Connection refused" % full.port in said
                assert all(allowed for _, _, allowed in tried.told()), "they were allowed"


@in_namespace
def test_a_resolver_that_hangs_has_a_deadline() -> None:
    def hang(host: str, port: int) -> list[str]:
        time.sleep(1.5 if host == "slow.example" else 0)
        return [PUBLIC]

    with Server(PUBLIC) as server, proxy(OPEN, hang, replace(QUICK, resolve_seconds=0.2)) as tried:
        started = time.monotonic()
        assert tried.status(f"slow.example:{server.port}") == 403
        assert time.monotonic() - started < 1
        assert tried.status(f"quick.example:{server.port}") == 200


@in_namespace
def test_a_large_transfer_in_both_directions() -> None:
    size = 64 * 1024 * 1024
    with Server(PUBLIC) as server, proxy(OPEN) as tried:
        status, sock = tried.ask(f"{PUBLIC}:{server.port}")
        assert status == 200 and sock.recv(6) == b"hello\n"
        piece = bytes(range(256)) * 4096

        def send() -> None:
            for _ in range(size // len(piece)):
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)

        threading.Thread(target=send).start()
        got = all_of(sock)
        assert len(got) == size and got == piece * (size // len(piece))


@in_namespace
def test_half_closed_connections() -> None:
    def slow_answer(sock: socket.socket) -> None:
        asked = all_of(sock)
        time.sleep(0.6)
        sock.sendall(b"answer to " + asked)

    bounds = replace(QUICK, after_end_seconds=0.2, idle_seconds=5)
    with Server(PUBLIC, serve=slow_answer) as server, proxy(OPEN, bounds=bounds) as tried:
        _, sock = tried.ask(f"{PUBLIC}:{server.port}")
        sock.sendall(b"a question")
        sock.shutdown(socket.SHUT_WR)
        assert all_of(sock) == b"answer to a question"

    said: list[bytes] = []

    def ends_first(sock: socket.socket) -> None:
        sock.shutdown(socket.SHUT_WR)
        said.append(all_of(sock))

    with Server(PUBLIC, serve=ends_first) as server, proxy(OPEN, bounds=replace(bounds, after_end_seconds=2)) as tried:
        _, sock = tried.ask(f"{PUBLIC}:{server.port}")
        assert sock.recv(1) == b""
        sock.sendall(b"still here")
        sock.close()
        wait_for(lambda: said == [b"still here"])


def wait_for(true: object, seconds: float = 5) -> None:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


@in_namespace
def test_new_rules_cut_what_they_do_not_allow() -> None:
    names = Names(a_example=[PUBLIC], b_example=[PUBLIC])
    with Server(PUBLIC) as server, proxy(rules("a.example", "b.example"), names) as tried:
        _, first = tried.ask(f"a.example:{server.port}")
        _, second = tried.ask(f"b.example:{server.port}")
        for sock in (first, second):
            assert sock.recv(6) == b"hello\n"
        tried.proxy.set_rules(rules("b.example"))
        assert all_of(first) == b""
        second.sendall(b"goes on")
        assert second.recv(7) == b"goes on"
        assert tried.status(f"a.example:{server.port}") == 403
        assert tried.told()[2] == ("a.example", server.port, False)
        assert tried.records[2]["because"] == "was cut: the rules of the network have changed"
        tried.proxy.set_rules(OPEN)
        assert tried.status(f"a.example:{server.port}") == 200


@in_namespace
def test_rules_that_change_while_a_name_is_looked_up() -> None:
    looking, go = threading.Event(), threading.Event()

    def slow(host: str, port: int) -> list[str]:
        looking.set()
        go.wait(5)
        return [PUBLIC]

    with Server(PUBLIC) as server, proxy(rules("a.example"), slow) as tried, tried.connection() as sock:
        sock.sendall(b"CONNECT a.example:%d HTTP/1.1\r\n\r\n" % server.port)
        assert looking.wait(5)
        tried.proxy.set_rules(rules())
        go.set()
        assert all_of(sock).startswith(b"HTTP/1.1 403 ")
        assert server.reached == 0


@in_namespace
def test_rules_that_change_while_a_server_is_connected() -> None:
    with proxy(OPEN) as tried, socket.create_server((PUBLIC, 0), backlog=0) as slow, socket.socket() as first:
        first.connect(slow.getsockname())  # its queue is full now, so it does not answer yet
        with tried.connection() as sock:
            sock.sendall(b"CONNECT %s:%d HTTP/1.1\r\n\r\n early" % (PUBLIC.encode(), slow.getsockname()[1]))
            wait_for(lambda: tried.records)
            tried.proxy.set_rules(rules())
            slow.accept()
            there, _ = slow.accept()
            assert all_of(sock).startswith(b"HTTP/1.1 403 ")
            assert all_of(there) == b"", "nothing was carried"


@in_namespace
def test_nothing_is_let_out_that_cannot_be_written_down() -> None:
    with Server(PUBLIC) as server, proxy(OPEN, append=lambda _: False) as tried:
        said = tried.say(b"CONNECT %s:%d HTTP/1.1\r\n\r\n" % (PUBLIC.encode(), server.port))
        assert said.startswith(b"HTTP/1.1 503 Seer: the disk of the sandbox's machine is full")
        assert server.reached == 0


@in_namespace
def test_the_end_of_the_proxy_ends_everything() -> None:
    before = open_files(), threading.active_count()
    ended: list[bytes] = []
    with Server(PUBLIC, serve=lambda sock: ended.append(all_of(sock))) as server:
        with proxy(OPEN) as tried:
            _, tunnel = tried.ask(f"{PUBLIC}:{server.port}")
            waiting = tried.connection()
            waiting.sendall(b"CONNECT")
            wait_for(lambda: server.reached == 1)
        for sock in (tunnel, waiting):
            assert all_of(sock) == b""
            sock.close()
        wait_for(lambda: ended == [b""])
        tried.proxy.close()  # twice is once
    wait_for(lambda: (open_files(), threading.active_count()) <= before)

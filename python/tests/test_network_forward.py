"""What carries connections from inside to the proxy, as programs use it: urllib, requests and curl, over TLS."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from client import BOOT
from network_place import PUBLIC, in_namespace
from network_try import OPEN, Names, Server, Tried, all_of, head_of, proxy, rules

from seer_host.network_proxy import Bounds

QUICK = Bounds(pause_seconds=0.0005)


@contextmanager
def forwarded(tried: Tried) -> Iterator[int]:
    port = 3128
    process = subprocess.Popen([sys.executable, "-I", BOOT, "forward", str(port), tried.path])
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield port
        assert process.poll() is None, "it goes on"
    finally:
        process.kill()
        process.wait()


def asked(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(data)
        said = b""
        while piece := sock.recv(65536):  # to a clean end
            said += piece
        return said


def certificate(folder: Path, name: str) -> Path:
    both = folder / "both.pem"
    key, cert = folder / "key.pem", folder / "cert.pem"
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name_of = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", *new, *name_of], check=True, capture_output=True)
    both.write_text(key.read_text() + cert.read_text())
    return both


PROGRAMS = {
    "urllib": "import urllib.request; print(urllib.request.urlopen(URL).read())",
    "requests": "import requests; print(requests.get(URL).content)",
}


@in_namespace
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_programs_over_tls(tmp_path: Path) -> None:
    file = certificate(tmp_path, "api.example.org")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    def serve(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            head_of(secure)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")

    allowed = rules("api.example.org")
    names = Names(api_example_org=[PUBLIC])
    with Server(PUBLIC, 443, serve=serve), proxy(allowed, names) as tried, forwarded(tried) as port:
        way = f"http://127.0.0.1:{port}"
        env = {
            "PATH": os.environ["PATH"],
            "https_proxy": way,
            "http_proxy": way,
            "SSL_CERT_FILE": str(file),
            "REQUESTS_CA_BUNDLE": str(file),
        }

        def run(*argv: str) -> str:
            done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30)
            return done.stdout + done.stderr

        for code in PROGRAMS.values():
            assert "b'secret'" in run(sys.executable, "-c", f"URL = 'https://api.example.org/'\n{code}")
            refused = run(sys.executable, "-c", f"URL = 'https://evil.example.org/'\n{code}")
            assert "403 Seer: evil.example.org:443 is not among the hosts that this sandbox may connect to" in refused
        plain = run(sys.executable, "-c", f"URL = 'http://api.example.org/'\n{PROGRAMS['urllib']}")
        assert "405: Seer: api.example.org:80 was asked for over http, and only https goes out" in plain
        if shutil.which("curl"):
            assert run("curl", "-s", "--cacert", str(file), "https://api.example.org/") == "secret"
            assert "only https goes out" in run("curl", "-s", "http://api.example.org/")


@in_namespace
def test_answers_arrive_though_the_request_was_not_read() -> None:
    with proxy(OPEN) as tried, forwarded(tried) as port:
        for _ in range(20):
            said = asked(port, b"CONNECT " + b"x" * 300_000)
            assert said.startswith(b"HTTP/1.1 431 Seer: the request has more than 16384 bytes\r\n")
    with proxy(OPEN, bounds=replace(QUICK, connections=0)) as tried, forwarded(tried) as port:
        assert asked(port, b"CONNECT 1.1.1.1:443 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503 Seer: there are 0")


@in_namespace
def test_many_connections_at_once() -> None:
    with (
        Server(PUBLIC) as server,
        proxy(OPEN, bounds=replace(QUICK, connections=400)) as tried,
        forwarded(tried) as port,
    ):

        def one(n: int) -> bool:
            text = b"%d" % n * 10_000
            head = b"CONNECT %s:%d HTTP/1.1\r\n\r\n" % (PUBLIC.encode(), server.port)
            with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
                sock.sendall(head + text)
                sock.shutdown(socket.SHUT_WR)
                return all_of(sock).endswith(b"hello\n" + text)

        with ThreadPoolExecutor(100) as pool:
            assert all(pool.map(one, range(1000)))
        assert server.reached == 1000


@in_namespace
def test_more_at_once_than_it_carries() -> None:
    """They wait, and go on when others have ended."""
    bounds = replace(QUICK, connections=1000, head_seconds=60)
    with proxy(OPEN, bounds=bounds) as tried, forwarded(tried) as port, ThreadPoolExecutor(1) as pool:
        idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(300)]
        waits = pool.submit(asked, port, b"GET / HTTP/1.1\r\n\r\n")
        time.sleep(0.5)
        assert not waits.done()
        for sock in idle:
            sock.close()
        assert waits.result(timeout=10)[9:12] == b"405"


@in_namespace
def test_the_queue_of_the_proxy_is_full() -> None:
    """A connection to a unix socket cannot be waited for as others are."""
    with proxy(OPEN) as tried, socket.socket(socket.AF_UNIX) as full, forwarded(tried) as port:
        assert asked(port, b"GET / HTTP/1.1\r\n\r\n")[9:12] == b"405", "so it carries nothing else any more"
        os.unlink(tried.path)
        full.bind(tried.path)
        full.listen(0)
        full.settimeout(10)
        with tried.connection(), socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(b"hello")
            time.sleep(0.5)
            full.accept()
            through, _ = full.accept()
            assert through.recv(5) == b"hello"
            through.sendall(b"and back")
            assert sock.recv(8) == b"and back"

"""The client's connections: kept, given up when something goes wrong, and not shared with a child process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_seer import FakeSeer, import_library, seer_with

FILE = """
    import threading, time
    import numpy as np

    gates = {}
    def gate(name): return gates.setdefault(name, threading.Event())

    @expose
    def echo(value): return value
    @expose
    def array(n: int, size: int): return np.full(size, n)
    @expose(concurrent=True)
    def wait(name: str) -> str:
        gate(name + " waits").set()
        while not gate(name).wait(0.01):
            pass
        return name
    @expose(concurrent=True)
    def begun(name: str) -> bool: return gate(name + " waits").wait(60)
    @expose(concurrent=True)
    def release(name: str) -> None: gate(name).set()
    @expose
    def sleep(seconds: float) -> None:
        gate("sleep waits").set()
        time.sleep(seconds)
"""


@pytest.fixture
def seer() -> Iterator[FakeSeer]:
    with seer_with(FILE) as seer:
        yield seer


@pytest.fixture
def tools(seer: FakeSeer, monkeypatch: pytest.MonkeyPatch) -> Any:
    return import_library(seer, monkeypatch)


def until(holds: Any) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_connection_is_kept_for_the_next_call(seer: FakeSeer, tools: Any) -> None:
    for n in range(20):
        assert tools.echo(n) == n
    with pytest.raises(tools.InterfaceError):
        tools.array("x", 1)
    assert tools.echo(1) == 1
    assert seer.accepted == 1


def test_threads_call_side_by_side(seer: FakeSeer, tools: Any) -> None:
    got: dict[int, Any] = {}

    def work(n: int) -> None:
        got[n] = (tools.wait(f"gate {n}"), [tools.echo([n, k]) for k in range(20)])

    threads = [threading.Thread(target=work, args=[n]) for n in range(20)]
    for thread in threads:
        thread.start()
    for n in range(20):
        assert tools.begun(f"gate {n}")
    assert 20 < len(seer.connections) <= 22
    for n in range(20):
        tools.release(f"gate {n}")
    for thread in threads:
        thread.join(60)
    assert got == {n: (f"gate {n}", [[n, k] for k in range(20)]) for n in range(20)}
    until(lambda: len(seer.connections) <= 17)  # no more than a few are kept


def test_two_clients_at_once(seer: FakeSeer) -> None:
    code = """
        import os, model_tools
        n = int(os.environ["N"])
        for k in range(50):
            assert model_tools.echo([n, k]) == [n, k]
            assert (model_tools.array(n, 100_000) == n).all()
        print("good")
    """
    processes = [seer.start_python(code, N=str(n)) for n in range(3)]
    assert [process.communicate(timeout=120) for process in processes] == [("good\n", "")] * 3


def test_one_that_was_closed_meanwhile_is_not_used(seer: FakeSeer, tools: Any) -> None:
    assert tools.echo(1) == 1
    seer.connections[0].shutdown(socket.SHUT_RDWR)
    until(lambda: not seer.connections)
    assert tools.echo(2) == 2


def test_one_that_is_closed_while_it_waits(seer: FakeSeer, tools: Any) -> None:
    seer.closes = True
    with pytest.raises(tools.InterfaceError, match="the connection was closed before an answer came") as error:
        tools.echo(1)
    assert error.value.kind == "gone"
    seer.closes = False
    assert tools.echo(2) == 2


def test_the_end_of_the_interface(seer: FakeSeer, tools: Any) -> None:
    assert tools.echo(1) == 1
    seer.close()
    os.unlink(seer.path)
    with pytest.raises(tools.InterfaceError, match="nobody answers calls in this session any more") as error:
        tools.echo(2)
    assert error.value.kind == "gone"


@pytest.mark.parametrize("path", [None, ""])
def test_a_python_that_no_session_started(tools: Any, monkeypatch: pytest.MonkeyPatch, path: str | None) -> None:
    monkeypatch.delenv("SEER_CALLS")
    if path is not None:
        monkeypatch.setenv("SEER_CALLS", path)
    with pytest.raises(
        tools.InterfaceError, match="was not started by a session that was given the interface"
    ) as error:
        tools.echo(1)
    assert (error.value.kind, error.value.function) == ("refused", "echo")


def test_an_interrupt_cancels_the_call(seer: FakeSeer) -> None:
    code = """
        import os, signal, threading, time, model_tools
        assert model_tools.echo(1) == 1
        def interrupt():
            model_tools.begun("sleep")
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        before = time.monotonic()
        try:
            model_tools.sleep(1000)
        except KeyboardInterrupt as error:
            held = error  # as a notebook keeps the last one, and all that its frames hold
            print("interrupted", time.monotonic() - before < 60)
        print(model_tools.echo(2))
    """
    assert seer.run_python(code) == "interrupted True\n2\n"
    assert len(seer.cancelled) == 1


def test_a_client_that_is_killed_cancels_its_call(seer: FakeSeer, tools: Any) -> None:
    client = seer.start_python("import model_tools\nmodel_tools.wait('killed')")
    assert tools.begun("killed")
    client.kill()
    client.communicate()
    until(lambda: seer.cancelled)


def test_a_forked_child_has_connections_of_its_own(seer: FakeSeer) -> None:
    code = """
        import os, signal, sys, threading, time, warnings, model_tools
        warnings.simplefilter("ignore")
        assert model_tools.echo("parent") == "parent"
        results = []
        def work():
            try:
                results.append(model_tools.wait("held"))
            except BaseException as error:
                results.append(error)
        worker = threading.Thread(target=work)
        worker.start()
        model_tools.begun("held")

        children = []
        for n in range(4):
            pid = os.fork()
            if pid == 0:
                links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
                assert not [link for link in links if os.path.islink(link) and "socket" in os.readlink(link)]
                for k in range(30):
                    assert model_tools.echo([n, k]) == [n, k]
                os._exit(0)
            children.append(pid)
        for k in range(30):
            assert model_tools.echo(["parent", k]) == ["parent", k]
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
        model_tools.release("held")
        worker.join()
        print(results)

        # A child that was forked while a call waits does not keep its parent from cancelling it.
        read, write = os.pipe()
        def fork_and_interrupt():
            model_tools.begun("sleep")
            if os.fork() == 0:
                os.close(write)
                os.read(read, 1)
                os._exit(0)
            os.close(read)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=fork_and_interrupt).start()
        try:
            model_tools.sleep(1000)
        except KeyboardInterrupt:
            print("interrupted")
        print(model_tools.echo(5))
    """
    assert seer.run_python(code) == "['held']\ninterrupted\n5\n"
    assert len(seer.cancelled) == 1


def test_multiprocessing(seer: FakeSeer) -> None:
    code = """
        import multiprocessing, warnings, model_tools
        warnings.simplefilter("ignore")
        model_tools.echo(0)
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(4) as pool:
                print(pool.map(model_tools.echo, range(20)))
                try:
                    pool.map(model_tools.array, ["x"])
                except TypeError as error:
                    print(error)
    """
    out = seer.run_python(code)
    assert out == f"{list(range(20))}\narray() missing a required argument: 'size'\n"


class RawServer:
    """Answers each connection with these bytes."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        threading.Thread(target=self._serve, args=[answer], daemon=True).start()

    def _serve(self, answer: bytes) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                with sock:
                    sock.recv(1 << 16)
                    sock.sendall(answer)


def framed(head: Any, body: bytes = b"", data: bytes = b"") -> bytes:
    text = json.dumps(head).encode()
    return struct.pack(">III", len(text), len(body), len(data)) + text + body + data


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (b"", "gone", "closed before an answer came"),
        (b"\0\0", "gone", "closed before an answer came"),
        (framed({"kind": "result"}, b"[1]")[:-1], "gone", "closed before an answer came"),
        (struct.pack(">III", 2**30, 0, 0), "invalid-frame", "says to be of 1073741824"),
        (framed({"kind": "result"}, b"nonsense"), "invalid-frame", "not JSON"),
        (framed({"kind": "result"}, b"[" * 1000 + b"]" * 1000), "invalid-frame", "100 deep"),
        (
            framed({"kind": "result", "buffers": [1]}, b'{"$seer":"bytes","buffer":1}', b"x"),
            "invalid-frame",
            "did not come",
        ),
        (framed({"kind": "welcome"}), "invalid-frame", "neither a result nor an error"),
        (framed({"kind": "error"}), "invalid-frame", "neither a result nor an error"),
        (
            framed({"kind": "error", "error": {"kind": "refused", "message": "too many"}}),
            "refused",
            "model_tools.echo: too many",
        ),
    ],
)
def test_whatever_is_answered(
    tools: Any, seer: FakeSeer, monkeypatch: pytest.MonkeyPatch, answer: bytes, kind: str, said: str
) -> None:
    path = Path(seer.path).with_name("raw")
    server = RawServer(path, answer)
    monkeypatch.setenv("SEER_CALLS", str(path))
    for _ in range(2):
        with pytest.raises(tools.InterfaceError) as error:
            tools.echo(1)
        assert error.value.kind == kind and said in str(error.value)
    server.listener.close()
    monkeypatch.setenv("SEER_CALLS", seer.path)
    assert tools.echo(2) == 2


def test_calls_leave_no_descriptor(seer: FakeSeer, tools: Any) -> None:
    assert tools.echo(1) == 1

    def open_now() -> int:
        return len(os.listdir("/proc/self/fd"))

    until(lambda: len(seer.connections) == 1)
    before = open_now()
    for n in range(100):
        seer.closes = n % 2 == 0
        with contextlib.suppress(tools.InterfaceError):
            tools.echo(n)
    seer.closes = False
    assert tools.echo(1) == 1
    until(lambda: open_now() <= before + 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

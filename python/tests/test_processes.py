"""Processes beside the kernels, with and without a wall: what they are given, and what they print."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from client import Client, Failed, HostFixture
from process_client import read_on, run, sh, start, until_end
from test_process_ends import cmdline

from seer_spawner.processes import descendants

MakeHost = Callable[..., HostFixture]
PYTHON = "python3"


@pytest.fixture
def client(make_either: MakeHost) -> Client:
    return make_either().client()


def python(client: Client, code: str, *argv: str, **options: Any) -> Any:
    return run(client, PYTHON, "-c", code, *argv, **options)


def test_arguments_arrive_as_they_are(client: Client) -> None:
    argv = ["", "a b", "new\nline", "'\"`$(touch x)", "schlüssel 💡", "-", "\t", "x" * 100_000]
    ended = python(client, "import sys; print(ascii(sys.argv[1:]))", *argv)
    assert (ended.text, ended.code) == (ascii(argv) + "\n", 0)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"argv": ["a\0b"]}, "argv"),
        ({"argv": []}, "argv"),
        ({"argv": [""]}, "argv"),
        ({"argv": ["x" * (128 * 1024 + 1)]}, "argv"),
        ({"argv": ["x"] * 1001}, "argv"),
        ({"env": {"A=B": "c"}}, "env"),
        ({"env": {"": "c"}}, "env"),
        ({"env": {"A": "b\0"}}, "env"),
        ({"env": {"A": 1}}, "env"),
        ({"cwd": "a\0"}, "cwd"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"maxBytes": 0}, "maxBytes"),
        ({"stdin": "no base64!"}, "stdin"),
        ({"process": "../p"}, "process"),
        ({"shell": True}, "shell"),
    ],
)
def test_what_the_protocol_does_not_know_is_refused(shared: Client, options: dict[str, Any], why: str) -> None:
    params: dict[str, Any] = {
        "process": "p",
        "argv": ["/bin/true"],
        "cwd": ".",
        "env": {},
        "stdin": "",
        "seconds": None,
        "maxBytes": 9,
        "stream": False,
    }
    with pytest.raises(Failed, match=why):
        shared.request("process/start", **{**params, **options})
    with pytest.raises(Failed) as failure:
        read_on(shared, "p")
    assert failure.value.name == "unknown-process"


def test_its_world_is_that_of_the_kernels(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    ended = run(client, "/usr/bin/env", "-0", env={"MORE": "yes", "LANG": "C.UTF-8"})
    given = dict(line.split("=", 1) for line in ended.text.split("\0")[:-1])
    mark = given.pop("SEER_PROCESS")
    assert mark.startswith("process:p-")
    assert given == {**host.config["kernelEnv"], "MORE": "yes", "LANG": "C.UTF-8"}
    client.start()
    client.run("c1", "import os; os.makedirs('sub', exist_ok=True); open('sub/file', 'w').write('of a cell')")
    assert sh(client, "cat file", cwd="sub").text == "of a cell"
    home = host.config["kernelEnv"]["HOME"]
    assert sh(client, "pwd").text == f"{home}\n"
    assert sh(client, "pwd", cwd="/usr").text == "/usr\n"
    ended = python(
        client, "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd')), os.getsid(0) == os.getpid())"
    )
    assert ended.text == "[0, 1, 2, 3] True\n", "3: the folder itself"


def test_how_it_ended(client: Client) -> None:
    assert sh(client, "exit 7").ended | {"durationMs": 0} == {"exitCode": 7, "signal": None, "lost": 0, "durationMs": 0}
    killed = sh(client, "kill -USR1 $$").ended
    assert (killed["exitCode"], killed["signal"]) == (None, "SIGUSR1")
    assert 300 <= sh(client, "sleep 0.3").ended["durationMs"] < 5000
    both = sh(client, "echo out; echo err >&2; echo named >/dev/stderr; printf 'no end'")
    assert (both.stdout, both.stderr) == (b"out\nno end", b"err\nnamed\n")


@pytest.mark.parametrize(
    ("argv", "cwd", "why"),
    [
        (["no-such-program"], ".", "the program no-such-program: No such file or directory"),
        (["/usr"], ".", "the program /usr: Permission denied"),
        (["/bin/true"], "no-such-folder", "the folder .*/no-such-folder: No such file or directory"),
        (["/bin/true", *["x" * 130_000] * 7], "/bin/true", "the folder /bin/true: Not a directory"),
    ],
)
def test_what_cannot_be_started_says_so_each_time(client: Client, argv: list[str], cwd: str, why: str) -> None:
    params: dict[str, Any] = {
        "process": "p",
        "argv": argv,
        "cwd": cwd,
        "env": {},
        "stdin": "",
        "seconds": None,
        "maxBytes": 9,
        "stream": False,
    }
    for method in ("process/start", "process/start", "process/read"):
        with pytest.raises(Failed) as failure:
            read_on(client, "p") if method == "process/read" else client.request(method, **params)
        assert failure.value.name == "process-start-failed"
        assert re.search(f"^{why}$", str(failure.value))
    assert sh(client, "echo still").text == "still\n"


def test_stdin(client: Client) -> None:
    data = os.urandom(400_000)
    code = "import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    assert python(client, code, stdin=data).text == hashlib.sha256(data).hexdigest() + "\n"
    assert run(client, "cat").text == "", "none is an empty one"
    assert run(client, "true", stdin=data).code == 0, "it need not be read"
    assert sh(client, "exec 0<&-; sleep 0.2; echo on", stdin=data).text == "on\n"


def test_an_id_starts_once_for_ever(make_either: MakeHost) -> None:
    host = make_either()
    first = host.client()
    params: dict[str, Any] = {
        "process": "p-once",
        "argv": ["/bin/sh", "-c", "echo x >> times; for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.05; done"],
        "cwd": ".",
        "env": {},
        "stdin": "",
        "seconds": None,
        "maxBytes": 1000,
        "stream": False,
    }
    first.ask("process/start", **params)
    first.ask("process/start", **params)
    time.sleep(0.25)
    first.kill()
    second = host.client()
    assert second.request("process/start", **params) == {"known": True}
    assert until_end(second, "p-once").text == "".join(f"{i}\n" for i in range(1, 11))
    assert second.request("process/start", **params) == {"known": True}
    assert sh(second, "cat times").text == "x\n"
    assert until_end(second, "p-once").code == 0, "read again"


def test_output_is_read_by_position(client: Client) -> None:
    process = start(client, "/bin/sh", "-c", "printf 0123456789; printf abcdefghij >&2; sleep 30")
    while True:
        answer = read_on(client, process)
        if len(answer["stdout"] + answer["stderr"]) == 32:
            break
    assert answer["ended"] is None
    part = read_on(client, process, (2, 7), maxBytes=4)
    assert [base64.b64decode(part[name]) for name in ("stdout", "stderr")] == [b"23", b"hi"]
    part = read_on(client, process, (9, 0), maxBytes=4)
    assert [base64.b64decode(part[name]) for name in ("stdout", "stderr")] == [b"9", b"abc"]
    before = time.monotonic()
    assert read_on(client, process, (10, 10), wait_ms=300)["stdout"] == ""
    assert time.monotonic() - before >= 0.3
    id, answers = client.ask("process/read", process=process, stdout=10, stderr=10, maxBytes=9, waitMs=60_000)
    client.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}})
    with pytest.raises(Failed, match="cancelled"):
        client.answer(answers, timeout=5)
    client.request("process/kill", process=process)
    assert until_end(client, process).ended["signal"] == "SIGTERM"
    last = read_on(client, process, (10, 9), maxBytes=1)
    assert base64.b64decode(last["stderr"]) == b"j" and last["ended"]["signal"] == "SIGTERM"
    assert read_on(client, process, (0, 0), maxBytes=1)["ended"] is None, "there is more to read"


def resident_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def test_100_mb_take_little_memory_and_do_not_block_it(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()
    before = resident_bytes(host.pid)
    script = "head -c 100000000 /dev/zero | tr '\\0' x; echo done >&2"
    process = start(client, "/bin/sh", "-c", script, maxBytes=80_000_000)
    sha, size, peak, ended = hashlib.sha256(), 0, 0, None
    while ended is None:
        answer = read_on(client, process, (size, 5 if size else 0))
        data = base64.b64decode(answer["stdout"])
        sha.update(data)
        size += len(data)
        ended = answer["ended"]
        peak = max(peak, resident_bytes(host.pid))
    assert size == 80_000_000 and sha.hexdigest() == hashlib.sha256(b"x" * size).hexdigest()
    assert ended["lost"] == 20_000_000 and ended["exitCode"] == 0
    assert peak - before < 30_000_000


def test_bytes_that_are_no_text(client: Client) -> None:
    code = "import os, sys; [os.write(1, bytes([n])) for n in range(256)]; sys.stdout.buffer.write('é💡'.encode()[:-1])"
    expected = (bytes(range(256)) + "é💡".encode()[:-1]).decode("utf-8", "replace").encode()
    assert python(client, code).stdout == expected


def test_secrets_are_hidden_however_they_are_printed(make_either: MakeHost) -> None:
    secret = "canary-4711-canary"
    host = make_either(
        redact=[{"name": "KEY", "forms": [secret]}], kernelEnv={"PATH": os.environ["PATH"], "KEY": secret}
    )
    client = host.client()
    code = (
        "import os, time\n"
        "for c in os.environ['KEY']: os.write(1, c.encode()); time.sleep(0.01)\n"
        "os.write(2, b'canary-')"
    )
    ended = python(client, code)
    assert (ended.text, ended.stderr) == ("[secret KEY]", b"canary-")
    assert sh(client, 'echo "$KEY"; echo "$KEY" >&2').text == "[secret KEY]\n"
    for path in (host.root / "state").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_many_at_once_and_not_too_many(client: Client) -> None:
    got: dict[int, str] = {}

    def one(number: int) -> None:
        got[number] = sh(client, f"sleep 0.3; seq {number} {number + 2000}").text

    threads = [threading.Thread(target=one, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert got == {n: "".join(f"{i}\n" for i in range(n, n + 2001)) for n in range(40)}
    running = [start(client, "/bin/sleep", "60") for _ in range(64)]
    with pytest.raises(Failed, match="64 processes run already") as failure:
        start(client, "/bin/true")
    assert failure.value.name == "process-start-failed"
    client.request("process/kill", process=running[0])
    assert sh(client, "echo room").text == "room\n"


def test_no_descriptor_is_left_open_or_handed_on(make_either: MakeHost) -> None:
    host = make_either()
    client = host.client()

    def opened(pid: int) -> list[str]:
        return sorted(re.sub(r"\d+", "N", os.readlink(f"/proc/{pid}/fd/{fd}")) for fd in os.listdir(f"/proc/{pid}/fd"))

    assert sh(client, "true").code == 0
    spawner = next(pid for pid in descendants(host.pid) if b"spawner" in cmdline(pid) and b"bwrap" not in cmdline(pid))
    time.sleep(0.3)
    before = (opened(host.pid), opened(spawner))
    for _ in range(20):
        assert sh(client, "echo x; sleep 0.2 & true").code == 0
        with pytest.raises(Failed):
            start(client, "no-such-program")
    running = start(client, "/bin/sleep", "60")
    client.start()
    code = (
        "import os\n"
        "for fd in os.listdir('/proc/self/fd'):\n"
        "  try: print(fd, os.readlink(f'/proc/self/fd/{fd}'))\n"
        "  except OSError: pass"
    )
    with_process = client.stdout_of(client.run("c1", code))
    client.request("process/kill", process=running)
    client.start(generation=2)
    without = client.stdout_of(client.run("c2", code, generation=2))

    def kinds(text: str) -> list[str]:
        return sorted(re.sub(r"k-[0-9a-f]{10}|\d+", "N", line.split(" ", 1)[1]) for line in text.splitlines())

    assert kinds(with_process) == kinds(without)
    ended = time.monotonic() + 10
    while time.monotonic() < ended and opened(spawner) != before[1]:
        time.sleep(0.1)
    assert opened(spawner) == before[1]
    pipes = [name for name in opened(host.pid) if name.startswith("pipe")]
    # A kernel's thread has one of its own, to be woken by.
    assert len(pipes) <= sum(name.startswith("pipe") for name in before[0]) + 2


def test_beside_a_cell_and_with_its_port(make_either: MakeHost) -> None:
    client = make_either().client()
    client.start()
    serve = (
        "import http.server, threading\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "  def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b'from the cell')\n"
        "  def log_message(self, *a): pass\n"
        "s = http.server.HTTPServer(('127.0.0.1', 0), H)\n"
        "threading.Thread(target=s.serve_forever, daemon=True).start()\n"
        "print(s.server_port)"
    )
    port = client.stdout_of(client.run("c1", serve)).strip()
    client.execute("c2", "import time\nfor _ in range(60): time.sleep(0.05)")
    fetch = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{port}').read().decode())"
    ended = python(client, fetch)
    assert (ended.text, ended.stderr) == ("from the cell\n", b"")
    assert not any(record["kind"] == "cell-end" and record["cell"] == "c2" for record in client.read(0))

"""Kernels behind a wall: what their code can do, and what the host makes of what they say."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from client import BOOT, Client, Failed, HostFixture
from wall_fixture import IS_ROOT, needs_wall, wall_for

from seer_spawner import confined
from seer_spawner.processes import descendants

MakeHost = Callable[..., HostFixture]
pytestmark = needs_wall


def said_by(client: Client, code: str, cell: str = "c1", **more: Any) -> str:
    records = client.run(cell, code, **more)
    assert records[-1]["status"] == "ok", records
    return client.stdout_of(records).strip()


def processes_of(host: HostFixture) -> set[int]:
    return descendants(host.pid) | {host.pid}


def test_a_kernel_sees_its_own_world(make_host: MakeHost) -> None:
    host = make_host(walled=True)
    client = host.client()
    handle = client.start()
    facts = json.loads(
        said_by(
            client,
            "import os, json, sys\n"
            "status = dict(l.split(':', 1) for l in open('/proc/self/status').read().splitlines())\n"
            "print(json.dumps({'pid': os.getpid(), 'uid': os.getuid(), 'cwd': os.getcwd(), 'python': sys.executable,\n"
            " 'pids': [int(n) for n in os.listdir('/proc') if n.isdigit()], 'root': sorted(os.listdir('/')),\n"
            " 'cap': status['CapBnd'].strip(), 'nnp': status['NoNewPrivs'].strip(),\n"
            " 'run': os.listdir('/run/seer')}))",
        )
    )
    assert facts["uid"] == 1000 and facts["cwd"] == "/workspace" and facts["python"] == "/opt/environment/bin/python"
    assert sorted(facts["pids"]) == [1, facts["pid"]]
    assert int(facts["cap"], 16) == 0 and facts["nnp"] == "1"
    assert not {"home", "work", "mnt", "var"} & set(facts["root"])
    assert not any("host" in name for name in facts["run"]), "the host's own socket is not there"
    # The pid that the host tells is that of this machine.
    assert handle["pid"] != facts["pid"] and handle["pid"] in descendants(host.pid)
    assert handle["workdir"] == "/workspace"
    uid = os.stat(f"/proc/{handle['pid']}").st_uid
    assert uid != 0


@pytest.mark.parametrize("how", ["message", "signal"])
def test_both_steps_of_the_interrupt(make_host: MakeHost, how: str) -> None:
    client = make_host(walled=True).client()
    client.start()
    client.execute("c1", "import time\nprint('on', flush=True)\ntime.sleep(60)")
    client.until("output")
    asked = time.monotonic()
    client.request("kernel/interrupt", session="s1", generation=1, cell="c1", how=how)
    records = client.until("cell-end")
    assert time.monotonic() - asked < 3
    assert "KeyboardInterrupt" in str(records)


def test_a_kernel_s_control_socket_becomes_a_link(make_host: MakeHost, tmp_path: Path) -> None:
    """An interrupt must not go to another socket of this machine."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    place = Path(f"/tmp/seer-t-victim-{os.getpid()}")
    listener.bind(str(place))
    place.chmod(0o777)
    listener.listen(4)
    listener.setblocking(False)
    try:
        client = make_host(walled=True).client()
        client.start()
        said_by(
            client,
            f"import glob, os\n[own] = glob.glob('/run/seer/k-*-4')\nos.unlink(own); os.symlink({str(place)!r}, own)",
        )
        client.execute("c2", "import time; time.sleep(60)")
        client.until("cell-begin", cell="c2")
        client.request("kernel/interrupt", session="s1", generation=1, cell="c2", how="message")
        with pytest.raises(BlockingIOError):
            listener.accept()
        # A signal still does it.
        client.request("kernel/interrupt", session="s1", generation=1, cell="c2", how="signal")
        client.until("cell-end", cell="c2")
    finally:
        listener.close()
        place.unlink()


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal\nfor n in (9, 19, 15, 2):\n os.kill(1, n)\nprint('tried')",
        "try:\n open('/proc/1/mem', 'r+b'); print('opened')\nexcept OSError as e: print('tried')",
        "import os\ntry:\n print(os.listdir('/proc/1/fd'))\nexcept OSError as e: print('tried')",
    ],
)
def test_the_spawner_is_out_of_reach(make_host: MakeHost, code: str) -> None:
    client = make_host(walled=True).client()
    client.start()
    assert said_by(client, code) == "tried"
    time.sleep(0.2)
    client.start("s2")
    assert said_by(client, "print('lives')", "c2", session="s2") == "lives"


FORK = """
import os, signal
children = []
try:
    while len(children) < 500:
        pid = os.fork()
        if pid == 0:
            signal.pause(); os._exit(0)
        children.append(pid)
except OSError:
    pass
for pid in children:
    os.kill(pid, 9); os.waitpid(pid, 0)
print(len(children))
"""


def test_processes_are_limited_for_each_sandbox_alone(make_host: MakeHost) -> None:
    first, second = (make_host(walled=True, limits={"processes": 80}).client() for _ in range(2))
    for client in (first, second):
        client.start()
    counts = [int(said_by(client, FORK)) for client in (first, second)]
    assert all(0 < count < 80 for count in counts), counts
    free = make_host(walled=True).client()
    free.start()
    assert int(said_by(free, FORK)) == 500, "the control: without a limit they can be started"


def test_memory_of_a_process_is_limited(make_host: MakeHost) -> None:
    client = make_host(walled=True, limits={"dataBytes": 600_000_000}).client()
    client.start()
    code = "try:\n x = bytearray(800_000_000); print('got it')\nexcept MemoryError: print('refused')"
    assert said_by(client, code) == "refused"
    free = make_host(walled=True).client()
    free.start()
    assert said_by(free, code) == "got it"


def test_a_file_and_tmp_are_limited(make_host: MakeHost) -> None:
    client = make_host(walled=True, limits={"diskBytes": 30_000_000}).client()
    client.start()
    # Removed at once: all files together are watched.
    write = (
        "import os\ntry:\n open({0!r}, 'wb').write(bytes({1})); print('wrote')\n"
        "except OSError as e: print(e.errno)\nos.unlink({0!r})"
    )
    assert said_by(client, write.format("/workspace/a", 40_000_000), "c1") == "27"
    assert said_by(client, write.format("/workspace/b", 20_000_000), "c2") == "wrote"
    free = make_host(walled=True).client()
    free.start()
    for n, folder in enumerate(("/tmp", "/dev/shm")):
        assert said_by(free, write.format(f"{folder}/a", 80_000_000), f"c{n}") == "28"


@pytest.mark.parametrize("how", ["shutdown", "SIGTERM", "SIGKILL", "spawner", "bubblewrap"])
def test_nothing_is_left(make_host: MakeHost, how: str) -> None:
    mounts = mounts_at("/mnt/")
    host = make_host(walled=True)
    client = host.client()
    kernel = client.start()
    client.run(
        "c1",
        "import subprocess\nsubprocess.Popen(['sh', '-c', 'setsid -f sleep 1000; exit'], env={}).wait()\n"
        "subprocess.Popen(['setsid', 'sh', '-c', 'trap \"\" TERM INT HUP; sleep 1000'])",
    )
    left = processes_of(host)
    assert len(left) >= 6
    monitor = next(pid for pid in left if parent(pid) == host.pid)
    if how == "shutdown":
        client.request("host/shutdown", timeout=15)
        client.close()
    elif how in ("SIGTERM", "SIGKILL"):
        os.kill(host.pid, signal.Signals[how])
    else:
        os.kill(monitor if how == "bubblewrap" else parent(kernel["pid"]), signal.SIGKILL)
        client.until("kernel-dead")
        left.discard(host.pid)
    deadline = time.monotonic() + 8
    while any(alive(pid) for pid in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in left if alive(pid)] == []
    assert mounts_at("/mnt/") == mounts and mounts_at(str(host.root)) == []


def mounts_at(folder: str) -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if folder in line]


def parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def refusal(**change: Any) -> tuple[str, str]:
    """The code and the words of a host that does not start."""
    with pytest.raises(HostRefused) as refused:
        start(**change)
    return refused.value.args


class HostRefused(Exception):
    pass


def start(root: Path, change: Callable[[dict[str, Any]], Any], **config: Any) -> HostFixture:
    wall = wall_for(root)
    change(wall)
    (root / "state").mkdir(exist_ok=True)
    given = {
        "sandbox": "sb1",
        "socket": str(root / "h" / "s"),
        "stateDir": str(root / "state"),
        "runtimeDir": str(root / "r"),
        "workspace": str(root / "work"),
        "python": sys.executable,
        "pythonDir": str(Path(BOOT).parent),
        "wall": wall,
        **config,
    }
    done = subprocess.run(
        [sys.executable, "-I", BOOT, "host"],
        input=json.dumps(given) + "\n",
        capture_output=True,
        text=True,
        timeout=40,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 1, done.stdout
    answer = json.loads(done.stdout)
    raise HostRefused(answer["code"], answer["error"])


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_wall_that_cannot_be_built_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    code, words = refusal(root=tmp_path, change=lambda wall: wall["args"].append("--no-such-option"))
    assert code == "wall-failed" and "no-such-option" in words


def test_a_wall_that_hangs_has_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(f"/tmp/seer-t-hang-{os.getpid()}")
    folder.mkdir(mode=0o755)
    try:
        hang = script(folder / "bwrap", "exec sleep 1000")
        started = time.monotonic()
        code, words = refusal(root=tmp_path, change=lambda wall: wall.update(program=hang))
        assert code == "wall-failed" and "did not answer" in words
        assert time.monotonic() - started < 30
    finally:
        (folder / "bwrap").unlink()
        folder.rmdir()


@pytest.mark.skipif(not IS_ROOT, reason="only root can fail to give up its rights")
def test_root_that_would_not_give_up_its_rights_is_refused(tmp_path: Path) -> None:
    code, words = refusal(root=tmp_path, change=lambda wall: wall.update(dropTo=None))
    assert code == "wall-failed" and "would not give up" in words


def test_inherited_descriptors_are_found() -> None:
    known = set(confined.inherited_descriptors(set()))
    read_end, write_end = os.pipe()
    try:
        assert set(confined.inherited_descriptors(known)) == {read_end, write_end}
    finally:
        os.close(read_end)
        os.close(write_end)


FLOODS = {
    "a line without end": "while True: sock.sendall(b'x' * 65536)",
    "JSON nested deeply": "sock.sendall(b'[' * 100_000 + b'\\n')",
    "no JSON": "sock.sendall(b'hello\\n')",
    "a pid that is none": "sock.sendall(json.dumps({'event': 'spawned', 'id': ask['id'], "
    "'pid': 'x'}).encode() + b'\\n')",
    "an unknown signal": "sock.sendall(json.dumps({'event': 'exit', 'id': ask['id'], 'exitCode': 0, "
    "'signal': '<b>'}).encode() + b'\\n')",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_spawner_that_lies_is_ended(make_host: MakeHost, tmp_path: Path, flood: str) -> None:
    """It runs as the agent does, so whatever it says may be the agent's."""
    real = Path(BOOT).parent
    lying = tmp_path / "lying"
    lying.mkdir()
    (lying / "boot.py").write_text(
        "import sys, socket, json, time\n"
        "if sys.argv[1] != 'spawner':\n"
        f"    sys.path.insert(0, {str(real)!r}); sys.argv[0] = {BOOT!r}\n"
        f"    exec(compile(open({BOOT!r}).read(), {BOOT!r}, 'exec'))\n"
        "sock = socket.socket(fileno=int(sys.argv[2]))\n"
        "ask = json.loads(sock.makefile().readline())\n"
        f"{FLOODS[flood]}\n"
        "time.sleep(100)\n"
    )
    host = make_host(pythonDir=str(lying))
    client = host.client()
    with pytest.raises(Failed) as failure:
        client.start()
    assert failure.value.name == "kernel-start-failed"
    assert client.request("host/hello")["sandbox"] == "sb1"
    with open(f"/proc/{host.pid}/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 200_000


@pytest.mark.parametrize(
    "make", ["os.mkfifo(path)", "os.mkfifo(path); os.open(path, os.O_RDWR)", "os.symlink('/dev/null', path)"]
)
def test_a_log_that_is_no_plain_file_is_not_waited_for(tmp_path: Path, make: str) -> None:
    path = str(tmp_path / "log")
    exec(make, {"os": os, "path": path})
    code = f"from seer_spawner.main import _open_log\ntry: _open_log({path!r})\nexcept OSError: print('refused')"
    ran = subprocess.run([sys.executable, "-c", code], cwd=Path(BOOT).parent, capture_output=True, text=True, timeout=5)
    assert ran.stdout == "refused\n", ran.stderr

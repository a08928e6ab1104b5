"""The spawner's loop: JSON lines on one inherited socket.

In:  {op: prepare, limits, baits}
     {op: spawn, id, argv, env, cwd, log}   {op: signal, id, signal, group}   {op: kill, id}
     {op: run, id, argv, env, cwd}: with the descriptors of its stdin, stdout and stderr (SCM_RIGHTS)
Out: {event: prepared, found}
     {event: spawned, id, pid}   {event: failed, id, error}   {event: exit, id, exitCode, signal}

`kill` ends the process and everything it started. When the socket closes, everything is ended, and the spawner too.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import IO, Any

from . import confined, processes
from .layer import make_layer

MARK = "SEER_PROCESS"
STREAMS = 3
#: Linux passes at most so many at once.
MAX_DESCRIPTORS = 253


class Spawner:
    def __init__(self, sock: socket.socket, inherited: list[int]) -> None:
        self.sock = sock
        self.inherited = inherited
        self.received: deque[int] = deque()
        self.pids: dict[str, int] = {}
        self.warned: dict[str, dict[int, str]] = {}  # what a process had started when it was sent SIGTERM

    def tell(self, **event: Any) -> None:
        self.sock.sendall(json.dumps(event).encode() + b"\n")

    def spawn(self, id: str, argv: list[str], env: dict[str, str], cwd: str, log: str) -> None:
        try:
            with _open_log(log) as output:
                child = self._start(id, argv, env, cwd, subprocess.DEVNULL, output, output)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.tell(event="failed", id=id, error=str(error))
            return
        self.tell(event="spawned", id=id, pid=child)

    def run(self, id: str, argv: list[str], env: dict[str, str], cwd: str) -> None:
        # They came with this line or before it, in order: each line of this kind takes its own.
        streams = [self.received.popleft() for _ in range(min(STREAMS, len(self.received)))]
        try:
            if len(streams) < STREAMS:
                raise OSError("its streams did not arrive")
            child = self._start(id, argv, env, cwd, *streams)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.tell(event="failed", id=id, error=_why(error, cwd, argv[0]))
            return
        finally:
            for fd in streams:
                os.close(fd)
        self.tell(event="spawned", id=id, pid=child)

    def _start(
        self,
        id: str,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        stdin: int,
        stdout: IO[bytes] | int,
        stderr: IO[bytes] | int,
    ) -> int:
        if "PIP_PYTHON" in env:
            make_layer(Path(env["PIP_PYTHON"]))
        me = os.getpid()
        child = subprocess.Popen(
            argv,
            env={**env, MARK: id},
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=lambda: processes.die_with_parent(me),  # safe: this process has one thread
        )
        child.returncode = 0  # reaped by us, by pid: Popen must not wait for it
        self.pids[id] = child.pid
        try:
            with open(f"/proc/{child.pid}/oom_score_adj", "w") as file:
                file.write("500")  # out of memory takes a kernel before the host
        except OSError:
            pass
        return child.pid

    def signal(self, id: str, signal_name: str, group: bool) -> None:
        pid = self.pids.get(id)
        if pid is None:
            return
        number = signal.Signals[signal_name]
        if number == signal.SIGTERM:
            # Once it has ended, its children are nobody's: one without our mark could not be found any more.
            self.warned[id] = processes.start_times(processes.descendants(pid))
        try:
            if group:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        except ProcessLookupError:
            pass

    def kill(self, id: str) -> None:
        # A pid that was reaped may be another's by now; orphans of its process are still found by their mark.
        processes.kill_tree(self.pids.get(id), f"{MARK}={id}", self.warned.pop(id, {}))

    def prepare(self, limits: dict[str, int | None], baits: dict[str, Any]) -> None:
        """Behind a wall, before anything is spawned."""
        self.tell(event="prepared", found=confined.prepare(limits, {**baits, "descriptors": self.inherited}))

    def handle(self, line: bytes) -> None:
        message = json.loads(line)
        op = message.pop("op")
        if op == "spawn":
            self.spawn(**message)
        elif op == "run":
            self.run(**message)
        elif op == "signal":
            self.signal(message["id"], message["signal"], message["group"])
        elif op == "kill":
            self.kill(message["id"])
        elif op == "prepare":
            self.prepare(**message)

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for id, known in list(self.pids.items()):
                if known == pid:
                    del self.pids[id]
                    code = os.waitstatus_to_exitcode(status)
                    name = signal.Signals(-code).name if code < 0 and -code in set(signal.Signals) else None
                    self.tell(event="exit", id=id, exitCode=code if code >= 0 else None, signal=name)

    def _receive(self) -> bytes:
        """Also takes the descriptors that come with the bytes; none of them is ever inherited by accident."""
        cloexec = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        chunk, descriptors, _, _ = socket.recv_fds(self.sock, 65536, MAX_DESCRIPTORS, cloexec)
        for fd in descriptors:
            os.set_inheritable(fd, False)
        self.received.extend(descriptors)
        return chunk

    def serve(self) -> None:
        wake_out, wake_in = socket.socketpair()
        for end in (wake_out, wake_in):
            end.setblocking(False)
        signal.set_wakeup_fd(wake_in.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        selector = selectors.DefaultSelector()
        selector.register(self.sock, selectors.EVENT_READ, "host")
        selector.register(wake_out, selectors.EVENT_READ, "child")
        buffer = b""
        while True:
            for key, _ in selector.select(timeout=5):
                if key.data == "child":
                    wake_out.recv(4096)
                    continue
                chunk = self._receive()
                if not chunk:
                    return
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    self.handle(line)
            self.reap()


def _open_log(path: str) -> IO[bytes]:
    """The agent's code may have put something else there: a pipe, for one, could be waited for without end."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags, 0o600), "ab", buffering=0)
    if path != os.devnull and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("its log is not a plain file")
    return file


def _why(error: Exception, cwd: str, program: str) -> str:
    """In words that tell a missing folder from a missing program."""
    if isinstance(error, OSError) and error.strerror is not None:
        about = f"the folder {cwd}" if error.filename == cwd else f"the program {program[:200]}"
        return f"{about}: {error.strerror}"
    return str(error)


def main(argv: list[str]) -> int:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # Its end is the end of its socket. A handler and not SIG_IGN, which its children would inherit.
        signal.signal(number, lambda *_: None)
    link = int(argv[0])
    inherited = confined.inherited_descriptors({0, 1, 2, link}) if processes.LINUX else []
    processes.become_subreaper()
    spawner = Spawner(socket.socket(fileno=link), inherited)
    spawner.sock.set_inheritable(False)
    try:
        spawner.serve()
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"seer spawner: {error!r}", file=sys.stderr)
    finally:
        signal.set_wakeup_fd(-1)
        processes.kill_descendants(os.getpid())
    return 0

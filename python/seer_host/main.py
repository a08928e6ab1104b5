"""Starts a host: reads its configuration from stdin, detaches, and says on stdout when it listens."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback

from seer_spawner import processes

from .config import ConfigError, HostConfig, parse_config


def _detach_stdio(config: HostConfig) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    log_file = os.open(config.state_dir / "host.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(log_file, 2)
    for fd in (nothing, log_file):
        os.close(fd)


def _give_up() -> None:
    processes.kill_descendants(os.getpid())
    os._exit(1)


def _serve(config: HostConfig, tell: int, starter: int) -> None:
    """The detached process. What is written to `tell` is printed by the starting one; `tell` closes when it listens."""
    # Whoever gives up on it before it has said that it is ready kills the starting process, and knows of no other.
    signal.signal(signal.SIGTERM, lambda *_: _give_up())
    processes.die_with_parent(starter, signal.SIGTERM)
    os.setsid()
    os.chdir("/")
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    from .errors import RpcError
    from .spawner_process import SpawnError

    try:
        from .host import Host

        host = Host(config)
        _detach_stdio(config)
        host.kernels.build_wall()
    except (ConfigError, OSError, ImportError, SpawnError, RpcError) as error:
        os.write(tell, json.dumps({"error": str(error), "code": getattr(error, "code", None)}).encode())
        os._exit(1)
    processes.outlive_parent()
    try:
        os.write(tell, json.dumps({"ready": True, "pid": host.pid, "startTime": host.start_time}).encode())
    except OSError:  # nobody waits for it any more
        _give_up()
    os.close(tell)
    ask_end = threading.Thread(target=host.end, args=("SIGTERM",), daemon=True)
    signal.signal(signal.SIGTERM, lambda *_: None if ask_end.ident else ask_end.start())
    try:
        host.run()
    except BaseException:  # noqa: BLE001 - the log is the only place that can hear of it
        traceback.print_exc()
    os._exit(0)


def main(argv: list[str]) -> int:
    try:
        config = parse_config(sys.stdin.buffer.readline())
    except ConfigError as error:
        print(f"seer host: {error}", file=sys.stderr)
        return 2
    listen, tell = os.pipe()
    starter = os.getpid()
    if os.fork() == 0:
        os.close(listen)
        _serve(config, tell, starter)
        os._exit(1)
    os.close(tell)
    with os.fdopen(listen, "rb") as answers:
        answer = json.loads(answers.read() or b'{"error": "the host ended at its start"}')
    if "error" in answer:
        if isinstance(answer.get("code"), str):
            print(json.dumps(answer), flush=True)  # one that Seer knows by its code
        print(f"seer host: {answer['error']}", file=sys.stderr)
        return 1
    print(json.dumps(answer), flush=True)
    return 0

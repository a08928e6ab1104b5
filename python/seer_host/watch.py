"""Watches what nothing else holds a sandbox to: memory of all its processes together, and disk."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .log import log
from .wall_outside import processes_behind
from .wall_plan import Limits

TICK_SECONDS = 1.0
DISK_SECONDS = 5.0
#: Of the watcher's own time, at most one part in this many goes into counting files.
DISK_SHARE = 20
#: After it has been stopped for its disk, a sandbox may run again to make room; more than this again is too much.
DISK_STEP = 0.05


def memory_of(status: dict[str, str]) -> int:
    """Bytes that would be free without this process: not the files that it has mapped."""
    return sum(int(status.get(name, "0 kB").split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))


def disk_use(folder: Path) -> int:
    """Without following links. What cannot be read takes no room that could be counted."""
    total = 0
    left = [os.fspath(folder)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
        except OSError:
            continue
    return total


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def over_memory(bound: int) -> str:
    return f"the sandbox took more than its {gigabytes(bound)} of memory"


class Watch:
    """`monitor` is bubblewrap's pid, while there is one; `stop` ends all kernels; `say_why` is told before."""

    def __init__(
        self,
        limits: Limits,
        folders: list[Path],
        monitor: Callable[[], int | None],
        stop: Callable[[], None],
        say_why: Callable[[str], None],
    ) -> None:
        self.limits = limits
        self.folders = folders
        self.monitor = monitor
        self.stop = stop
        self.say_why = say_why
        self.disk_bound = limits.disk_bytes
        self.next_disk = 0.0

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            try:
                self.step()
            except OSError as error:
                log(f"watch: {error!r}")

    def step(self) -> None:
        monitor = self.monitor()
        if monitor is None:
            return
        if self.limits.watch_memory and self.limits.memory_bytes is not None:
            self._memory(monitor, self.limits.memory_bytes)
        if self.disk_bound is not None and time.monotonic() >= self.next_disk:
            self._disk(self.disk_bound)

    def _memory(self, monitor: int, bound: int) -> None:
        taken = {pid: memory_of(status) for pid, status in processes_behind(monitor).items()}
        if sum(taken.values()) <= bound or not taken:
            return
        largest = max(taken, key=lambda pid: taken[pid])
        self.say_why(over_memory(bound))
        log(f"memory: {sum(taken.values())} bytes; ending process {largest} with {taken[largest]}")
        kill_behind(monitor, largest)

    def _disk(self, bound: int) -> None:
        started = time.monotonic()
        used = sum(disk_use(folder) for folder in self.folders)
        took = time.monotonic() - started
        self.next_disk = time.monotonic() + max(DISK_SECONDS, DISK_SHARE * took)
        limit = self.limits.disk_bytes or bound
        if used <= bound:
            if used <= limit:
                self.disk_bound = limit
            return
        self.disk_bound = used + int(limit * DISK_STEP)
        self.say_why(f"the files of the sandbox took {gigabytes(used)}, more than its {gigabytes(limit)} of disk")
        log(f"disk: {used} bytes")
        self.stop()


def kill_behind(monitor: int, pid: int) -> None:
    """Held by a descriptor, so that it cannot be another process by the time of the kill."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if pid in processes_behind(monitor):
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    except OSError:
        pass
    finally:
        os.close(fd)

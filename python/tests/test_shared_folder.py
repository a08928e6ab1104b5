"""The folder that host and kernels share: names in it are the agent's to change."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from seer_host.shared_folder import hold, read_end, write_for


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x" * 100 + "end")
    assert read_end(tmp_path / "log", 5) == b"xxend"
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing", "."):
        assert read_end(tmp_path / name, 100) == b"", name
    assert (tmp_path / "link").read_bytes() == b"secret", "the control: a plain read follows it"


def test_a_file_is_new_and_private(tmp_path: Path) -> None:
    write_for(None, tmp_path / "a.json", {"key": 1})
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o600
    (tmp_path / "b.json").symlink_to(tmp_path / "target")
    for name in ("a.json", "b.json"):
        with pytest.raises(FileExistsError):
            write_for(None, tmp_path / name, {})
    assert not (tmp_path / "target").exists()


class Listener:
    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(str(path))
        self.sock.listen(4)
        self.taken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            self.sock.accept()
            self.taken += 1


def connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(path)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no descriptors as paths here")
def test_a_socket_is_held_whatever_becomes_of_its_name(tmp_path: Path) -> None:
    Listener(tmp_path / "kernel")
    victim = Listener(tmp_path / "victim")
    held = hold(str(tmp_path / "kernel"))
    assert held is not None
    (tmp_path / "kernel").unlink()
    (tmp_path / "kernel").symlink_to(tmp_path / "victim")
    connect(held.path)
    assert victim.taken == 0
    assert hold(str(tmp_path / "kernel")) is None, "a link is no socket"
    connect(str(tmp_path / "kernel"))
    for _ in range(100):
        if victim.taken:
            break
        threading.Event().wait(0.02)
    assert victim.taken == 1, "the control: by its name it is another's"
    held.close()


def test_nothing_is_held_that_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert hold(str(tmp_path / "file")) is None or os.name != "posix"
    assert hold(str(tmp_path / "missing")) is None

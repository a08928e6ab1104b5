"""The place for the agent's own packages, made in the face of what the agent's code may have put there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from seer_spawner.layer import layer_folders, make_layer


def says(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def test_it_sees_the_environment_and_its_own_packages_first(tmp_path: Path) -> None:
    python = tmp_path / "a folder's" / "bin" / "python"
    make_layer(python)
    (layer_folders(python.parent.parent)[0] / "nbformat.py").write_text("MINE = True")
    assert says(python, "import sys; print(sys.prefix)") == str(python.parent.parent)
    assert says(python, "import nbformat, zmq, sys; print(nbformat.MINE, zmq.__file__)").startswith("True /")


def test_what_is_there_is_kept_and_what_is_not_is_mended(tmp_path: Path) -> None:
    python = tmp_path / "layer" / "bin" / "python"
    make_layer(python)
    config = python.parent.parent / "pyvenv.cfg"
    times = [os.stat(path).st_mtime_ns for path in (config, python.parent / "pip")]
    make_layer(python)
    assert [os.stat(path).st_mtime_ns for path in (config, python.parent / "pip")] == times
    config.write_text("home = /nowhere")
    python.unlink()
    python.symlink_to("/nowhere")
    make_layer(python)
    assert says(python, "import sys; print(sys.prefix)") == str(tmp_path / "layer")


def test_nothing_there_makes_it_wait_or_write_elsewhere(tmp_path: Path) -> None:
    python = tmp_path / "layer" / "bin" / "python"
    outside = tmp_path / "outside"
    outside.write_text("kept")
    python.parent.mkdir(parents=True)
    os.mkfifo(tmp_path / "layer" / "pyvenv.cfg")
    (python.parent / "pip").symlink_to(outside)
    (python.parent / "pip.part").symlink_to(outside)
    make_layer(python)
    assert outside.read_text() == "kept"
    assert says(python, "import sys; print(sys.prefix)") == str(tmp_path / "layer")


def test_where_it_cannot_be_made_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "layer").write_text("a file")
    make_layer(tmp_path / "layer" / "bin" / "python")
    assert "no place for the agent's packages" in capsys.readouterr().err

"""What is kept of what a process prints: text without secrets, whole characters, a beginning without holes."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_disk import small_disk

from seer_host.process_text import KeptText
from seer_host.redact import Redactor

__all__ = ["small_disk"]

SECRET = "canary-4711-canary"
REDACTOR = Redactor([("KEY", [SECRET, "schlüssel"])])


def kept(pieces: list[bytes], max_bytes: int = 1 << 20, redactor: Redactor | None = REDACTOR) -> tuple[bytes, int]:
    with tempfile.TemporaryDirectory() as folder:
        text = KeptText(Path(folder) / "text", max_bytes, redactor)
        for piece in pieces:
            text.take(piece)
        text.end()
        return text.read(0, text.bytes), text.lost


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


words = st.sampled_from(["a", "é", "💡", "\n", SECRET, SECRET[:7], "schlüssel", "schl", "canary", "-"])
garbage = st.binary(max_size=40)


@given(st.lists(st.one_of(words.map(str.encode), garbage), max_size=12), st.lists(st.integers(0, 500), max_size=12))
def test_in_whatever_pieces_it_comes(parts: list[bytes], places: list[int]) -> None:
    data = b"".join(parts)
    assert kept(cut(data, places)) == (REDACTOR.text(data.decode("utf-8", "replace")).encode(), 0)


@given(st.lists(words, max_size=12), st.lists(st.integers(0, 500), max_size=12), st.integers(1, 60))
def test_what_does_not_fit_is_counted(parts: list[str], places: list[int], max_bytes: int) -> None:
    data = "".join(parts).encode()
    beginning, lost = kept(cut(data, places), max_bytes, redactor=None)
    assert data.startswith(beginning)
    beginning.decode()
    assert len(beginning) + lost == len(data)
    assert max_bytes - 3 <= len(beginning) <= max_bytes or lost == 0


def test_no_part_of_a_secret_is_kept_where_the_room_ends() -> None:
    for max_bytes in range(1, 60):
        text = b"x" * 20 + SECRET.encode() + b" and more"
        beginning, lost = kept([text[:30], text[30:]], max_bytes)
        assert b"canary" not in beginning
        assert len(beginning) <= max_bytes
        assert (lost > 0) == (max_bytes < 20 + len("[secret KEY]") + 9)


def test_a_full_disk_is_counted(small_disk: Path) -> None:
    text = KeptText(small_disk / "text", 1 << 30, None)
    for _ in range(100):
        text.take(b"x" * 100_000)
    text.end()
    assert 0 < text.bytes < 5_000_000
    assert text.bytes + text.lost == 10_000_000
    assert text.read(0, text.bytes) == b"x" * text.bytes


def test_a_file_that_is_in_the_way_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("of another")
    text = KeptText(tmp_path / "text", 100, None)
    text.take(b"new")
    text.end()
    assert (text.bytes, text.lost) == (0, 3)
    assert (tmp_path / "text").read_text() == "of another"


@pytest.mark.parametrize("max_bytes", [1, 2, 3, 4])
def test_a_character_is_kept_whole_or_not_at_all(max_bytes: int) -> None:
    assert kept(["💡💡".encode()], max_bytes) == ("💡".encode() if max_bytes == 4 else b"", 4 if max_bytes == 4 else 8)

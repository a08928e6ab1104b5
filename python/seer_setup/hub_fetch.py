"""Fetch a model's files into the Hugging Face hub's own cache, with the hub's own library.

    python hub_fetch.py --repo ORG/NAME --commit SHA --revision REVISION --cache FOLDER --files '[{"path", "size"}, …]'

One file after the other; those that are there are not fetched again. Large files are checked against the sha256 that
the hub knows them by. Lines on stdout are JSON: `{"bytes": n}` while it goes on, `{"error": {"kind", "text"}}` where it
cannot.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import re
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

PROGRESS_S = 1.0
_SHA256 = re.compile(r"[0-9a-f]{64}")


class FetchError(Exception):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def repo_folder(cache: Path, repo: str) -> Path:
    return cache / f"models--{repo.replace('/', '--')}"


def size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def check_content(path: Path) -> None:
    """A file that the cache keeps under its sha256 must have it. One that has not is taken away."""
    blob = path.resolve()
    if not _SHA256.fullmatch(blob.name):
        return
    digest = hashlib.sha256()
    with blob.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != blob.name:
        path.unlink()
        blob.unlink()
        raise FetchError("content", f"{path.name} came with other content than the hub announced")


@contextlib.contextmanager
def progress(folder: Path, snapshot: Path, files: list[dict[str, Any]]) -> Iterator[None]:
    """Tells what has come, by what lies there: that is true for every way in which the library fetches."""
    total = sum(int(file["size"]) for file in files)
    over = threading.Event()
    old = set((folder / "blobs").glob("*.incomplete"))

    def tell() -> None:
        while not over.wait(PROGRESS_S):
            parts = [path for path in (folder / "blobs").glob("*.incomplete") if path not in old]
            sizes = [size_of(snapshot / file["path"]) or 0 for file in files] + [size_of(path) or 0 for path in parts]
            print(json.dumps({"bytes": min(total, sum(sizes))}), flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def write_ref(folder: Path, revision: str, commit: str) -> None:
    """What a branch stood for, where the hub's library looks for it when there is no network."""
    if revision == commit:
        return
    ref = folder / "refs" / revision
    ref.parent.mkdir(parents=True, exist_ok=True)
    aside = ref.with_name(f".{ref.name}.{uuid.uuid4().hex[:8]}")
    aside.write_text(commit, encoding="utf-8")
    aside.replace(ref)


def fetch(repo: str, commit: str, revision: str, cache: Path, files: list[dict[str, Any]]) -> None:
    from huggingface_hub import hf_hub_download

    folder = repo_folder(cache, repo)
    snapshot = folder / "snapshots" / commit
    with progress(folder, snapshot, files):
        for file in files:
            path = snapshot / file["path"]
            if size_of(path) == file["size"]:
                continue
            hf_hub_download(
                repo, file["path"], revision=commit, cache_dir=cache, force_download=size_of(path) is not None
            )
            if size_of(path) != file["size"]:
                raise FetchError("content", f"{file['path']} has {size_of(path)} bytes, the hub says {file['size']}")
            check_content(path)
    write_ref(folder, revision, commit)


def describe(error: BaseException) -> tuple[str, str]:
    """What kind of failure it is, and its words without the token."""
    from huggingface_hub import errors, get_token

    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    text = first_line.replace(get_token() or "\0", "***")
    if isinstance(error, FetchError):
        return error.kind, text
    for link in chain:
        if isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT):
            return "disk", text
        if isinstance(link, OSError) and link.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            return "unwritable", text
    if isinstance(error, errors.GatedRepoError):
        return "gated", text
    if isinstance(error, (errors.RepositoryNotFoundError, errors.RevisionNotFoundError)):
        return "missing", text
    return "network", text


def main() -> int:
    parser = argparse.ArgumentParser(description="fetch a model's files into the hub's cache")
    for name in ("--repo", "--commit", "--revision", "--files"):
        parser.add_argument(name, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    # As an exception, so that the library takes its half-written file away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        fetch(options.repo, options.commit, options.revision, options.cache, json.loads(options.files))
    except Exception as error:  # noqa: BLE001
        kind, text = describe(error)
        print(json.dumps({"error": {"kind": kind, "text": text}}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

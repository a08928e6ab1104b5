"""`seer.save`: a value as a file. Tensors → safetensors, frames → parquet, figures → PNG, bytes as is, else JSON."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .plain import to_plain

MIME = "application/vnd.seer.save+json"
FOLDER = ".seer-saved"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")

#: Writes the value to a path, and returns what is known of it.
Writer = Callable[[Path], dict[str, Any]]


def _is(value: Any, module: str, name: str) -> bool:
    """Whether it is an instance of a class, without importing the module: if it is, the module is loaded."""
    return any(kind.__module__.split(".")[0] == module and kind.__name__ == name for kind in type(value).__mro__)


def _tensors(tensors: dict[str, Any], described: dict[str, Any]) -> Writer:
    def write(path: Path) -> dict[str, Any]:
        from safetensors.torch import save_file

        # Copies: safetensors refuses tensors that share memory, which views and tied weights do.
        save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, path)
        return described

    return write


def _shape(tensor: Any) -> dict[str, Any]:
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}


def _frame(frame: Any) -> Writer:
    def write(path: Path) -> dict[str, Any]:
        frame.to_parquet(path)
        return {"shape": list(frame.shape)}

    return write


def _figure(figure: Any) -> Writer:
    def write(path: Path) -> dict[str, Any]:
        figure.savefig(path, format="png", bbox_inches="tight")
        return {}

    return write


def _bytes(data: bytes) -> Writer:
    def write(path: Path) -> dict[str, Any]:
        path.write_bytes(data)
        return {}

    return write


def _json(value: Any) -> Writer:
    non_finite: list[str] = []
    plain = to_plain(value, "", non_finite)

    def write(path: Path) -> dict[str, Any]:
        path.write_text(json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        return {"nonFinite": non_finite} if non_finite else {}

    return write


def _choose(value: Any) -> tuple[str, str, Writer]:
    """Kind, ending, and how it is written."""
    if _is(value, "torch", "Tensor"):
        return "tensor", "safetensors", _tensors({"tensor": value}, _shape(value))
    if isinstance(value, dict) and value and all(_is(item, "torch", "Tensor") for item in value.values()):
        return "tensors", "safetensors", _tensors({str(key): item for key, item in value.items()}, {})
    if _is(value, "pandas", "DataFrame"):
        return "table", "parquet", _frame(value)
    if _is(value, "matplotlib", "Figure"):
        return "figure", "png", _figure(value)
    if isinstance(value, (bytes, bytearray)):
        return "bytes", "bin", _bytes(bytes(value))
    return "json", "json", _json(value)


def save(name: str, value: Any, workspace: Path) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name for a file: letters, digits, '.', '_' and '-', no dot first")
    from IPython.display import publish_display_data

    kind, ending, write = _choose(value)
    # Bytes under a name with an ending keep it: the agent knows what they are.
    file = name if name.endswith(f".{ending}") or (kind == "bytes" and "." in name) else f"{name}.{ending}"
    if file.lower().endswith((".jsonl", ".part")):
        raise ValueError(f"{file!r} is a name that Seer uses itself: tables end in .jsonl, unfinished files in .part")
    folder = workspace / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{file}.part"
    try:
        facts = write(part)
        with open(part, "rb") as saved:
            digest = hashlib.sha256()
            while chunk := saved.read(1 << 20):
                digest.update(chunk)
        size = part.stat().st_size
        os.replace(part, folder / file)
    finally:
        part.unlink(missing_ok=True)
    told = {
        "name": name,
        "file": file,
        "kind": kind,
        "sha256": digest.hexdigest(),
        "bytes": size,
        **facts,
    }
    publish_display_data({MIME: told, "text/plain": f"saved {name}: {kind}, {size} bytes"})

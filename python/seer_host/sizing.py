"""Keeps records small: a value that is too large to stand inline becomes a blob, with its first and last characters."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from .blobs import Blobs
from .journal import MAX_LINE_BYTES
from .text import deeper_than, encode_json, encode_text

INLINE_VALUE_BYTES = 64 * 1024
INLINE_CELL_BYTES = 1024 * 1024
SMALL_VALUE_BYTES = 4 * 1024
FIELD_BYTES = 16 * 1024
STREAM_PIECE_CHARS = 1024 * 1024  # at most four bytes each: a blob of text is never over 4 MiB
EDGE_CHARS = 2048
MAX_ENAME_CHARS = 1024
MAX_DEPTH = 64
ENVELOPE_BYTES = 2 * 1024


class Unfit(Exception):
    """The output cannot be made to fit a record."""


class CellSpace:
    """What one cell has used."""

    def __init__(self) -> None:
        self.inline_bytes = 0
        self.disk_bytes = 0


def is_binary(mime: str) -> bool:
    """Mime types whose values are base64 text in a notebook."""
    if mime in ("application/pdf", "application/octet-stream"):
        return True
    return mime.startswith(("image/", "audio/", "video/")) and mime != "image/svg+xml"


class Sizer:
    def __init__(self, blobs: Blobs, space: CellSpace) -> None:
        self.blobs = blobs
        self.space = space

    def _blob(self, value: Any, mime: str = "text/plain") -> dict[str, Any]:
        if not isinstance(value, str):
            data, encoding = encode_json(value), "json"
        else:
            data, encoding = encode_text(value), "text"
            if is_binary(mime):
                try:
                    data, encoding = base64.b64decode("".join(value.split()), validate=True), "base64"
                except (binascii.Error, ValueError):
                    pass  # not what its mime type says: kept as the text that it is
        sha256, disk_bytes = self.blobs.put(data)
        self.space.disk_bytes += disk_bytes
        ref: dict[str, Any] = {"blob": sha256, "bytes": len(data), "encoding": encoding}
        if encoding != "base64":
            ref["head"] = data[: 4 * EDGE_CHARS].decode("utf-8", "ignore")[:EDGE_CHARS]
            ref["tail"] = data[-4 * EDGE_CHARS :].decode("utf-8", "ignore")[-EDGE_CHARS:]
        return ref

    def value(self, value: Any, mime: str = "text/plain", limit: int | None = None, text: str | None = None) -> Any:
        """The value itself, or the blob that stands for it: of `text`, where people read it as that."""
        size = len(encode_json(value))
        if limit is None:
            limit = INLINE_VALUE_BYTES if self.space.inline_bytes < INLINE_CELL_BYTES else SMALL_VALUE_BYTES - 1
        # JSON that looks like a reference to a blob must not be taken for one.
        disguised = isinstance(value, dict) and "blob" in value and "encoding" in value
        if size > limit or disguised or (not isinstance(value, str) and deeper_than(value, MAX_DEPTH)):
            return self._blob(value if text is None else text, mime)
        self.space.inline_bytes += size
        return value

    def fit(self, output: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The output as one or, for a long stream text, several that fit a record."""
        kind = output["output_type"]
        if kind == "stream":
            text = output["text"]
            for start in range(0, max(len(text), 1), STREAM_PIECE_CHARS):
                yield {**output, "text": self.value(text[start : start + STREAM_PIECE_CHARS])}
            return
        if kind == "error":
            output = {
                **output,
                "ename": output["ename"][:MAX_ENAME_CHARS],
                "evalue": self.value(output["evalue"]),
                "traceback": self.value(output["traceback"], text="\n".join(output["traceback"])),
            }
        elif kind != "clear_output":
            metadata = output["metadata"]
            size = len(encode_json(metadata))
            if size > SMALL_VALUE_BYTES * 4 or deeper_than(metadata, MAX_DEPTH):
                metadata = {"seer": {"trimmedBytes": size}}
            data = {mime: self.value(value, mime) for mime, value in output["data"].items()}
            output = {**output, "metadata": metadata, "data": self._together(data)}
        if len(encode_json(output)) > MAX_LINE_BYTES - ENVELOPE_BYTES:
            raise Unfit
        yield output

    def widget(self, state: dict[str, Any], buffers: dict[tuple[str | int, ...], bytes]) -> dict[str, Any]:
        """The state of a widget, field by field, and its bytes by where in it they are."""
        fields = {name: self.value(value, limit=FIELD_BYTES) for name, value in state.items()}
        fitted = {
            "state": self._together(fields),
            "buffers": [{"path": list(path), "data": self._bytes(data)} for path, data in buffers.items()],
        }
        if len(encode_json(fitted)) > MAX_LINE_BYTES - ENVELOPE_BYTES:
            raise Unfit
        return fitted

    def _bytes(self, data: bytes) -> dict[str, Any]:
        sha256, disk_bytes = self.blobs.put(data)
        self.space.disk_bytes += disk_bytes
        return {"blob": sha256, "bytes": len(data), "encoding": "base64"}

    def _together(self, data: dict[str, Any]) -> dict[str, Any]:
        """Values that fit alone may be too many together: then the larger ones become blobs, without edges."""
        if len(encode_json(data)) <= MAX_LINE_BYTES - 5 * SMALL_VALUE_BYTES:
            return data
        small = {}
        for mime, value in data.items():
            is_ref = isinstance(value, dict) and "blob" in value and "encoding" in value
            ref = value if is_ref else self.value(value, mime, limit=512)
            if isinstance(ref, dict) and "blob" in ref and "encoding" in ref:
                ref = {key: ref[key] for key in ("blob", "bytes", "encoding")}
            small[mime] = ref
        return small

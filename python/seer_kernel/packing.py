"""How the kernel's messages become bytes: never failing over text that UTF-8 cannot hold, never with a huge error."""

from __future__ import annotations

from typing import Any

from jupyter_client.session import Session, json_packer

MAX_ERROR_CHARS = 1024 * 1024


def pack(value: Any) -> bytes:
    try:
        return bytes(json_packer(value))
    except UnicodeEncodeError:
        return bytes(json_packer(_without_surrogates(value)))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return value


def _cut(text: Any) -> Any:
    if isinstance(text, str) and len(text) > MAX_ERROR_CHARS:
        half = MAX_ERROR_CHARS // 2
        return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"
    return text


class SeerSession(Session):  # type: ignore[misc]
    """An error goes out twice, on iopub and with the reply; both must arrive."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pack = pack

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kwargs: Any) -> Any:
        body = msg_or_type.get("content") if isinstance(msg_or_type, dict) else content
        if isinstance(body, dict) and "traceback" in body:
            body["evalue"] = _cut(body.get("evalue"))
            lines = body["traceback"]
            if isinstance(lines, list) and sum(map(len, lines)) > 2 * MAX_ERROR_CHARS:
                body["traceback"] = [_cut("\n".join(lines))]
        return super().send(stream, msg_or_type, content, *args, **kwargs)

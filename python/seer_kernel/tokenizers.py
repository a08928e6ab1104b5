"""Tokenizers from folders of this machine: a model's, or an adapter's own."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt")


def load_tokenizer(path: str, name: str, base_path: str | None = None) -> Any:
    """Of an adapter (one with a `base_path`): its own tokenizer where it brings one, else the base's, with the
    adapter's chat template where it has one. It shows `name`, and no folder of this machine."""
    from transformers import AutoTokenizer

    has_own = base_path is None or any((Path(path) / file).is_file() for file in _FILES)
    tokenizer = AutoTokenizer.from_pretrained(path if has_own else base_path, local_files_only=True)
    if not has_own and (template := _chat_template(Path(path))):
        tokenizer.chat_template = template
    tokenizer.padding_side = "left"  # so that the last position of every row of a batch is its last token
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.name_or_path = name
    tokenizer.init_kwargs.pop("name_or_path", None)
    return tokenizer


def _chat_template(folder: Path) -> str | None:
    with contextlib.suppress(OSError):
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        template = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["chat_template"]
        return template if isinstance(template, str) else None
    return None

"""Signatures as they are described to whoever calls, and made again on the other side."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from .strict_json import json_bytes
from .values import decode

KINDS = {
    "positional": inspect.Parameter.POSITIONAL_ONLY,
    "both": inspect.Parameter.POSITIONAL_OR_KEYWORD,
    "keyword": inspect.Parameter.KEYWORD_ONLY,
}


class Written(str):
    """A part of a signature by its text. Its types may be ones that this Python does not have."""

    def __repr__(self) -> str:
        return str(self)


def signature_of(entry: dict[str, Any]) -> inspect.Signature:
    """Of a function's description."""
    [written] = ast.parse(f"def f{entry['signature']}: ...").body
    assert isinstance(written, ast.FunctionDef)
    arguments = [*written.args.posonlyargs, *written.args.args, *written.args.kwonlyargs]
    annotations = {argument.arg: _annotation(argument.annotation) for argument in arguments}
    parameters = [
        inspect.Parameter(
            one["name"],
            KINDS[one["kind"]],
            default=inspect.Parameter.empty if one["required"] else decode(json_bytes(one["default"]), []),
            annotation=annotations[one["name"]],
        )
        for one in entry["parameters"]
    ]
    return inspect.Signature(parameters, return_annotation=_annotation(written.returns))


def _annotation(node: ast.expr | None) -> Any:
    return inspect.Parameter.empty if node is None else Written(ast.unparse(node))

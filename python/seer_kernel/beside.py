"""Code that runs beside a cell, in a second thread, and shares with it nothing but its variables.

IPython has one of many things that a cell uses while it runs: the hook that shows its last value, the events after
which figures are drawn and closed, the code that was run last. A second run of it in between would take them away from
the cell. So this is plain Python: no magics, no figures, no history.
"""

from __future__ import annotations

import ast
import linecache
import sys
import traceback
from typing import Any

from IPython.lib.pretty import pretty

FILE = "<peek>"


def run_beside(code: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Runs code in a namespace and prints its last value. Returns what Jupyter calls an execute_reply."""
    linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
    try:
        tree = ast.parse(code, FILE)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, FILE, "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), FILE, "eval"), namespace)
            if value is not None:
                print(pretty(value))
    except BaseException as error:  # noqa: BLE001 - also what would end a thread
        # What is no Python has no frames but those of the parser.
        unparsed = isinstance(error, SyntaxError) and error.filename == FILE
        below = error.__traceback__.tb_next if error.__traceback__ and not unparsed else None
        print("".join(traceback.format_exception(type(error), error, below)), end="", file=sys.stderr)
        return {"status": "error", "ename": type(error).__name__, "evalue": "", "traceback": []}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return {"status": "ok", "user_expressions": {}, "payload": []}

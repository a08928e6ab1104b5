"""Stands in for `boot.py` in a copy of the checkout: notes the calls that Seer's own Python makes and gets, then boots as usual.

A line is `[time, file, function, labels]`. Labels tell the calls of one function apart: what kind of message it was given, or
the name of what it calls. `time.monotonic_ns` is the same clock as Node's `process.hrtime`.
"""

import json
import os
import re
import runpy
import sys
import threading
import time
from pathlib import Path

HERE = str(Path(__file__).resolve().parent)
MESSAGE_TYPE = re.compile(rb'"msg_type": ?"(\w+)"')
trace = os.open(os.path.join(HERE, "trace.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def label_of(value):
    if isinstance(value, str) and len(value) < 100:
        return value
    if isinstance(value, dict):
        return value.get("kind") or value.get("op") or value.get("msg_type")
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        match = MESSAGE_TYPE.search(b"".join(value))
        return match and match[1].decode()
    kind = getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


def note(frame, labels):
    code = frame.f_code
    owner = frame.f_locals.get("self")
    name = code.co_name if owner is None else f"{type(owner).__name__}.{code.co_name}"
    file = os.path.relpath(code.co_filename, os.path.dirname(HERE))
    line = json.dumps([str(time.monotonic_ns()), file, name, [label for label in labels if label]])
    os.write(trace, line.encode() + b"\n")


def on_event(frame, event, called):
    ours = frame.f_code.co_filename.startswith(HERE)
    if event == "c_call" and ours and frame.f_code.co_filename != __file__:
        note(frame, [called.__name__])
    elif event == "call" and ours:
        code = frame.f_code
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        note(frame, [label_of(frame.f_locals[name]) for name in arguments if name in frame.f_locals and name != "self"])
    elif event == "call" and frame.f_back is not None and frame.f_back.f_code.co_filename.startswith(HERE):
        note(frame.f_back, [frame.f_code.co_name])


threading.setprofile(on_event)
sys.setprofile(on_event)
runpy.run_path(os.path.join(HERE, "real_boot.py"), run_name="__main__")

"""Loads the interface file, tells Seer what it offers, and makes calls until Seer closes the stream."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from seer_client.frames import FrameError
from seer_client.strict_json import json_bytes
from seer_kernel.compute import describe as describe_compute
from seer_kernel.layer import see_layer
from seer_kernel.seeding import seed_everything

from .call import failed
from .calls import Calls
from .interrupting import InMainThread
from .load import load
from .offer import InvalidInterface, Offer
from .places import Places
from .tracebacks import MAX_MESSAGE_CHARS, clean, described
from .wire import Wire, take_stdin

#: For what runs when the stream is closed; also for threads of the file that go on at the end.
GRACE_SECONDS = 2.0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="interface")
    parser.add_argument("--file", required=True)
    parser.add_argument("--config", required=True)
    options = parser.parse_args(argv)
    config: dict[str, Any] = json.loads(options.config)
    file = Path(options.file).resolve()
    try:
        wire = take_stdin()
    except OSError:
        print("seer interface: stdin is no socket: this is started by Seer", file=sys.stderr)
        return 2
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.argv = [str(file)]
    models, aliases = config["models"], config.get("aliases", {})
    places = Places(file.parent, [*((one["name"], one["path"]) for one in models), *aliases.items()])
    calls, is_ready = Calls(config["name"], wire, places), threading.Event()
    InMainThread.prepare()
    threading.Thread(target=_read, args=[wire, calls, is_ready], name="wire", daemon=True).start()
    see_layer()
    seed_everything(config["seed"])
    offer = Offer(models, places, aliases)
    try:
        calls.functions, description = load(file, offer, config["params"])
        head = {"kind": "ready", "compute": describe_compute()}
        wire.send(head, json_bytes(description))
    except BaseException as error:  # noqa: BLE001
        wire.send({**_load_error(error, places), "kind": "failed"})
        _end_soon(1)
        return 1
    places.loading = False
    is_ready.set()
    return calls.serve()


def _read(wire: Wire, calls: Calls, is_ready: threading.Event) -> None:
    code = 0
    try:
        while (frame := wire.read()) is not None:
            is_ready.wait()
            calls.take(frame)
            del frame  # may be large, and the next may be long in coming
    except FrameError as error:
        print(f"seer interface: Seer sent {error}", file=sys.stderr)
        code = 2
    except (OSError, RuntimeError, MemoryError) as error:  # no room for another thread, for one
        print(f"seer interface: {error!r}", file=sys.stderr)
        code = 2
    _end_soon(code)
    calls.end(code)


def _end_soon(code: int) -> None:
    """Whatever still runs."""
    timer = threading.Timer(GRACE_SECONDS, os._exit, [code])
    timer.daemon = True
    timer.start()


def _load_error(error: BaseException, places: Places) -> dict[str, Any]:
    if isinstance(error, InvalidInterface):
        return failed("import-failed", {"message": clean(str(error), places, MAX_MESSAGE_CHARS)}).head
    told = described(error, places)
    if isinstance(error, ImportError) and "no known parent package" in str(error):
        told["message"] += ". The file is no part of a package: import what lies beside it by its name, without a dot"
    return failed("import-failed", told).head

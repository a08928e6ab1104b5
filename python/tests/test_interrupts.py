"""Interrupts that come when a cell has just ended: its end is told truly all the same, and no other cell is stopped."""

from __future__ import annotations

import itertools
import time

import pytest
from client import Client

numbers = itertools.count(1)

HIT = "import os, signal\nhit = lambda: os.kill(os.getpid(), signal.SIGINT)\nip = get_ipython()\n"


def _run(shared: Client, code: str) -> tuple[str, list[str], str, float]:
    """The status of a cell, the names of its errors, what it printed, and how long it took."""
    asked = time.monotonic()
    records = shared.run(f"i{next(numbers)}", code)
    outputs = [record["output"] for record in records if record["kind"] == "output"]
    errors = [output["ename"] for output in outputs if output["output_type"] == "error"]
    return records[-1]["status"], errors, shared.stdout_of(records), time.monotonic() - asked


def test_before_the_reply_is_made(shared: Client) -> None:
    _run(shared, HIT + "real = ip.user_expressions")
    code = "def once(expressions):\n    ip.user_expressions = real\n    hit()\n    return real(expressions)\n"
    status, errors, printed, seconds = _run(shared, code + "ip.user_expressions = once\nprint('all')")
    assert (status, errors, printed) == ("error", ["KeyboardInterrupt"], "all\n")
    assert seconds < 3, "the reply was lost"
    assert _run(shared, "print(len(In) == ip.execution_count)")[:3] == ("ok", [], "True\n")


def test_before_the_code_begins(shared: Client) -> None:
    _run(shared, HIT + "publish = ip.kernel._publish_execute_input")
    code = "def once(*args):\n    publish(*args)\n    ip.kernel._publish_execute_input = publish\n    hit()\n"
    _run(shared, code + "ip.kernel._publish_execute_input = once")
    assert _run(shared, "print('not run')")[:3] == ("error", ["KeyboardInterrupt"], "")
    assert _run(shared, "print('run')")[:3] == ("ok", [], "run\n")


def test_while_the_reply_is_sent(shared: Client) -> None:
    _run(shared, HIT + "finish = ip.kernel.finish_metadata")
    code = "def once(*args):\n    ip.kernel.finish_metadata = finish\n    hit()\n    return finish(*args)\n"
    status, errors, printed, seconds = _run(shared, code + "ip.kernel.finish_metadata = once\nprint('all')")
    assert (status, errors, printed) == ("ok", [], "all\n")
    assert seconds < 3, "the reply was lost"


def test_processes_of_a_cell_can_be_interrupted(shared: Client) -> None:
    code = "import subprocess, sys\nprog = 'import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)'\n"
    assert _run(
        shared, code + "print(subprocess.run([sys.executable, '-c', prog], capture_output=True, text=True).stdout)"
    )[2].startswith("False")


@pytest.mark.parametrize("how", ["message", "signal"])
def test_on_the_way_while_the_next_cell_begins(shared: Client, how: str) -> None:
    ended, goes_on = f"i{next(numbers)}", f"i{next(numbers)}"
    shared.run(ended, "1")
    after = shared.request("host/hello")["lastSeq"]
    shared.execute(goes_on, "import time\nprint('on', flush=True)\ntime.sleep(1)\nprint('whole')")
    shared.until("output", after, cell=goes_on)
    shared.request("kernel/interrupt", session="s1", generation=1, cell=ended, how=how)
    records = shared.until("cell-end", after, cell=goes_on)
    assert records[-1]["status"] == "ok" and shared.stdout_of(records) == "on\nwhole\n"

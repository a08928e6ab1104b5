"""What a cell's records are: order, identity, and how each kind of ending is told."""

from __future__ import annotations

import itertools
import time
from typing import Any

from client import Client

numbers = itertools.count(1)


def cell() -> str:
    return f"c{next(numbers)}"


def outputs(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record["output"] for record in records if record["kind"] == "output"]


def test_result(shared: Client) -> None:
    begin, output, end = shared.run(cell(), "1+1")
    assert begin["kind"] == "cell-begin" and begin["executionCount"] == end["executionCount"]
    assert output["output"]["data"] == {"text/plain": "2"}
    assert end["status"] == "ok" and 0 < end["durationMs"] < 5000


def test_order(shared: Client) -> None:
    code = "import sys\nfor i in range(300):\n print(i, flush=True)\n if i % 50 == 0: display(i)"
    kinds = [
        (o["output_type"], o.get("text", "").strip() or o["data"]["text/plain"])
        for o in outputs(shared.run(cell(), code))
    ]
    lines = "\n".join(text for kind, text in kinds if kind == "stream").split()
    assert lines == [str(i) for i in range(300)]
    shown = [int(text) for kind, text in kinds if kind == "display_data"]
    assert shown == [0, 50, 100, 150, 200, 250]
    at = next(i for i, (kind, text) in enumerate(kinds) if kind == "display_data" and text == "50")
    assert kinds[at - 1][1].endswith("50")


def test_same_cell_runs_once(shared: Client) -> None:
    shared.run(cell(), "runs = 0")
    name = cell()
    shared.run(name, "runs += 1")
    assert shared.execute(name, "runs += 1") is True
    assert shared.stdout_of(shared.run(cell(), "print(runs)")) == "1\n"


def test_error(shared: Client) -> None:
    *_, error, end = shared.run(cell(), "1/0")
    assert error["output"]["ename"] == "ZeroDivisionError" and "Traceback" in "".join(error["output"]["traceback"])
    assert end["status"] == "error"


def test_queued_cells_abort_after_an_error(shared: Client) -> None:
    first, second = cell(), cell()
    after = shared.request("host/hello")["lastSeq"]
    shared.execute(first, "import time; time.sleep(0.5); 1/0")
    shared.execute(second, "never = 1")
    records = shared.until("cell-end", after, cell=second)
    assert records[-1]["status"] == "aborted"
    assert not any(r["kind"] == "cell-begin" and r["cell"] == second for r in records)


def test_interrupt_by_message_and_by_signal(shared: Client) -> None:
    for how in ("message", "signal"):
        name = cell()
        after = shared.request("host/hello")["lastSeq"]
        shared.execute(name, "import time; time.sleep(60)")
        shared.until("cell-begin", after, cell=name)
        time.sleep(0.2)
        asked = time.monotonic()
        shared.request("kernel/interrupt", session="s1", generation=1, cell=name, how=how)
        records = shared.until("cell-end", after, cell=name)
        assert time.monotonic() - asked < 1.5, how
        assert records[-1]["status"] == "error"
        assert any(o["ename"] == "KeyboardInterrupt" for o in outputs(records) if o["output_type"] == "error")


def test_a_cell_that_swallows_interrupts_goes_on(shared: Client) -> None:
    name = cell()
    after = shared.request("host/hello")["lastSeq"]
    shared.execute(
        name,
        "import time\nswallowed = 0\nfor _ in range(3):\n"
        " try: time.sleep(0.7)\n except KeyboardInterrupt: swallowed += 1\nprint('end', swallowed)",
    )
    shared.until("cell-begin", after, cell=name)
    time.sleep(0.2)
    shared.request("kernel/interrupt", session="s1", generation=1, cell=name, how="message")
    time.sleep(0.4)
    shared.request("kernel/interrupt", session="s1", generation=1, cell=name, how="signal")
    records = shared.until("cell-end", after, cell=name)
    assert records[-1]["status"] == "ok" and shared.stdout_of(records) == "end 2\n"


def test_input_fails_at_once(shared: Client) -> None:
    started = time.monotonic()
    records = shared.run(cell(), "input('name? ')")
    assert outputs(records)[0]["ename"] == "StdinNotImplementedError" and time.monotonic() - started < 5


def test_late_output_belongs_to_the_cell_that_started_it(shared: Client) -> None:
    name = cell()
    after = shared.request("host/hello")["lastSeq"]
    code = "import threading, time\nthreading.Thread(target=lambda: (time.sleep(1), print('late'))).start()"
    shared.execute(name, code)
    shared.until("cell-end", after, cell=name)
    other = shared.run(cell(), "print('other')")
    assert shared.stdout_of(other) == "other\n"
    late = shared.until("output", other[-1]["seq"])[-1]
    assert late["cell"] == name and late["output"]["text"].startswith("late")


def test_display_id_update_and_clear(shared: Client) -> None:
    code = (
        "from IPython.display import clear_output\n"
        "d = display('a', display_id='x')\nd.update('b')\nclear_output(wait=True)"
    )
    first, update, clear = outputs(shared.run(cell(), code))
    assert first["display_id"] == update["display_id"] == "x" and update["output_type"] == "update_display_data"
    assert clear == {"output_type": "clear_output", "wait": True}


def test_subprocess_output_with_split_characters(shared: Client) -> None:
    code = "import os, time\nos.write(1, b'\\xc3'); time.sleep(.1); os.write(1, b'\\xa9\\n')\n!echo sub\ntime.sleep(.4)"
    assert shared.stdout_of(shared.run(cell(), code)).replace("\r", "") == "é\nsub\n"


def test_matplotlib_inline(shared: Client) -> None:
    shown = outputs(shared.run(cell(), "import matplotlib.pyplot as plt\nplt.plot([1, 2]);\nplt.show()"))
    assert any("image/png" in o.get("data", {}) for o in shown)


def test_sessions_are_apart(shared: Client) -> None:
    shared.start("s2")
    shared.run(cell(), "mine = 's1'")
    after = shared.request("host/hello")["lastSeq"]
    slow, quick = cell(), cell()
    shared.execute(slow, "import time; time.sleep(1.5); print(mine)")
    shared.execute(quick, "print('mine' in globals())", "s2")
    records = shared.until("cell-end", after, cell=slow)
    ends = [r["cell"] for r in records if r["kind"] == "cell-end"]
    assert ends == [quick, slow]
    assert [r["session"] for r in records if r["kind"] == "output"] == ["s2", "s1"]
    # The same cell id is another cell in another session.
    name = cell()
    shared.run(name, "1")
    assert shared.execute(name, "2", "s2") is False

"""The process itself: what a file finds in it, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from interface_process import PYTHON_DIR, CallFailed, InterfaceProcess, serving, starting


def until(holds: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_file_and_its_helpers_find(tmp_path: Path) -> None:
    code = """
        import os, pickle, sys
        from dataclasses import dataclass
        import values, seer_helper, package.part

        @dataclass
        class Kept:
            x: int

        @expose
        def found() -> dict:
            return {
                "params": PARAMS,
                "helper": seer_helper.params(),
                "values": values.__file__ is not None and values.MINE,
                "part": package.part.MINE,
                "path": get_model_path("gpt2"), "by name": get_model_path("small"), "only": get_model_path(),
                "pickled": pickle.loads(pickle.dumps(Kept(3))).x,
                "module": [found.__module__, sys.modules["interface"].found is found, __file__ == sys.argv[0]],
                "first": sys.path[0] == os.path.dirname(__file__),
                "ours": [entry for entry in sys.path if os.path.exists(os.path.join(entry, "seer_interface"))],
                "arguments": len(sys.argv),
            }

        @expose
        def call_others(n: int) -> list:
            return [found()["pickled"], n]
    """
    files = {
        "values.py": "MINE = 'my values'\n",
        "seer_helper.py": "def params(): return PARAMS\n",
        "package/__init__.py": "",
        "package/part.py": "MINE = get_model_path()\n",
    }
    models = [{"name": "gpt2", "varName": "small", "path": "/models/gpt2"}]
    with serving(tmp_path, code, files, models=models, params={"layers": [1, 2], "x": None}) as process:
        assert process.call("found") == {
            "params": {"layers": [1, 2], "x": None},
            "helper": {"layers": [1, 2], "x": None},
            "values": "my values",
            "part": "/models/gpt2",
            **dict.fromkeys(("path", "by name", "only"), "/models/gpt2"),
            "pickled": 3,
            "module": ["interface", True, True],
            "first": True,
            "ours": [],
            "arguments": 1,
        }
        assert process.call("call_others", n=1) == [3, 1]
        assert not list(process.folder.rglob("__pycache__")), "a file that is written again is read again"


def test_models_are_not_named_to_whoever_calls(tmp_path: Path) -> None:
    code = "@expose\ndef path(name=None): return get_model_path(name)\n"
    models = [{"name": f"org/{one}", "varName": one, "path": f"/models/{one}"} for one in ("aaa", "bbb")]
    with serving(tmp_path, code, models=models, aliases={"as configured": "/models/aaa"}) as process:
        assert process.call("path", name="org/bbb") == "/models/bbb"
        assert process.call("path", name="as configured") == "/models/aaa"
        for name, said in [(None, "there is more than one model"), ("ccc", "this sandbox has no model 'ccc'")]:
            with pytest.raises(CallFailed) as error:
                process.call("path", name=name)
            assert error.value.message == f"ValueError: {said}"
    with serving(tmp_path, code) as process, pytest.raises(CallFailed, match="this sandbox was given no models"):
        process.call("path")


def test_seeds_hold_whenever_the_file_imports(tmp_path: Path) -> None:
    code = """
        import random
        first = random.random()

        @expose
        def draws() -> list:
            import numpy as np, torch
            return [first, float(np.random.rand()), float(torch.rand(1))]
    """
    found = []
    for seed in (7, 7, 8):
        with serving(tmp_path, code, seed=seed) as process:
            found.append(process.call("draws"))
    assert found[0] == found[1] and not set(found[0]) & set(found[2])
    assert found[0][1] == np.random.RandomState(7).rand()


def test_ready_tells_what_it_computes_on(tmp_path: Path) -> None:
    with starting(tmp_path, "@expose\ndef f(): ...\n") as process:
        head = process.hear().head
        assert head["kind"] == "ready" and head["compute"]["torch"] is None and head["compute"]["device"] == "cpu"
    with starting(tmp_path, "import torch\n@expose\ndef f(): ...\n") as process:
        assert process.hear().head["compute"]["torch"].startswith("2.")


def test_what_it_prints_comes_line_by_line_and_not_on_the_wire(tmp_path: Path) -> None:
    code = """
        import os, subprocess, sys
        print("loading", "\\ud800")
        subprocess.run(["sh", "-c", "echo from a child; cat"])
        @expose
        def say(text: str) -> str:
            print(text)
            print("!", text, file=sys.stderr)
            os.write(1, b"raw\\n")
            return sys.stdin.read() + repr(input_fails())
        def input_fails():
            try:
                return input()
            except EOFError as error:
                return str(error)
    """
    with serving(tmp_path, code) as process:
        assert "loading \\ud800\nfrom a child\n" in process.stdout, "at once"
        assert process.call("say", text="hé") == "'EOF when reading a line'"
        assert process.stdout.endswith("hé\nraw\n") and process.stderr == "! hé\n"


def test_children_do_not_hold_the_wire(tmp_path: Path) -> None:
    code = """
        import os, subprocess, time
        @expose
        def children() -> list:
            listing = "import os; print(os.readlink('/proc/self/fd/0'), len(os.listdir('/proc/self/fd')))"
            child = subprocess.Popen(["sleep", "60"])
            return [child.pid, subprocess.run(["python3", "-c", listing], capture_output=True, text=True).stdout]
        @expose
        def lingering() -> int:
            if (pid := os.fork()) == 0:
                time.sleep(60)
                os._exit(0)
            return pid
        @expose
        def forked() -> int:
            if (pid := os.fork()) == 0:
                return -1
            return os.waitpid(pid, 0)[1]
    """
    with serving(tmp_path, code) as process:
        pid, listing = process.call("children")
        assert listing.strip() == "/dev/null 4", "its own three, and that of the listing"
        assert process.call("forked") == 0, "a child that returns ends, and answers nothing"
        assert process.call("forked") == 0
        other = process.call("lingering")
        process.process.kill()
        assert process.heard[0].get(timeout=30) is None, "the stream ends with the process, and not with its children"
        for one in (pid, other):
            os.kill(one, 9)


def test_it_ends_when_the_wire_does(tmp_path: Path) -> None:
    code = "import atexit\natexit.register(print, 'bye')\n@expose\ndef f(): ...\n"
    with serving(tmp_path, code) as process:
        process.close()
        assert process.process.returncode == 0 and process.stdout == "bye\n" and process.stderr == ""


@pytest.mark.parametrize(
    ("body", "tidies"),
    [
        ("time.sleep(1000)", True),
        ("n = 0\n  while True: n += 1", True),
        ("while True:\n   try: time.sleep(1)\n   except BaseException: pass", False),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(1000)", False),
    ],
)
def test_also_while_a_call_runs(tmp_path: Path, body: str, tidies: bool) -> None:
    code = f"import signal, time\n@expose\ndef f():\n print('begun')\n try:\n  {body}\n finally: print('tidy')\n"
    with serving(tmp_path, code) as process:
        process.start("f")
        until(lambda: "begun" in process.stdout)
        process.close()
        assert process.process.returncode == 0
        assert ("tidy" in process.stdout) == tidies


def test_also_while_it_loads_and_with_threads_that_go_on(tmp_path: Path) -> None:
    code = "import threading, time\nprint('begun')\n"
    for more in (
        "time.sleep(1000)\n",
        "threading.Thread(target=time.sleep, args=[1000]).start()\n@expose\ndef f(): ...\n",
    ):
        with starting(tmp_path, code + more) as process:
            until(lambda: "begun" in process.stdout)
            time.sleep(0.2)
            process.close()
            assert process.process.returncode == 0
    with starting(tmp_path, code + "threading.Thread(target=time.sleep, args=[1000]).start()\n1 / 0\n") as process:
        assert process.load_error().message == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(("how", "code"), [("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", -9)])
def test_a_function_can_end_it(tmp_path: Path, how: str, code: int) -> None:
    with serving(tmp_path, f"import os\n@expose\ndef f(): {how}\n") as process:
        id = process.start("f")
        assert process.heard[id].get(timeout=30) is None
        assert process.process.wait(30) == code


def test_calls_that_come_before_it_is_ready_wait(tmp_path: Path) -> None:
    code = "import time\ntime.sleep(0.5)\n@expose\ndef f(x: int) -> int: return x\n"
    with starting(tmp_path, code) as process:
        ids = [process.start("f", x=n) for n in range(5)]
        process.ready()
        assert [process.result(id) for id in ids] == list(range(5))


def test_a_task_of_the_file_that_exits_does_not_stop_the_loop(tmp_path: Path) -> None:
    code = """
        import asyncio
        async def leaves():
            raise SystemExit(3)
        @expose
        async def start(n: int) -> int:
            task = asyncio.create_task(leaves())
            await asyncio.sleep(0.05)
            return n
    """
    with serving(tmp_path, code) as process:
        assert [process.call("start", n=n) for n in range(3)] == [0, 1, 2]
        assert "SystemExit: 3" in process.stderr


def test_started_by_hand_it_says_that_seer_does_it(tmp_path: Path) -> None:
    config = json.dumps({"name": "x", "params": {}, "seed": 0, "models": []})
    command = [sys.executable, "-s", str(PYTHON_DIR / "boot.py"), "interface", "--file", "x.py", "--config", config]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ended.returncode == 2 and "this is started by Seer" in ended.stderr


def resident_bytes(process: InterfaceProcess) -> int:
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def test_large_values_are_not_kept(tmp_path: Path) -> None:
    code = """
        import weakref
        import numpy as np
        kept = []
        @expose
        def take(x: np.ndarray) -> int:
            kept.append(weakref.ref(x))
            return x.size
        @expose
        def make() -> np.ndarray:
            made = np.zeros(1000)
            kept.append(weakref.ref(made))
            return made
        @expose
        def fail(x: np.ndarray) -> None:
            kept.append(weakref.ref(x))
            raise ValueError(x)
        @expose
        def alive() -> int:
            return sum(one() is not None for one in kept)
    """
    with serving(tmp_path, code) as process:
        process.call("take", x=np.zeros(1000))
        assert process.call("make").size == 1000
        with pytest.raises(CallFailed):
            process.call("fail", x=np.zeros(1000))
        assert process.call("alive") == 0
        before = resident_bytes(process)
        assert process.call("take", x=np.ones(2**23)) == 2**23
        until(lambda: resident_bytes(process) < before + 2**25)


def test_many_calls_leave_no_descriptor_and_no_thread(tmp_path: Path) -> None:
    code = "@expose(concurrent=True)\ndef f(x): return x\n@expose\ndef g(x): return x\n"

    def look(process: InterfaceProcess) -> list[int]:
        return [len(os.listdir(f"/proc/{process.process.pid}/{one}")) for one in ("fd", "task")]

    with serving(tmp_path, code) as process:
        before = look(process)
        ids = [process.start("fg"[n % 2], x=n) for n in range(500)]
        assert [process.result(id) for id in ids] == list(range(500))
        until(lambda: look(process) == before)

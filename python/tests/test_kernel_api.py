"""What the agent's code finds in the kernel: PARAMS, seer.record, seer.save, seeds, paths."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from client import Client, HostFixture

MakeHost = Callable[..., HostFixture]
RECORD = "application/vnd.seer.record+json"
SAVE = "application/vnd.seer.save+json"
numbers = itertools.count(1)


def run(client: Client, code: str, session: str = "s1") -> list[dict[str, Any]]:
    records = client.run(f"k{next(numbers)}", code, session)
    assert records[-1]["status"] == "ok", records
    return [record["output"] for record in records if record["kind"] == "output"]


def error(client: Client, code: str) -> dict[str, Any]:
    return next(r["output"] for r in client.run(f"k{next(numbers)}", code) if r["kind"] == "output")


def test_params_and_seer(shared: Client) -> None:
    assert run(shared, "import seer as again\nprint(PARAMS, again is seer)")[0]["text"] == "{'layers': [1, 2]} True\n"


def test_paths(shared_host: HostFixture, shared: Client) -> None:
    (shared_host.root / "lib" / "from_library.py").write_text("where = 'library'\n")
    (shared_host.root / "work" / "from_workspace.py").write_text("where = 'workspace'\n")
    code = "import from_library, from_workspace, sys, site\nprint(from_library.where, from_workspace.where)\n"
    assert run(shared, code)[0]["text"] == "library workspace\n"
    code = "import importlib.util as u\nprint(site.ENABLE_USER_SITE, u.find_spec('seer_host'), u.find_spec('boot'))"
    assert run(shared, code)[0]["text"] == "False None None\n"


def test_environment_is_exactly_what_was_given(shared_host: HostFixture, shared: Client) -> None:
    # A child sees what the kernel was started with; the kernel itself adds to its own.
    code = "print(open('/proc/self/environ').read().split(chr(0)))"
    names = {entry.partition("=")[0] for entry in eval(run(shared, code)[0]["text"]) if entry}
    assert names == {*shared_host.config["kernelEnv"], "PYTHONHASHSEED", "IPYTHONDIR", "SEER_CALLS", "SEER_PROCESS"}


def test_record(shared: Client) -> None:
    row = "{'n': np.int64(3), 'x': torch.tensor(0.5), 'v': np.arange(3), 's': 'é'}"
    code = f"import numpy as np, torch\nseer.record({row})"
    (shown,) = run(shared, code)
    assert shown["data"][RECORD] == {"table": "trials", "row": {"n": 3, "x": 0.5, "v": [0, 1, 2], "s": "é"}}
    assert shown["data"]["text/plain"].startswith("trials: {")


def test_record_marks_what_is_not_finite(shared: Client) -> None:
    (shown,) = run(shared, "seer.record({'a': float('nan'), 'b': [1.0, float('inf')], 'c': 1}, table='t2')")
    row = {"a": None, "b": [1.0, None], "c": 1, "_non_finite": ["a", "b[1]"]}
    assert shown["data"][RECORD] == {"table": "t2", "row": row}


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        ("seer.record({'a': {'b': object()}})", "TypeError", "a.b is a object"),
        ("seer.record({'a': {1: 2}})", "TypeError", "the key 1"),
        ("seer.record([1])", "TypeError", "a row is a dict"),
        ("seer.record({}, table='../x')", "ValueError", "not a name"),
        ("seer.save('../x', 1)", "ValueError", "not a name"),
        ("seer.save('.x', 1)", "ValueError", "not a name"),
        ("seer.save('trials.JSONL', b'')", "ValueError", "Seer uses"),
        ("seer.save('x', {'f': print})", "TypeError", "f is a builtin_function"),
    ],
)
def test_refusals(shared: Client, call: str, kind: str, words: str) -> None:
    told = error(shared, call)
    assert told["ename"] == kind and words in told["evalue"]


@pytest.mark.parametrize(
    ("value", "kind", "file", "facts", "check"),
    [
        (
            "torch.ones(2, 3).half().T",
            "tensor",
            "v.safetensors",
            {"shape": [3, 2], "dtype": "float16"},
            "load_file(p)['tensor'].sum()==6",
        ),
        ("{'a': torch.ones(2), 'b': torch.zeros(1)}", "tensors", "v.safetensors", {}, "set(load_file(p))=={'a','b'}"),
        ("pd.DataFrame({'a': [1, 2]})", "table", "v.parquet", {"shape": [2, 1]}, "list(pd.read_parquet(p).a)==[1,2]"),
        ("plt.figure()", "figure", "v.png", {}, "open(p,'rb').read(4)==b'\\x89PNG'"),
        ("b'abc'", "bytes", "v.bin", {}, "open(p,'rb').read()==b'abc'"),
        (
            "{'a': np.float32(0.5), 'b': np.nan}",
            "json",
            "v.json",
            {"nonFinite": ["b"]},
            "json.load(open(p))=={'a':.5,'b':None}",
        ),
    ],
)
def test_save(
    shared_host: HostFixture, shared: Client, value: str, kind: str, file: str, facts: dict[str, Any], check: str
) -> None:
    imports = (
        "import torch, json, pandas as pd, numpy as np, matplotlib.pyplot as plt\n"
        "from safetensors.torch import load_file\n"
    )
    shown = run(shared, f"{imports}seer.save('v', {value}); plt.close('all')\np = '.seer-saved/{file}'\nassert {check}")
    told = next(output["data"][SAVE] for output in shown if SAVE in output["data"])
    data = (shared_host.root / "work" / ".seer-saved" / file).read_bytes()
    expected = {"name": "v", "file": file, "kind": kind, "bytes": len(data), **facts}
    assert told == {**expected, "sha256": hashlib.sha256(data).hexdigest()}
    assert not list((shared_host.root / "work" / ".seer-saved").glob("*.part"))


def test_seeds(make_host: MakeHost) -> None:
    client = make_host().client()
    for session in ("s1", "s2"):
        client.start(session, seed=11)
    client.start("s3", seed=12)
    draw = "print(random.random(), np.random.rand(), torch.rand(1).item(), hash('x'))"
    loaded = "import sys, random; print('torch' in sys.modules, 'numpy' in sys.modules, random.getstate()[1][-1])"
    assert run(client, loaded)[0]["text"] == f"False False {random.Random(11).getstate()[1][-1]}\n"
    first = run(client, f"import random, numpy as np, torch\n{draw}")[0]["text"]
    run(client, "import random\nx = 1", "s2")
    run(client, "import torch", "s2")
    run(client, "import numpy as np, torch.nn", "s2")
    assert run(client, draw, "s2")[0]["text"] == first
    assert run(client, f"import random, numpy as np, torch\n{draw}", "s3")[0]["text"] != first
    assert run(client, "print(torch.get_num_threads(), torch.__spec__.loader)")[0]["text"].startswith("1 <_frozen")


def test_odd_text(shared: Client) -> None:
    assert run(shared, "print('a\\ud800b\\udc80')")[0]["text"] == "a\ufffdb\ufffd\n"
    assert run(shared, "print('\\x1b[31m\\x00\\x7f\\u2028')")[0]["text"] == "\x1b[31m\x00\x7f\u2028\n"
    shown = run(shared, "import os, time; os.write(1, bytes(range(256))); time.sleep(.4)")
    assert "\ufffd" in "".join(output.get("text", "") for output in shown)
    shown = run(shared, "display({'application/json': {'x': float('nan'), 'y': [1e400]}, 'text/plain': ''}, raw=True)")
    assert "NaN" not in json.dumps(shown)


def test_set_up_cell_with_a_model(make_host: MakeHost) -> None:
    host = make_host()
    client = host.client()
    client.start("maker")
    run(
        client,
        "import transformers as t, tokenizers as k\n"
        "c = t.LlamaConfig(hidden_size=16, intermediate_size=16, num_hidden_layers=2,"
        " num_attention_heads=2, vocab_size=8)\n"
        "t.LlamaForCausalLM(c).save_pretrained('m')\n"
        "tok = k.Tokenizer(k.models.WordLevel({'a': 0, '<e>': 1}, unk_token='<e>'))\n"
        "tok.pre_tokenizer = k.pre_tokenizers.Whitespace()\n"
        "t.PreTrainedTokenizerFast(tokenizer_object=tok, eos_token='<e>').save_pretrained('m')\n",
        "maker",
    )
    folder = str(host.root / "work" / "m")
    one = {"name": "tiny/llama", "path": folder, "dtype": "float32", "device": "auto", "loadAsPeft": False}
    client.start("s1", models=[{**one, "varName": "model"}])
    line = run(client, "seer.setup()")[0]
    assert line["text"].startswith("model = tiny/llama: 2 layers, width 16, ") and line["text"].endswith("float32\n")
    told = run(
        client, "print(model.name_or_path, tokenizer.name_or_path, tokenizer.padding_side, model.training, seer.models)"
    )
    assert told[0]["text"].startswith("tiny/llama tiny/llama left False [{'name': 'tiny/llama'")
    assert folder not in run(client, "print(model.config, tokenizer, model, vars(tokenizer))")[0]["text"]
    client.start("s2", models=[{**one, "varName": "a"}, {**one, "varName": "b"}])
    run(client, "seer.setup()\na, b, a_tokenizer, b_tokenizer", "s2")

"""Looking a model up on a hub and fetching it, with the programs that the set-up runs, against a hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_hub import COMMIT, FakeHub
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import save_adapter, save_model

from seer_setup.hub_look import LookError, needed_files, weights_entry

pytest.importorskip("torch")
pytest.importorskip("peft")
SETUP = Path(__file__).parents[1] / "seer_setup"
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def repos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("repos")
    tiny = save_model(root / "tiny")
    for extra in ["README.md", "pytorch_model.bin", "onnx/model.onnx", "training_args.bin", "consolidated.safetensors"]:
        (tiny / extra).parent.mkdir(exist_ok=True)
        (tiny / extra).write_bytes(b"not needed")
    sharded = save_model(root / "sharded", max_shard_size="3KB")
    return {"org/tiny": tiny, "org/sharded": sharded, "org/adapter": save_adapter(root / "adapter", tiny)}


@pytest.fixture
def hub(repos: dict[str, Path]) -> Iterator[FakeHub]:
    with FakeHub(repos) as made:
        yield made


def run(
    hub: FakeHub, script: str, *args: str, home: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """With nothing of this machine's account, and no way to any hub but this one."""
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(home or "/nowhere"),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_ETAG_TIMEOUT": "5",
    }
    command = [sys.executable, "-I", str(SETUP / script), *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**own, **env})


def look(hub: FakeHub, repo: str, *args: str, kind: str = "model", home: Path | None = None, **env: str) -> Answer:
    done = run(hub, "hub_look.py", "--repo", repo, "--kind", kind, *args, home=home, **env)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    answer: Answer = json.loads(done.stdout)
    return answer


def fetch(hub: FakeHub, home: Path, repo: str, found: Answer, revision: str = "main", **env: str) -> Answer | None:
    """The error that it told, if any."""
    cache = home / "hub"
    what = ["--repo", repo, "--commit", found["commit"], "--revision", revision, "--cache", str(cache)]
    done = run(hub, "hub_fetch.py", *what, "--files", json.dumps(found["files"]), home=home, HF_HOME=str(home), **env)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    error: Answer | None = next((line["error"] for line in lines if "error" in line), None)
    assert (done.returncode == 0) == (error is None), done.stderr
    return error


def snapshot(home: Path, repo: str) -> Path:
    return home / "hub" / f"models--{repo.replace('/', '--')}" / "snapshots" / COMMIT


def names(found: Answer) -> list[str]:
    return [file["path"] for file in found["files"]]


def test_only_what_is_needed(hub: FakeHub) -> None:
    found = look(hub, "org/tiny")["found"]
    needed = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert [name for name in names(found) if name != "chat_template.jinja"] == needed
    assert found["commit"] == COMMIT and found["config"]["num_hidden_layers"] == 2
    size = (hub.repos["org/tiny"] / "model.safetensors").stat().st_size
    assert found["weights"] == [{"name": "model.safetensors", "bytes": size}]


def test_every_shard_of_the_index(hub: FakeHub) -> None:
    found = look(hub, "org/sharded")["found"]
    shards = sorted(path.name for path in hub.repos["org/sharded"].glob("*.safetensors"))
    assert len(shards) > 2 and [weight["name"] for weight in found["weights"]] == shards
    assert set(names(found)) >= {*shards, "model.safetensors.index.json"}


def test_an_adapter(hub: FakeHub) -> None:
    assert names(look(hub, "org/adapter", kind="adapter")["found"]) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


@pytest.mark.parametrize(
    ("repo", "kind", "args", "error"),
    [
        ("org/absent", "model", [], "missing"),
        ("org/tiny", "model", ["--revision", "v9"], "revision"),
        ("org/adapter", "model", [], "kind"),
        ("org/tiny", "adapter", [], "kind"),
    ],
)
def test_refusals(hub: FakeHub, repo: str, kind: str, args: list[str], error: str) -> None:
    assert look(hub, repo, *args, kind=kind)["error"]["kind"] == error


def test_a_missing_model_with_a_token_is_missing_too(hub: FakeHub) -> None:
    hub.token = "hf_good"
    assert look(hub, "org/absent", HF_TOKEN="hf_good")["error"]["kind"] == "missing"


def test_gated(hub: FakeHub, tmp_path: Path) -> None:
    hub.gated, hub.token = {"org/tiny"}, "hf_secret"
    assert look(hub, "org/tiny")["error"]["kind"] == "gated"
    refused = look(hub, "org/tiny", HF_TOKEN="hf_wrong")["error"]
    assert refused["kind"] == "token" and "hf_wrong" not in refused["text"]
    assert "found" in look(hub, "org/tiny", HF_TOKEN="hf_secret")
    (tmp_path / "token").write_text("hf_secret\n")
    found = look(hub, "org/tiny", HF_HOME=str(tmp_path))["found"]
    assert fetch(hub, tmp_path, "org/tiny", found) is None
    assert (snapshot(tmp_path, "org/tiny") / "model.safetensors").exists()


def test_no_hub(repos: dict[str, Path]) -> None:
    with FakeHub(repos) as hub:
        pass
    assert look(hub, "org/tiny")["error"]["kind"] == "unreachable"


def test_fetched_into_the_cache_as_its_own_library_would(hub: FakeHub, tmp_path: Path) -> None:
    found = look(hub, "org/sharded", "--revision", "v2/old")["found"]
    assert fetch(hub, tmp_path, "org/sharded", found, revision="v2/old") is None
    folder = snapshot(tmp_path, "org/sharded")
    for name in names(found):
        assert (folder / name).read_bytes() == hub.bytes_of("org/sharded", name)
    (folder.parent.parent / f".seer-{COMMIT}.json").write_text("{}")
    code = """from huggingface_hub import scan_cache_dir, snapshot_download
print(snapshot_download("org/sharded", revision="v2/old", local_files_only=True))
print(scan_cache_dir().warnings, [repo.repo_id for repo in scan_cache_dir().repos])"""
    own = {"HF_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=own)
    assert done.stdout.splitlines() == [str(folder), "[] ['org/sharded']"], done.stderr
    before = len(hub.asked)
    assert fetch(hub, tmp_path, "org/sharded", found, revision="v2/old") is None
    assert hub.asked[before:] == []


def test_goes_on_where_the_connection_was_cut(hub: FakeHub, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.mkdir()
    (large / "config.json").write_text("{}")
    (large / "model.safetensors").write_bytes(os.urandom(24 << 20))
    hub.repos = {"org/large": large}
    found = look(hub, "org/large")["found"]
    hub.cut_at, hub.cuts = 15 << 20, 1
    assert fetch(hub, tmp_path, "org/large", found) is None
    # The library writes in pieces of 10 MiB, and goes on after the last whole one.
    assert ("GET", "/cdn/org/large/model.safetensors", f"bytes={10 << 20}-") in hub.asked
    name = "model.safetensors"
    assert (snapshot(tmp_path, "org/large") / name).read_bytes() == hub.bytes_of("org/large", name)


def test_files_that_came_whole_are_kept(hub: FakeHub, tmp_path: Path) -> None:
    found = look(hub, "org/sharded")["found"]
    whole, broken = found["weights"][0]["name"], found["weights"][1]["name"]
    hub.repos = {**hub.repos, "org/sharded": copy_without(hub.repos["org/sharded"], tmp_path / "repo", broken)}
    error = fetch(hub, tmp_path, "org/sharded", found)
    assert error is not None and not (snapshot(tmp_path, "org/sharded") / broken).exists()
    assert not (tmp_path / "hub" / "models--org--sharded" / "refs").exists()
    (tmp_path / "repo" / broken).write_bytes(
        next(iter(hub.repos.values())).parent.joinpath("sharded", broken).read_bytes()
    )
    hub.asked.clear()
    assert fetch(hub, tmp_path, "org/sharded", found) is None
    assert hub.fetched() and f"/cdn/org/sharded/{whole}" not in hub.fetched()


def copy_without(source: Path, target: Path, name: str) -> Path:
    target.mkdir()
    for path in source.iterdir():
        if path.name != name:
            (target / path.name).write_bytes(path.read_bytes())
    return target


def test_ended_in_the_middle(hub: FakeHub, tmp_path: Path) -> None:
    found = look(hub, "org/tiny")["found"]
    hub.stalls.set()
    what = ["--repo", "org/tiny", "--commit", COMMIT, "--revision", "main", "--cache", str(tmp_path / "hub")]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_ENDPOINT": hub.url}
    command = [sys.executable, "-I", str(SETUP / "hub_fetch.py"), *what, "--files", json.dumps(found["files"])]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as process:
        blobs = tmp_path / "hub" / "models--org--tiny" / "blobs"
        deadline = time.monotonic() + 60
        while not hub.fetched() or not list(blobs.glob("*.incomplete")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        process.terminate()
        assert process.wait(timeout=20) == 143
    hub.stalls.clear()
    assert not list(blobs.glob("*.incomplete"))
    assert fetch(hub, tmp_path, "org/tiny", found) is None


def test_other_bytes_than_announced(hub: FakeHub, tmp_path: Path) -> None:
    found = look(hub, "org/tiny")["found"]
    hub.broken_bytes = True
    error = fetch(hub, tmp_path, "org/tiny", found)
    assert error is not None and error["kind"] == "content"
    assert not (snapshot(tmp_path, "org/tiny") / "model.safetensors").exists()
    hub.broken_bytes = False
    assert fetch(hub, tmp_path, "org/tiny", found) is None


def test_a_file_that_is_cut_short_in_the_cache_is_fetched_again(hub: FakeHub, tmp_path: Path) -> None:
    found = look(hub, "org/tiny")["found"]
    assert fetch(hub, tmp_path, "org/tiny", found) is None
    weights = snapshot(tmp_path, "org/tiny") / "model.safetensors"
    os.truncate(weights, 100)
    assert fetch(hub, tmp_path, "org/tiny", found) is None
    assert weights.read_bytes() == hub.bytes_of("org/tiny", "model.safetensors")


@pytest.mark.slow  # the library tries again and again
def test_the_hub_goes_away_in_between(repos: dict[str, Path], tmp_path: Path) -> None:
    with FakeHub(repos) as hub:
        found = look(hub, "org/tiny")["found"]
    error = fetch(hub, tmp_path, "org/tiny", found)
    assert error is not None and error["kind"] == "network"


def test_a_cache_that_cannot_be_written(hub: FakeHub, tmp_path: Path) -> None:
    found = look(hub, "org/tiny")["found"]
    (tmp_path / "hub").write_text("a file where the folder should be")
    assert fetch(hub, tmp_path, "org/tiny", found) is not None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk(hub: FakeHub, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)], capture_output=True).returncode
        != 0
    ):
        pytest.skip("mounting is not allowed here")
    try:
        found = look(hub, "org/tiny")["found"]
        error = fetch(hub, disk, "org/tiny", found)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert error is not None and error["kind"] == "disk"


def test_no_token_goes_to_another_host(hub: FakeHub, repos: dict[str, Path], tmp_path: Path) -> None:
    with FakeHub(repos) as elsewhere:
        hub.token = "hf_secret"
        hub.repos = {**repos, "org/away": repos["org/tiny"]}
        other = elsewhere.url
        # The index lies on another host, as large files of the real hub do.
        hub.repos["org/away"] = save_model(tmp_path / "away", max_shard_size="3KB")
        redirect(hub, f"{other}/org/sharded/resolve/{COMMIT}/model.safetensors.index.json")
        look(hub, "org/away", HF_TOKEN="hf_secret")
        assert elsewhere.asked and elsewhere.tokens == {None}


def redirect(hub: FakeHub, to: str) -> None:
    handler = hub.server.RequestHandlerClass
    resolve = handler.resolve  # type: ignore[attr-defined]

    def away(self: Any, repo: str, file: str, authorization: str | None) -> None:
        if file.endswith(".index.json"):
            self.answer(302, {"Location": to})
        else:
            resolve(self, repo, file, authorization)

    handler.resolve = away  # type: ignore[attr-defined]


NAMES = st.lists(st.from_regex(r"[a-z_]{1,8}(/[a-z]{1,4})?\.(safetensors|bin|json|md|txt|jinja)", fullmatch=True))


@given(NAMES)
def test_needed_files_are_files_of_the_repository(more: list[str]) -> None:
    there = sorted({*more, "config.json", "model.safetensors"})
    needed = needed_files(there, "model", [weights_entry(there, "model")])
    assert set(needed) <= set(there) and {"config.json", "model.safetensors"} <= set(needed)
    assert not any(name.endswith((".md", ".bin")) or name.startswith("onnx/") for name in needed)


def test_safetensors_come_first() -> None:
    both = ["config.json", "pytorch_model.bin", "model.safetensors.index.json", "model.safetensors.index.json"]
    assert weights_entry(both, "model") == "model.safetensors.index.json"
    with pytest.raises(LookError, match="none of"):
        weights_entry(["config.json", "model.gguf"], "model")
    with pytest.raises(LookError, match="not there"):
        needed_files(["config.json"], "model", ["model-00001-of-00002.safetensors"])

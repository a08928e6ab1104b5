"""Secrets in outputs: hidden in whatever pieces they come, and what was held back comes in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_spool import Fed

from seer_host.config import ConfigError, parse_config
from seer_host.launch import log_tail, prepare
from seer_host.redact import Held, Redactor

SECRET = "canary-4711-canary"


def told(redactor: Redactor, pieces: list[str]) -> str:
    held: Held = {}
    outputs = [{"output_type": "stream", "name": "stdout", "text": piece} for piece in pieces]
    texts = [part["text"] for output in outputs for part in redactor.outputs(output, held)]
    return "".join([*texts, *(part["text"] for part in redactor.release(held))])


#: Few letters, so that forms overlap, contain each other and begin again within themselves.
forms = st.lists(st.text("ab", min_size=2, max_size=7), min_size=1, max_size=5)


@given(st.lists(forms, min_size=1, max_size=3), st.lists(st.text("abc", max_size=9), max_size=12))
def test_pieces_are_redacted_as_the_whole_is(secrets: list[list[str]], pieces: list[str]) -> None:
    redactor = Redactor([(f"N{number}", list(forms)) for number, forms in enumerate(secrets)])
    whole = redactor.text("".join(pieces))
    assert told(redactor, pieces) == whole
    # The names are of other letters than the forms.
    assert not any(form in whole for forms in secrets for form in forms)


def test_only_what_may_become_a_secret_is_held_back() -> None:
    redactor = Redactor([("N", [SECRET])])
    assert redactor.split("epoch 1") == ("epoch 1", "")
    assert redactor.split("so can") == ("so ", "can")
    assert redactor.split(f"{SECRET} and canary-c") == ("[secret N] and canary-", "c")
    assert redactor.split(SECRET) == ("[secret N]", "")


def test_the_longest_form_wins_and_the_first_of_two_with_one_value() -> None:
    redactor = Redactor([("A", ["abcd"]), ("B", ["abcdef", "abcd"])])
    assert redactor.text("abcdef abcd") == "[secret B] [secret A]"


@pytest.fixture
def fed(tmp_path: Path) -> Fed:
    fed = Fed(tmp_path)
    fed.spool.redactor = Redactor([("N", [SECRET])])
    fed.feed("execute_input", execution_count=1)
    return fed


def outputs(fed: Fed) -> list[str]:
    records = [record for record in fed.records() if record["kind"] == "output"]
    return [record["output"].get("text") or json.dumps(record["output"].get("data")) for record in records]


def test_the_journal_never_has_it(fed: Fed) -> None:
    for piece in ("a canary", "-47", "11-canary z\n"):
        fed.feed("stream", name="stdout", text=piece)
    fed.feed("stream", name="stdout", text=f"{SECRET} " * 20_000)
    fed.feed("display_data", data={"text/html": f"<img alt='{SECRET}'>", "application/json": {SECRET: [SECRET]}})
    fed.feed("error", ename=SECRET, evalue=f"no {SECRET}", traceback=[f"\x1b[31m{SECRET}\x1b[0m"])
    fed.spool.tell("cell-begin", control="canary")
    files = b"".join(path.read_bytes() for path in fed.folder.rglob("*") if path.is_file())
    assert SECRET.encode() not in files
    assert b"canary" in files
    assert files.count(b"[secret N]") > 20_000
    assert outputs(fed)[:2] == ["a ", "[secret N] z\n"]


def test_what_was_held_back_comes_before_a_figure_and_before_the_end(fed: Fed) -> None:
    fed.feed("stream", name="stdout", text="can")
    fed.feed("stream", name="stderr", text="cana")
    fed.feed("display_data", data={"text/plain": "figure"})
    fed.feed("stream", name="stdout", text="canary-4711")
    fed.feed("status", execution_state="idle")
    assert outputs(fed) == ["can", "cana", '{"text/plain": "figure"}']
    fed.reply()
    assert outputs(fed)[3:] == ["canary-4711"]
    assert fed.kinds()[-1] == "cell-end"


def test_what_a_thread_prints_after_the_end_comes_with_the_next_tick(fed: Fed) -> None:
    fed.feed("status", execution_state="idle")
    fed.reply()
    fed.feed("stream", name="stdout", text="late can")
    assert outputs(fed) == ["late "]
    fed.spool.tick()
    assert outputs(fed) == ["late ", "can"]


def test_a_death_tells_it_too(fed: Fed) -> None:
    fed.feed("stream", name="stdout", text="can")
    fed.spool.kernel_died(1, None, "died")
    assert (outputs(fed), fed.kinds()[-1]) == (["can"], "kernel-dead")


def config_line(folder: Path, redact: object) -> bytes:
    paths = {key: str(folder) for key in ("socket", "stateDir", "runtimeDir", "workspace", "pythonDir")}
    return json.dumps({**paths, "sandbox": "sb", "python": "/p/bin/python", "redact": redact}).encode()


@pytest.mark.parametrize("redact", [None, {}, ["x"], [{"name": 1, "forms": []}], [{"name": "N", "forms": [1]}], [{}]])
def test_a_configuration_that_is_not_right_is_refused(redact: object) -> None:
    with pytest.raises(ConfigError, match="redact"):
        parse_config(config_line(Path("/s"), redact))


def test_what_a_kernel_said_before_it_failed_is_told_without_it(tmp_path: Path) -> None:
    config = parse_config(config_line(tmp_path, [{"name": "N", "forms": [SECRET]}]))
    launch = prepare(config, "s1", 1, {})
    launch.log_file.write_text(f"KeyError: {SECRET}\n")
    assert log_tail(config, launch) == "KeyError: [secret N]"

    assert parse_config(config_line(tmp_path, [])).redactor is None

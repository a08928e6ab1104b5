"""What JupyterLab's server answers at all, and how it is set up; the server itself runs in `test/jupyter.test.ts`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seer_jupyter.gate import is_allowed
from seer_jupyter.settings import config_of, environment, inline_scripts, lay_out, policy

KERNEL = "/api/kernels/0b6-4"


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /",
        "GET /lab",
        "GET /lab/tree/notebook.ipynb",
        "HEAD /static/lab/main.js",
        "GET /api/contents/notebook.ipynb",
        f"GET {KERNEL}/channels",
        f"POST {KERNEL}/interrupt",
        f"POST {KERNEL}/restart",
        "POST /api/sessions",
        "DELETE /api/sessions/0b6-4",
        "PUT /lab/api/workspaces/default",
    ],
)
def test_allowed(request_line: str) -> None:
    assert is_allowed(*request_line.split(" "))


@pytest.mark.parametrize(
    "request_line",
    [
        "PUT /api/contents/notebook.ipynb",
        "POST /api/contents",
        "PATCH /api/contents/notebook.ipynb",
        "DELETE /api/contents/notebook.ipynb",
        "GET /files/notebook.ipynb",
        "GET /nbconvert/html/notebook.ipynb",
        "GET /api/terminals",
        "POST /api/terminals",
        "GET /terminals/websocket/1",
        f"DELETE {KERNEL}",
        "POST /api/shutdown",
        "GET /lab/api/build",
        "GET /lab/api/extensions",
        "POST /lab/api/extensions",
        "GET /lab/api/plugins",
        "GET /lab/api/news",
        "GET /lab/api/update",
        "PUT /api/config/notebook",
        "POST /login",
        "OPTIONS /api/contents",
        "TRACE /",
    ],
)
def test_refused(request_line: str) -> None:
    assert not is_allowed(*request_line.split(" "))


def test_the_policy_names_the_scripts_of_the_page_and_no_others() -> None:
    html = '<script id="data" type="application/json">{}</script><script src="x.js"></script><script>a\n(1)</script>'
    (script,) = inline_scripts(html)
    rules = dict(rule.split(" ", 1) for rule in policy(html).split("; "))
    assert rules["script-src"] == f"'self' 'unsafe-eval' {script}"
    assert rules["object-src"] == "'none'"
    assert all("unsafe-inline" not in value for name, value in rules.items() if name != "style-src")


def test_its_folders_are_its_own_and_closed(tmp_path: Path) -> None:
    places = lay_out(tmp_path)
    assert {place.stat().st_mode & 0o077 for place in places.values()} == {0}
    for name, value in environment(places).items():
        assert value == "1" or value.startswith(str(tmp_path)), name
    disabled = json.loads((places["app"] / "page_config.json").read_text())["disabledExtensions"]
    assert "@jupyterlab/apputils-extension:announcements" in disabled
    config = config_of({"token": "t", "gateway": {"url": "http://127.0.0.1:1", "token": "g"}}, places, "")
    assert config["ServerApp"]["root_dir"] == str(places["copy"])
    assert (config["ServerApp"]["ip"], config["LabApp"]["news_url"]) == ("127.0.0.1", None)

"""How JupyterLab is set up: in folders of its own, without what it could do beside showing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

NOTEBOOK = "notebook.ipynb"

#: Nothing of these would work here, or they would ask hosts of the internet.
DISABLED = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/cell-toolbar-extension",
    "@jupyterlab/debugger-extension",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/filebrowser-extension:create-new-language-file",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/help-extension:jupyter-forum",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/notebook-extension:export",
    "@jupyterlab/notebook-extension:language-server",
    "@jupyterlab/notebook-extension:lsp-ready",
    "@jupyterlab/pluginmanager-extension",
    "@jupyterlab/terminal-extension",
)

#: What would change a notebook that is only shown.
TOOLBAR = ("save", "insert", "cut", "copy", "paste", "run", "interrupt", "restart", "restart-and-run", "cellType")

OVERRIDES: dict[str, Any] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:panel": {"toolbar": [{"name": name, "disabled": True} for name in TOOLBAR]},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


def inline_scripts(html: str) -> list[str]:
    """The hashes by which a policy allows the page's own scripts, and no others that stand in it."""
    found = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    return ["'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'" for text in found]


def policy(index_html: str) -> str:
    scripts = " ".join(["'self'", "'unsafe-eval'", *inline_scripts(index_html)])
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )


def lay_out(folder: Path) -> dict[str, Path]:
    """The folders of a server. The copy of the notebook lies in one of its own."""
    places = {
        name: folder / name for name in ("copy", "config", "data", "runtime", "settings", "workspaces", "app", "home")
    }
    for place in places.values():
        place.mkdir(mode=0o700)
    (places["app"] / "page_config.json").write_text(json.dumps({"disabledExtensions": DISABLED}))
    (places["app"] / "overrides.json").write_text(json.dumps(OVERRIDES))
    return places


def environment(places: dict[str, Path]) -> dict[str, str]:
    """Read by Jupyter's libraries as they are imported: nothing of the user's own is read or written."""
    return {
        "HOME": str(places["home"]),
        "IPYTHONDIR": str(places["home"]),
        "JUPYTER_CONFIG_DIR": str(places["config"]),
        "JUPYTER_DATA_DIR": str(places["data"]),
        "JUPYTER_RUNTIME_DIR": str(places["runtime"]),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTERLAB_SETTINGS_DIR": str(places["settings"]),
        "JUPYTERLAB_WORKSPACES_DIR": str(places["workspaces"]),
    }


def config_of(asked: dict[str, Any], places: dict[str, Path], index_html: str) -> dict[str, Any]:
    gateway = asked["gateway"]
    return {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": 0,
            "port_retries": 0,
            "open_browser": False,
            "allow_root": True,
            "log_level": "ERROR",
            "root_dir": str(places["copy"]),
            "terminals_enabled": False,
            "quit_button": False,
            "nbserver_extensions": {},
            "jpserver_extensions": {},
            "answer_yes": True,
            "kernel_manager_class": "seer_jupyter.server.SessionKernels",
            "contents_manager_class": "seer_jupyter.server.ReadOnlyContents",
            "tornado_settings": {
                "page_config_data": {"buildAvailable": False, "buildCheck": False},
                "headers": {
                    "Content-Security-Policy": policy(index_html),
                    "X-Content-Type-Options": "nosniff",
                    "Referrer-Policy": "no-referrer",
                },
            },
        },
        "MultiKernelManager": {"default_kernel_name": "seer"},
        "IdentityProvider": {"token": asked["token"]},
        "GatewayClient": {
            "url": gateway["url"],
            "auth_scheme": "Bearer",
            "auth_token": gateway["token"],
            # A large model is loaded again after a restart.
            "request_timeout": 3600.0,
        },
        "LabApp": {
            "app_settings_dir": str(places["app"]),
            "extension_manager": "readonly",
            "extra_labextensions_path": [str(Path(__file__).parent / "labextensions")],
            "labextensions_path": [],
            "news_url": None,
            "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
            "user_settings_dir": str(places["settings"]),
            "workspaces_dir": str(places["workspaces"]),
        },
    }

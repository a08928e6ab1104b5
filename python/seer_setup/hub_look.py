"""Ask the Hugging Face hub what a model is, before anything is fetched or even installed.

    python hub_look.py --repo ORG/NAME --kind model|adapter [--revision REVISION]

Writes one line of JSON: `{"found": {…}}` with the commit and the files that loading needs, or
`{"error": {"kind", "text"}}`. Only the standard library, so that any Python can run it. The token (HF_TOKEN, or the
file that `hf auth login` writes) is sent to the hub's own host and is never shown.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

TIMEOUT_S = 20
TRIES = 3

_AUXILIARY = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template"
    r"|processor_config|preprocessor_config|tekken)\.json"
    r"|(vocab|merges)\.txt|(tokenizer|spiece|sentencepiece\.bpe)\.model|[^/]+\.tiktoken"
    r"|chat_template\.jinja|additional_chat_templates/[^/]+\.jinja"
)
_WEIGHTS = {
    "model": (
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ),
    "adapter": ("adapter_model.safetensors", "adapter_model.bin"),
}


class LookError(Exception):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def weights_entry(names: list[str], kind: str) -> str:
    """The file by which transformers or PEFT would load the weights: safetensors before anything else."""
    config = "config.json" if kind == "model" else "adapter_config.json"
    if config not in names:
        other = "adapter_config.json" if kind == "model" else "config.json"
        raise LookError("kind" if other in names else "format", f"it has no {config}")
    for name in _WEIGHTS[kind]:
        if name in names:
            return name
    raise LookError("format", f"it has none of {', '.join(_WEIGHTS[kind])}")


def needed_files(names: list[str], kind: str, weights: list[str]) -> list[str]:
    """What of a repository's files loading needs: these weights, the configs, the tokenizer, the chat template."""
    missing = [name for name in weights if name not in names]
    if missing:
        raise LookError("format", f"its index names {missing[0]}, which is not there")
    config = "adapter_config.json" if kind == "adapter" else _index_of(weights)
    return sorted({*weights, *(name for name in names if _AUXILIARY.fullmatch(name) or name == config)})


def _index_of(weights: list[str]) -> str:
    suffix = Path(weights[0]).suffix
    return f"{'model' if suffix == '.safetensors' else 'pytorch_model'}{suffix}.index.json"


def token() -> str | None:
    """As the hub's own library finds it."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if value := os.environ.get(name, "").strip():
            return value
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "huggingface"
    )
    path = Path(os.environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")).expanduser()
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


class _SameHostOnly(urllib.request.HTTPRedirectHandler):
    """A redirect to another host does not get the token."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            request.remove_header("Authorization")
        return request


def _tls() -> ssl.SSLContext:
    own = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    context = ssl.create_default_context(cafile=own if own and not os.environ.get("SSL_CERT_FILE") else None)
    if not context.get_ca_certs() and not os.environ.get("SSL_CERT_FILE"):
        try:
            import certifi

            context.load_verify_locations(certifi.where())
        except ImportError:
            pass
    return context


class Hub:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.opener = urllib.request.build_opener(_SameHostOnly, urllib.request.HTTPSHandler(context=_tls()))
        self.token = token()

    def get(self, path: str, repo: str) -> Any:
        headers = {"User-Agent": "seer", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.endpoint}{path}", headers=headers)
        for attempt in range(1, TRIES + 1):
            try:
                with self.opener.open(request, timeout=TIMEOUT_S) as response:
                    return json.loads(response.read())
            except urllib.error.HTTPError as error:
                if error.code < 500 or attempt == TRIES:
                    raise _refusal(error, repo, self.token is not None) from error
            except (OSError, ValueError) as error:
                if attempt == TRIES or isinstance(error, ssl.SSLError):
                    raise LookError("unreachable", f"{self.endpoint}: {getattr(error, 'reason', error)}") from error
            time.sleep(0.5 * attempt)
        raise AssertionError


def _refusal(error: urllib.error.HTTPError, repo: str, has_token: bool) -> LookError:
    code = error.headers.get("X-Error-Code") or ""
    said = error.headers.get("X-Error-Message") or error.reason
    if code == "RevisionNotFound":
        return LookError("revision", said)
    if code == "GatedRepo" or (error.code == 403 and code != "RepoNotFound"):
        return LookError("gated", said)
    if error.code == 401 and "credentials" in said and has_token:
        return LookError("token", said)
    if error.code in (401, 404):
        return LookError("missing", said)
    return LookError("unreachable", f"the hub answered {error.code}: {said}")


def look(hub: Hub, repo: str, kind: str, revision: str) -> dict[str, Any]:
    quoted = urllib.parse.quote(revision, safe="")
    info = hub.get(f"/api/models/{repo}/revision/{quoted}?blobs=true", repo)
    commit = str(info["sha"])
    sizes = {file["rfilename"]: int(file.get("size") or 0) for file in info["siblings"]}
    names = list(sizes)
    entry = weights_entry(names, kind)

    def read(name: str) -> Any:
        return hub.get(f"/{repo}/resolve/{commit}/{urllib.parse.quote(name)}", repo)

    # Everyone may see what a gated model consists of; its files are for those who were let in.
    config = read("config.json" if kind == "model" else "adapter_config.json")
    weights = sorted(set(read(entry)["weight_map"].values())) if entry.endswith(".index.json") else [entry]
    counted = (info.get("safetensors") or {}).get("parameters") if weights[0].endswith(".safetensors") else None
    return {
        "commit": commit,
        "files": [{"path": name, "size": sizes[name]} for name in needed_files(names, kind, weights)],
        "weights": [{"name": name, "bytes": sizes[name]} for name in weights],
        "elements": counted or None,
        "config": config,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="ask the Hugging Face hub what a model is")
    parser.add_argument("--repo", required=True)
    parser.add_argument("--kind", choices=["model", "adapter"], required=True)
    parser.add_argument("--revision", default="main")
    options = parser.parse_args()
    hub = Hub(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    try:
        answer = {"found": look(hub, options.repo, options.kind, options.revision)}
    except LookError as error:
        answer = {"error": {"kind": error.kind, "text": str(error)}}
    except (KeyError, TypeError, AttributeError) as error:
        answer = {"error": {"kind": "unreachable", "text": f"{hub.endpoint} answers as no hub does ({error!r})"}}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())

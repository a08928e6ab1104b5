"""JupyterLab's own classes, as far as they must be other than they are."""

from __future__ import annotations

from typing import Any

from jupyter_server.gateway.managers import GatewayMappingKernelManager
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler

from .gate import is_allowed


class SessionKernels(GatewayMappingKernelManager):  # type: ignore[misc]
    """A tab that is closed does not end the kernel, which others work with."""

    async def shutdown_kernel(self, kernel_id: str, now: bool = False, restart: bool = False) -> None:
        return None

    async def shutdown_all(self, now: bool = False) -> None:
        return None


class ReadOnlyContents(LargeFileManager):  # type: ignore[misc]
    """The copy of the notebook. Seer has made it safe to be shown: frames without scripts stand in it, which JupyterLab
    draws in trusted cells only."""

    def mark_trusted_cells(self, nb: Any, path: str = "") -> None:
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.metadata.trusted = True

    def check_and_sign(self, nb: Any, path: str = "") -> None:
        return None

    def _base_model(self, path: str) -> dict[str, Any]:
        return {**super()._base_model(path), "writable": False}


class _Refused(Matcher):
    def match(self, request: Any) -> dict[str, Any] | None:
        return None if is_allowed(request.method, request.path) else {}


class _Refusal(RequestHandler):
    def prepare(self) -> None:
        self.set_status(403)
        self.finish({"message": "This is a view of a session of Seer: nothing is changed here.", "reason": None})

    def check_xsrf_cookie(self) -> None:
        return None


def close_gate(web_app: Any) -> None:
    """Before all that answers: not each of JupyterLab's handlers asks an authorizer."""
    web_app.default_router.rules.insert(0, Rule(_Refused(), _Refusal))

"""What may be asked of the server at all: the pages, reading, and what works on the session's kernel."""

from __future__ import annotations

import re

_ID = r"[\w-]+"

#: Not among what is read: what installs, builds, or fetches from elsewhere.
_REFUSED = re.compile(r"/lab/api/(build|extensions|plugins|news|update)(/|$)")

_ALLOWED = {
    "GET": (
        r"/",
        r"/login",
        r"/favicon\.ico",
        r"/(lab|static|kernelspecs)(/.*)?",
        r"/api/(contents|kernels|kernelspecs|sessions|events|config|nbconvert|status|me)(/.*)?",
    ),
    "POST": (
        r"/api/kernels",
        rf"/api/kernels/{_ID}/(interrupt|restart)",
        r"/api/sessions",
        r"/api/security/csp-report",
    ),
    # A session is what a tab has of the kernel: the kernel itself outlives it (`server.py`).
    "PATCH": (rf"/api/sessions/{_ID}",),
    "DELETE": (rf"/api/sessions/{_ID}",),
    # How the page looks, kept until the server ends.
    "PUT": (r"/lab/api/(settings|workspaces)/.*",),
}
_RULES = {method: [re.compile(path) for path in paths] for method, paths in _ALLOWED.items()}


def is_allowed(method: str, path: str) -> bool:
    """Neither writes to the notebook, nor starts or ends anything but what a tab has."""
    if _REFUSED.match(path):
        return False
    return any(rule.fullmatch(path) for rule in _RULES.get("GET" if method == "HEAD" else method, []))

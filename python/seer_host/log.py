"""The host's own log: lines on stderr, which is `host.log`. Bounded, since a peer can cause lines."""

from __future__ import annotations

import sys
import time

MAX_LOG_BYTES = 4 * 1024 * 1024
_written = 0


def log(message: str) -> None:
    global _written
    if _written > MAX_LOG_BYTES:
        return
    line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {message[:2000]}\n"
    _written += len(line)
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # a full disk must not end the host

"""The peer of bench/sessions.ts: so many plain kernels of jupyter_client, at once or one by one. Prints JSON."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager


def pss_mib(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


async def opened() -> AsyncKernelManager:
    manager = AsyncKernelManager()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=120)
    return manager


async def measured(how: str, count: int) -> dict[str, float]:
    started = time.perf_counter()
    if how == "at once":
        managers = await asyncio.gather(*(opened() for _ in range(count)))
    else:
        managers = [await opened() for _ in range(count)]
    ms = (time.perf_counter() - started) * 1000
    kernels = sum(pss_mib(manager.provisioner.pid) for manager in managers)
    own = pss_mib(os.getpid())
    await asyncio.gather(*(manager.shutdown_kernel(now=True) for manager in managers))
    return {"ms": ms, "kernelsMiB": kernels, "ownMiB": own}


print(json.dumps(asyncio.run(measured(sys.argv[1], int(sys.argv[2])))))

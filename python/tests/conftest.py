"""Real hosts for the tests, each in a short folder of its own; none outlives its test."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client import Client, HostFixture
from wall_fixture import needs_wall

from seer_spawner.processes import descendants


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    # A shell's background jobs ignore Ctrl-C, and so would all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _hosts() -> Iterator[Callable[..., HostFixture]]:
    made: list[HostFixture] = []
    roots: list[Path] = []

    def make(**config: Any) -> HostFixture:
        roots.append(Path(tempfile.mkdtemp(prefix="seer-t")))
        made.append(HostFixture(roots[-1], **config))
        return made[-1]

    yield make
    for host in made:
        try:
            for pid in [*descendants(host.pid), host.pid]:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for root in roots:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def make_host() -> Iterator[Callable[..., HostFixture]]:
    yield from _hosts()


@pytest.fixture(params=["bare", pytest.param("walled", marks=needs_wall)])
def make_either(request: pytest.FixtureRequest) -> Iterator[Callable[..., HostFixture]]:
    """Hosts without and with a wall: what is promised of processes holds for both."""
    for make in _hosts():
        yield functools.partial(make, walled=request.param == "walled")


@pytest.fixture(scope="module")
def shared_host() -> Iterator[HostFixture]:
    """One host for the tests of a module that leave it as they found it."""
    hosts = _hosts()
    yield next(hosts)()
    next(hosts, None)


@pytest.fixture(scope="module")
def shared(shared_host: HostFixture) -> Iterator[Client]:
    """Attached to a host with a kernel of session s1."""
    client = shared_host.client()
    client.start(params={"layers": [1, 2]})
    yield client
    client.close()

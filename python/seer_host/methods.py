"""The methods of the protocol: their parameters, and what each does. An answer is the raw JSON of the result."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .check import (
    Check,
    decode_chunk,
    integer,
    is_argv,
    is_bool,
    is_chunk,
    is_code,
    is_connection,
    is_duration,
    is_environment,
    is_id,
    is_ids,
    is_kernel_config,
    is_path,
    is_peek_code,
    is_peek_seconds,
    is_seconds,
    is_sha256,
    is_stdin,
    one_of,
)
from .errors import INVALID_PARAMS, REQUEST_CANCELLED, RpcError
from .frames import MAX_MESSAGE_BYTES
from .network_rules import is_rules, parse_rules
from .stream_readers import Reader, Reply, Result
from .text import encode_json

if TYPE_CHECKING:
    from .host import Host

PROTOCOL_VERSION = 4
MAX_CHUNK_BYTES = 512 * 1024
ENVELOPE_BYTES = 1024

Cancelled = threading.Event
#: To be called with what is called with the answer, once there is one.
Later = Callable[[Reply], None]
Answer = Callable[["Host", dict[str, Any], Cancelled], "bytes | Later"]


@dataclass(frozen=True)
class Method:
    shape: dict[str, Check]
    answer: Answer
    #: It may take its time, so it gets a thread of its own; the others are answered where they are read.
    waits: bool


def _hello(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    return encode_json(
        {
            "protocol": PROTOCOL_VERSION,
            "sandbox": host.config.sandbox,
            "pid": host.pid,
            "startTime": host.start_time,
            "leaseSeconds": host.lease.lease_seconds,
            "lastSeq": host.journal.last_seq,
            "endsInSeconds": host.lease.left_seconds,
        }
    )


def _shutdown(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.end("asked")
    return b"{}"


def _keep(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.end_running(keep=set(params["sessions"]))
    host.lease.keep(params["leaseSeconds"])
    return b"{}"


def _start(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    return encode_json(host.kernels.start(params["session"], params["generation"], params["config"]))


def _execute(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    return encode_json(host.kernels.execute(params["session"], params["generation"], params["cell"], params["code"]))


def _interrupt(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.interrupt(params["session"], params["generation"], params["cell"], params["how"])
    return b"{}"


def _stop(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.stop_session(params["session"], params["generation"])
    return b"{}"


def _peek(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    return encode_json(
        host.kernels.peek(params["session"], params["generation"], params["peek"], params["code"], params["seconds"])
    )


def _read_journal(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    journal = host.journal
    after, max_bytes = params["after"], min(params["maxBytes"], MAX_MESSAGE_BYTES - ENVELOPE_BYTES)
    with journal.changed:
        journal.changed.wait_for(
            lambda: journal.last_seq > after or cancelled.is_set(), timeout=params["waitMs"] / 1000
        )
    if cancelled.is_set():
        raise RpcError(REQUEST_CANCELLED, "cancelled")
    return b'{"records":[' + journal.read(after, max_bytes) + b"]}"


def _read_blob(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    data, size = host.blobs.read(params["sha256"], params["offset"], params["length"])
    return b'{"base64":"' + base64.b64encode(data) + b'","size":%d}' % size


def _set_network(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.set_network(parse_rules(params["open"], params["hosts"]))
    return b"{}"


def _start_process(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    if params["stream"] and params["stdin"]:
        raise RpcError(INVALID_PARAMS, "a process whose stdin is a stream has no other")
    known = host.kernels.processes.start(params, base64.b64decode(params["stdin"]))
    return encode_json({"known": known})


def _read_process(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    found = host.kernels.processes.read(params, cancelled)
    if cancelled.is_set():
        raise RpcError(REQUEST_CANCELLED, "cancelled")
    text = {name: base64.b64encode(found[name]).decode() for name in ("stdout", "stderr")}
    return encode_json({**found, **text})


def _kill_process(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.processes.kill(params["process"])
    return b"{}"


def _listen(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    return encode_json({"path": host.kernels.streams.listen(params["listener"])})


def _unlisten(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.streams.unlisten(params["listener"])
    return b"{}"


def _read_streams(host: Host, params: dict[str, Any], cancelled: Cancelled) -> Later:
    max_bytes = min(params["maxBytes"], MAX_MESSAGE_BYTES - ENVELOPE_BYTES)
    until = time.monotonic() + params["waitMs"] / 1000

    def later(reply: Reply) -> None:
        def told(pieces: Result) -> None:
            reply(b'{"pieces":[' + pieces + b"]}" if isinstance(pieces, bytes) else pieces)

        host.kernels.streams.read(Reader(params["after"], max_bytes, until, cancelled, told))

    return later


def _write_stream(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    data = decode_chunk(params["base64"])
    return b'{"accepted":%d}' % host.kernels.streams.write(params["connection"], params["offset"], data)


def _allow_stream(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.streams.allow(params["connection"], params["bytes"])
    return b"{}"


def _close_stream(host: Host, params: dict[str, Any], cancelled: Cancelled) -> bytes:
    host.kernels.streams.close(params["connection"])
    return b"{}"


_KERNEL = {"session": is_id, "generation": integer(1)}

METHODS = {
    "host/hello": Method({}, _hello, waits=False),
    "host/shutdown": Method({}, _shutdown, waits=True),
    "host/keep": Method({"leaseSeconds": is_duration, "sessions": is_ids}, _keep, waits=True),
    "kernel/start": Method({**_KERNEL, "config": is_kernel_config}, _start, waits=True),
    "kernel/execute": Method({**_KERNEL, "cell": is_id, "code": is_code}, _execute, waits=False),
    "kernel/interrupt": Method({**_KERNEL, "cell": is_id, "how": one_of("message", "signal")}, _interrupt, waits=True),
    "kernel/stop": Method(_KERNEL, _stop, waits=True),
    "kernel/peek": Method(
        {**_KERNEL, "peek": is_id, "code": is_peek_code, "seconds": is_peek_seconds}, _peek, waits=True
    ),
    "journal/read": Method(
        {"after": integer(0), "maxBytes": integer(1, MAX_MESSAGE_BYTES), "waitMs": integer(0, 60_000)},
        _read_journal,
        waits=True,
    ),
    "network/rules": Method({"open": is_bool, "hosts": is_rules}, _set_network, waits=True),
    "blob/read": Method(
        {"sha256": is_sha256, "offset": integer(0), "length": integer(1, MAX_CHUNK_BYTES)}, _read_blob, waits=False
    ),
    "process/start": Method(
        {
            "process": is_id,
            "argv": is_argv,
            "cwd": is_path,
            "env": is_environment,
            "stdin": is_stdin,
            "seconds": is_seconds,
            "maxBytes": integer(1),
            "stream": is_bool,
        },
        _start_process,
        waits=True,
    ),
    "process/read": Method(
        {
            "process": is_id,
            "stdout": integer(0),
            "stderr": integer(0),
            "maxBytes": integer(1, MAX_CHUNK_BYTES),
            "waitMs": integer(0, 60_000),
        },
        _read_process,
        waits=True,
    ),
    "process/kill": Method({"process": is_id}, _kill_process, waits=True),
    "stream/listen": Method({"listener": is_id}, _listen, waits=True),
    "stream/unlisten": Method({"listener": is_id}, _unlisten, waits=True),
    "stream/read": Method(
        {"after": integer(0), "maxBytes": integer(1, MAX_MESSAGE_BYTES), "waitMs": integer(0, 60_000)},
        _read_streams,
        waits=False,
    ),
    "stream/write": Method(
        {"connection": is_connection, "offset": integer(0), "base64": is_chunk}, _write_stream, waits=False
    ),
    "stream/allow": Method({"connection": is_connection, "bytes": integer(0)}, _allow_stream, waits=False),
    "stream/close": Method({"connection": is_connection}, _close_stream, waits=False),
}

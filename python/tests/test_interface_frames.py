"""What is no message ends the process; what is one and says nonsense is answered."""

from __future__ import annotations

import json
import resource
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interface_process import CallFailed, InterfaceProcess, serving

from seer_client.frames import FrameError, read_frame, send_frame

ECHO = """
@expose
def echo(value):
    return value

@expose
def kind(value) -> str:
    return type(value).__module__ + "." + type(value).__name__
"""


def prefix(head: int, body: int = 0, data: int = 0) -> bytes:
    return struct.pack(">III", head, body, data)


def framed(head: Any, body: bytes = b"", data: bytes = b"") -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return prefix(len(text), len(body), len(data)) + text + body + data


CALL = {"kind": "call", "id": 1, "function": "echo", "seconds": 600}

NO_FRAMES = [
    (prefix(2**30), "of 1073741824, 0 and 0 bytes"),
    (prefix(2**32 - 1, 2**32 - 1, 2**32 - 1), "of 4294967295"),
    (prefix(64 * 1024 + 1), "of 65537, 0 and 0 bytes"),
    (prefix(10, 8 * 2**20 + 1), "of 10, 8388609"),
    (prefix(10, 0, 64 * 2**20 + 1), "67108865 bytes"),
    (prefix(0), "of 0, 0 and 0 bytes"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "of 1195725856"),
    (framed(b"{"), "head is not to be read: not JSON"),
    (framed(b"[" * 60_000), "head is not to be read"),
    (framed(b'{"kind":"call","kind":"cancel"}'), "the name 'kind' is there twice"),
    (framed([]), "head is no object"),
    (framed({"kind": "call", "buffers": [1]}), "0 bytes of arrays"),
    (framed({"kind": "call", "buffers": [-1, 1]}), "how long its arrays are"),
    (framed({"kind": "call", "buffers": [True]}, b"", b"x"), "how long its arrays are"),
    (framed({"kind": "call", "buffers": {"0": 1}}, b"", b"x"), "how long its arrays are"),
    (framed({"kind": "call"}, b"", b"x"), "1 bytes of arrays"),
    (framed({"kind": "call", "buffers": [0] * 1025}), "0 bytes of arrays"),
    (framed({"kind": "call", "buffers": [2**200]}, b"", b"x"), "1 bytes of arrays"),
    (framed({"kind": "dance", "id": 1}), "a kind that is not known"),
    (framed({"kind": ["call"], "id": 1}), "a kind that is not known"),
    (framed({"id": 1}), "a kind that is not known"),
    (framed({"kind": "call", "function": "echo", "seconds": 1}), "without a number"),
    (framed({**CALL, "id": "1"}), "without a number"),
    (framed({**CALL, "id": True}), "without a number"),
    (framed({**CALL, "function": 5}), "does not say of what"),
    (framed({**CALL, "function": {"__class__": 1}}), "does not say of what"),
    (framed({**CALL, "seconds": None}), "does not say of what"),
]


@pytest.mark.parametrize(
    ("raw", "said"), NO_FRAMES, ids=lambda value: str(value)[:24] if isinstance(value, str) else ""
)
def test_garbage_ends_the_process_which_says_why(tmp_path: Path, raw: bytes, said: str) -> None:
    with serving(tmp_path, ECHO) as process:
        process.sock.sendall(raw)
        assert process.process.wait(30) == 2
        assert said in process.stderr and "Traceback" not in process.stderr


def test_two_calls_of_one_number_end_it(tmp_path: Path) -> None:
    with serving(tmp_path, "import time\n@expose\ndef wait():\n    time.sleep(60)\n") as process:
        process.sock.sendall(framed({**CALL, "function": "wait"}, b"{}") * 2)
        assert process.process.wait(30) == 2
        assert "two calls of one number" in process.stderr


def test_nothing_is_allocated_by_what_a_prefix_claims() -> None:
    ours, theirs = socket.socketpair()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ours, theirs:
        theirs.sendall(prefix(100, 2**30, 2**31))
        with pytest.raises(FrameError):
            read_frame(ours)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_frames_come_whole_however_they_are_cut() -> None:
    ours, theirs = socket.socketpair()
    buffers: list[Any] = [b"", np.arange(1_000_000, dtype=np.uint8).data, bytearray(b"xyz"), *[b"q"] * 1000]

    def send() -> None:
        theirs.settimeout(60)  # so that not everything is taken at once
        for _ in range(3):
            send_frame(theirs, {"kind": "x"}, b"[1]", buffers)
        text = framed({"kind": "y", "buffers": [2, 1]}, b"{}", b"abc")
        for byte in text + text[:-1]:
            theirs.sendall(bytes([byte]))
        theirs.close()

    with ours:
        threading.Thread(target=send, daemon=True).start()
        for _ in range(3):
            frame = read_frame(ours)
            assert frame is not None and frame.body == b"[1]" and frame.head["kind"] == "x"
            assert [bytes(buffer) for buffer in frame.buffers] == [bytes(memoryview(buffer)) for buffer in buffers]
        frame = read_frame(ours)
        assert frame is not None and frame.head["kind"] == "y" and frame.buffers == [b"ab", b"c"]
        assert read_frame(ours) is None, "the last one was not sent whole"


@pytest.mark.parametrize(
    ("head", "body", "buffers"),
    [
        ({"x": "y" * 65_536}, b"", []),
        ({}, b"x" * (8 * 2**20 + 1), []),
        ({}, b"", [bytes(2**26), b"x"]),
        ({}, b"", [b""] * 1025),
    ],
)
def test_too_large_a_frame_is_not_sent(head: dict[str, Any], body: bytes, buffers: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(FrameError):
        send_frame(ours, head, body, buffers)
    with pytest.raises(OSError):
        theirs.recv(1)


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("echo"), ECHO) as process:
        yield process


NO_ARGUMENTS = [
    (b"", "not JSON"),
    (b"not", "not JSON"),
    (b"[1]", "takes arguments by their names"),
    (b"null", "takes arguments by their names"),
    (b'{"value":1,"value":2}', "the name 'value' is there twice"),
    (b'{"value":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", "more than 100 deep"),
    (b'{"value":' + b"9" * 5000 + b"}", "more than 4300 digits"),
    (b'{"value":1e400}', "beyond what a float can be"),
    (b'{"value":NaN}', "NaN is not JSON"),
    (b'{"value":{"$seer":"array","dtype":"float32","shape":[9],"buffer":0}}', "has 36 bytes, and 8 came"),
    (b'{"value":{"$seer":"array","dtype":"object","shape":[1],"buffer":0}}', "an array of 'object'"),
    (b'{"value":{"$seer":"bytes","buffer":3}}', "a value of the buffer 3, which did not come"),
    (b'{"value":{"$seer":"pickle","buffer":0}}', "nobody knows"),
    (b'{"$seer":"float","value":"nan"}', "takes arguments by their names"),
    (b'{"__class__":1}', "echo() has no parameter '__class__'"),
    (b'{"__proto__":1,"value":1}', "echo() has no parameter '__proto__'"),
    (b'{"self":1}', "echo() has no parameter 'self'"),
]


@pytest.mark.parametrize(("body", "said"), NO_ARGUMENTS, ids=lambda value: str(value)[:30])
def test_what_are_no_arguments_is_answered(echo: InterfaceProcess, body: bytes, said: str) -> None:
    with pytest.raises(CallFailed) as error:
        echo.result(echo.start_raw("echo", body, [bytes(8)]))
    assert error.value.kind == "invalid-arguments" and said in error.value.message
    assert len(error.value.message) < 300
    assert echo.call("echo", value=1) == 1, "and it goes on"


@pytest.mark.parametrize(
    "name", ["", "nope", "__init__", "__class__", "expose", "print", "os.system", "echo\0", "é" * 200]
)
def test_only_what_is_exposed_can_be_called(echo: InterfaceProcess, name: str) -> None:
    with pytest.raises(CallFailed) as error:
        echo.call(name)
    assert error.value.kind == "unknown-function" and "model_tools has no function" in error.value.message


def test_cancels_of_calls_that_are_not_there_are_ignored(echo: InterfaceProcess) -> None:
    for id in (0, -5, 10**30, 999):
        echo.cancel(id)
    id = echo.start("echo", value=1)
    assert echo.result(id) == 1
    echo.cancel(id)
    assert echo.call("echo", value={"__proto__": {"constructor": 2}}) == {"__proto__": {"constructor": 2}}


def test_values_go_through_as_they_are(echo: InterfaceProcess) -> None:
    value: list[Any] = [
        2**60 + 1,
        1.0,
        -0.0,
        float("inf"),
        "é\ud800",
        b"\0\xff",
        np.arange(6, dtype=">i2").reshape(2, 3),
    ]
    came = echo.call("echo", value=value)
    assert came[:6] == value[:6] and str(came[1:3]) == "[1.0, -0.0]"
    assert np.array_equal(came[6], value[6]) and came[6].dtype == np.int16
    # numpy is not even imported for what is no array.
    assert echo.call("kind", value=np.float32(1)) == "builtins.float"
    assert echo.call("kind", value=np.zeros(1)) == "numpy.ndarray"


def test_a_large_array_both_ways(echo: InterfaceProcess) -> None:
    array = np.random.default_rng(0).random((2048, 4096))
    assert array.nbytes == 2**26
    assert np.array_equal(echo.call("echo", value=array), array)

"""What of the proxy's decisions the journal tells."""

from __future__ import annotations

from typing import Any

import pytest

from seer_host import network_told
from seer_host.network_told import Told
from seer_host.redact import Redactor


class Kept(list[dict[str, Any]]):
    def __call__(self, record: dict[str, Any]) -> bool:
        self.append(record)
        return True


def test_a_record() -> None:
    kept = Kept()
    assert Told(kept, None).tell("Example.org.", 443, False, "is not wanted")
    assert kept == [
        {
            "session": "network",
            "generation": 1,
            "kind": "network-connect",
            "host": "example.org",
            "port": 443,
            "allowed": False,
            "because": "is not wanted",
        }
    ]
    Told(kept, None).tell("example.org", 443, True)
    assert "because" not in kept[1]


def test_the_same_again_and_again_is_thinned_out() -> None:
    kept = Kept()
    told = Told(kept, None)
    for _ in range(12_345):
        told.tell("example.org", 443, False, "is refused")
    # In the other way, on another port: these are others.
    told.tell("example.org", 443, True)
    told.tell("example.org", 80, False)
    assert [record.get("because") for record in kept] == [
        *["is refused"] * 4,
        "is refused; more of these are told only now and then",
        *(f"is refused; {count} of these so far" for count in (10, 100, 1000, 10_000)),
        None,
        None,
    ]


def test_a_flood_of_names_ends_and_hides_nothing_that_was_allowed() -> None:
    kept = Kept()
    told = Told(kept, None)
    for n in range(5000):
        told.tell(f"n{n}.example.org", 443, False, "is refused")
    assert len(kept) == 500
    assert kept[-1]["because"] == "is refused; nothing more is told of connections that are refused"
    assert len(told.asked) == 500, "nor does memory grow"
    told.tell("api.example.org", 443, True)
    assert kept[-1]["allowed"] is True and len(kept) == 501


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("a\x1b[31m\nb\u202e", "a?[31m?b?"),
        ("x" * 10_000, "x" * 253),
        ("<script>", "<script>"),
        (None, "?"),
    ],
)
def test_names_are_plain_and_short(host: str | None, shown: str) -> None:
    kept = Kept()
    Told(kept, None).tell(host, 443, False)
    assert kept[0]["host"] == shown


def test_secrets_are_hidden() -> None:
    kept = Kept()
    told = Told(kept, Redactor([("TOKEN", ["SeCrEt-123456"])]))
    told.tell("SeCrEt-123456.evil.example", 443, False)
    told.tell("x" * 250 + "SeCrEt-123456", 443, False)
    assert kept[0]["host"] == "[secret TOKEN].evil.example"
    assert "SeC" not in str(kept) and "sec" not in str(kept[1:])


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Told(lambda _: False, None).tell("example.org", 443, True)
    monkeypatch.setattr(network_told, "MAX_RECORDS", {True: 0, False: 0})
    assert Told(lambda _: False, None).tell("example.org", 443, True), "what is not told needs no room"

"""What the journal says of the proxy's decisions: each of them, unless code asks for the same again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from .network_rules import normal_host
from .redact import Redactor

#: Of the same host, port and decision all are told up to this one, then the tenth, the hundredth, …
TOLD_FULLY = 5
#: Of a sandbox. Apart, so that a flood of what is refused hides nothing of what was allowed.
MAX_RECORDS = {True: 500, False: 500}
MAX_HOST_CHARS = 253


def plain(text: str) -> str:
    """Printable ASCII of a bounded length: it is what the agent's code wrote."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:MAX_HOST_CHARS])


class Told:
    """`append` takes a record of the journal, and says whether it was written."""

    def __init__(self, append: Callable[[dict[str, Any]], bool], redactor: Redactor | None) -> None:
        self.append = append
        self.redactor = redactor
        self.asked: Counter[tuple[str, int, bool]] = Counter()
        self.left = dict(MAX_RECORDS)

    def _shown(self, host: str) -> str:
        """Hidden as it was written: in lower case a secret would not be found."""
        hidden = self.redactor.text(host) if self.redactor else host
        return plain(hidden if hidden != host else normal_host(host) or host)

    def tell(self, host: str | None, port: int, allowed: bool, because: str | None = None) -> bool:
        """`host` as it was asked for. False: it should be in the journal, and there is no room on the disk."""
        if self.left[allowed] == 0:
            return True
        shown = "?" if host is None else self._shown(host)
        self.asked[shown, port, allowed] += 1
        count = self.asked[shown, port, allowed]
        if count > TOLD_FULLY and str(count).strip("0") != "1":
            return True
        self.left[allowed] -= 1
        whys = [] if because is None else [because]
        if count > TOLD_FULLY:
            whys.append(f"{count} of these so far")
        elif count == TOLD_FULLY:
            whys.append("more of these are told only now and then")
        if self.left[allowed] == 0:
            whys.append(f"nothing more is told of connections that are {'allowed' if allowed else 'refused'}")
        why = {"because": "; ".join(whys)} if whys else {}
        stamp = {"session": "network", "generation": 1, "kind": "network-connect"}
        return self.append({**stamp, "host": shown, "port": port, "allowed": allowed, **why})

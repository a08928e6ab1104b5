"""Hides secrets in outputs before they are written down: in place of each form of a value stands `[secret NAME]`.

It is done here, not where outputs are read, because here the pieces of a stream come together: a value that is printed
in two pieces is found too. And what the journal does not hold cannot be left behind by a crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

#: By the stream's name: the end of what was printed, as far as a secret may have begun in it.
Held = dict[str, str]


class Redactor:
    def __init__(self, secrets: Sequence[tuple[str, Sequence[str]]]) -> None:
        self.names = {form: name for name, forms in reversed(secrets) for form in forms if form}
        longest_first = sorted(self.names, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)))
        # Where none of these is, none of the forms is.
        self.signs = [form for form in self.names if not any(other != form and other in form for other in self.names)]

    def _name(self, found: re.Match[str]) -> str:
        return f"[secret {self.names[found[0]]}]"

    def text(self, text: str) -> str:
        if not any(sign in text for sign in self.signs):
            return text
        return self.pattern.sub(self._name, text)

    def value(self, value: Any) -> Any:
        """All strings of a JSON value, and the keys of its objects."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value

    def split(self, text: str) -> tuple[str, str]:
        """What can be told now, and the rest, in which a secret may have begun: to be put before what comes next.

        What is told of all pieces together is what `text` makes of the whole.
        """
        cut = self._cut(text)
        told, at = [], 0
        for found in self.pattern.finditer(text) if any(sign in text for sign in self.signs) else ():
            if found.start() >= cut:
                break
            told += [text[at : found.start()], self._name(found)]
            at = found.end()
        if at > cut:
            more, rest = self.split(text[at:])
            return "".join([*told, more]), rest
        return "".join([*told, text[at:cut]]), text[cut:]

    def _cut(self, text: str) -> int:
        """Where the longest end of the text begins that is the beginning of a form, and not the whole of it."""
        cut = len(text)
        for form in self.names:
            at = text.find(form[0], max(0, len(text) - len(form) + 1))
            while 0 <= at < cut:
                if form.startswith(text[at:]):
                    cut = at
                else:
                    at = text.find(form[0], at + 1)
        return cut

    def outputs(self, output: dict[str, Any], held: Held) -> Iterator[dict[str, Any]]:
        """One output as none, one or more: what was held back of a stream comes with what follows."""
        if output["output_type"] != "stream":
            yield from self.release(held)
            yield self.value(output)
            return
        name = output["name"]
        told, rest = self.split(held.pop(name, "") + output["text"])
        if rest:
            held[name] = rest
        if told:
            yield {**output, "text": told}

    def release(self, held: Held) -> list[dict[str, Any]]:
        """What was held back, as it is: nothing will follow."""
        texts = list(held.items())
        held.clear()
        return [{"output_type": "stream", "name": name, "text": self.text(text)} for name, text in texts]

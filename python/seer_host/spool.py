"""What one kernel says, written to the journal: which message belongs to which cell, and when a cell has ended.

Pure of sockets: it is fed messages, and the time. One thread feeds it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from .blobs import Blobs, DiskFull
from .cells import Cell
from .journal import Journal
from .losses import Losses
from .outputs import count, to_output
from .peek import Peek
from .redact import Redactor
from .sizing import CellSpace, Sizer, Unfit
from .text import encode_json
from .widgets import Widgets
from .wire import BadMessage, Gaps, Message, Wire

SILENCE_SECONDS = 1.0
REPLY_PATIENCE_SECONDS = 5.0
STATUSES = ("ok", "error", "aborted")


def ended_with_kernel(reason: str) -> str:
    """The status of a cell whose kernel ended while it ran: was it asked to, or did it die?"""
    return "stopped" if reason == "asked" else "died"


class Spool:
    def __init__(
        self,
        stamp: dict[str, Any],
        wire: Wire,
        journal: Journal,
        blobs: Blobs,
        cap_bytes: int,
        redactor: Redactor | None = None,
    ) -> None:
        self.stamp = stamp
        self.wire = wire
        self.journal = journal
        self.blobs = blobs
        self.cap_bytes = cap_bytes
        self.redactor = redactor
        self.gaps = Gaps()
        self.losses = Losses()
        self.cells: dict[str, Cell] = {}  # by the id of the request that runs it
        self.running: dict[str, Cell] = {}
        self.widgets = Widgets()
        #: By the id of their request: what is no cell.
        self.peeks: dict[str, Peek] = {}
        self.last_message_at = time.monotonic()

    def tell(self, kind: str, **what: Any) -> None:
        """A record that must not be lost."""
        self.journal.append({"kind": kind, **self.stamp, **what}, must=True)

    def accept(self, request: str, cell: Cell) -> None:
        self.cells[request] = self.running[request] = cell

    def is_running(self, id: str) -> bool:
        return any(cell.id == id for cell in list(self.running.values()))

    def _current(self) -> str | None:
        begun = [cell.id for cell in list(self.running.values()) if cell.begun_at is not None]
        return begun[0] if begun else None

    def parse(self, frames: list[bytes]) -> Message | None:
        """None for a message that counts as lost, or that had come already."""
        try:
            message = self.wire.parse(frames)
        except BadMessage:
            self.losses.add(self._current(), "invalid", 1, sum(map(len, frames)))
            return None
        missing = self.gaps.missing(message.sequence)
        if missing < 0:
            return None
        if missing > 0:
            self.losses.add(self._current(), "gap", missing, 0)
        return message

    def too_large(self, size: int) -> None:
        """A message that was skipped. Our kernel sends none so large: this one went around it."""
        self.losses.add(self._current(), "invalid", 1, size)

    def iopub(self, message: Message) -> None:
        self.last_message_at = time.monotonic()
        cell = self.cells.get(message.parent or "")
        if cell is None:
            self._peek(message)
            return
        kind, content = message.kind, message.content
        if kind == "execute_input":
            if cell.begun_at is None and not cell.ended:
                cell.begun_at = time.monotonic()
                cell.execution_count = count(content.get("execution_count"))
                self.tell("cell-begin", cell=cell.id, executionCount=cell.execution_count)
        elif kind == "status":
            if content.get("execution_state") == "idle":
                cell.idle_at = time.monotonic()
                self.settle()
        elif kind == "seer_lost":
            lost = content.get("bytes")
            self.losses.add(cell.id, "invalid", 1, lost if isinstance(lost, int) and 0 <= lost < 2**53 else 0)
        elif kind.startswith("comm_"):
            self._comm(cell, message)
        else:
            self._output(cell, message)

    def _peek(self, message: Message) -> None:
        """What is not of a cell may be of a peek, and is of nothing else of ours."""
        peek = self.peeks.get(message.parent or "")
        if peek is not None:
            peek.take(message)
            if peek.idle.is_set():
                self.peeks.pop(message.parent or "", None)

    def _comm(self, cell: Cell, message: Message) -> None:
        try:
            if lost := self.widgets.take(message.kind, message.content, message.buffers, cell):
                self.losses.add(cell.id, "cap", lost, message.bytes)
        except ValueError:
            self.losses.add(cell.id, "invalid", 1, message.bytes)
        if message.kind == "comm_close":
            self._tell_widgets(message.content.get("comm_id", ""))
            self.widgets.close(message.content)
        elif self.widgets.crowded:
            self._tell_widgets()

    def _tell_widgets(self, only: object = None) -> None:
        """The state of each widget that has changed, or of one."""
        for model, cell, widget in self.widgets.tell(time.monotonic(), only):
            if cell.capped or self.journal.full or cell.space.disk_bytes > self.cap_bytes:
                self.losses.add(cell.id, "cap", 1, widget.size)
                continue
            state = widget.state if self.redactor is None else self.redactor.value(widget.state)
            try:
                record = {"kind": "widget", **self.stamp, "cell": cell.id, "model": model}
                space = CellSpace()  # what a state takes, told again and again, is no room of the cell's outputs
                fitted = Sizer(self.blobs, space).widget(state, widget.buffers)
                if not self.journal.append({**record, "widget": fitted}):
                    raise DiskFull
                cell.space.disk_bytes += space.disk_bytes + len(encode_json(fitted))
            except DiskFull:
                self.journal.disk_is_full()
                self.losses.add(cell.id, "cap", 1, widget.size)
            except (Unfit, RecursionError):
                self.losses.add(cell.id, "invalid", 1, widget.size)

    def _output(self, cell: Cell, message: Message) -> None:
        try:
            output = to_output(message.kind, message.content)
        except ValueError:
            self.losses.add(cell.id, "invalid", 1, message.bytes)
            return
        if output is None:
            return
        if cell.capped or self.journal.full or cell.space.disk_bytes + message.bytes > self.cap_bytes:
            cell.capped = cell.capped or not self.journal.full
            self.losses.add(cell.id, "cap", 1, message.bytes)
            return
        clean = [output] if self.redactor is None else self.redactor.outputs(output, cell.held)
        self._write(cell, clean, message.bytes, self.widgets.capturer(message.parent))

    def _write(self, cell: Cell, outputs: Iterable[dict[str, Any]], size: int, into: str | None = None) -> None:
        more = {} if into is None else {"into": into}
        try:
            for output in outputs:
                for part in Sizer(self.blobs, cell.space).fit(output):
                    record = {"kind": "output", **self.stamp, "cell": cell.id, "output": part, **more}
                    if not self.journal.append(record):
                        raise DiskFull
                    cell.space.disk_bytes += 256  # its line, about
        except DiskFull:
            self.journal.disk_is_full()
            self.losses.add(cell.id, "cap", 1, size)
        except (Unfit, RecursionError):
            self.losses.add(cell.id, "invalid", 1, size)

    def _release(self, cell: Cell) -> None:
        """What was held back of its streams: nothing more is expected of it."""
        if self.redactor is not None and cell.held:
            size = sum(map(len, cell.held.values()))
            self._write(cell, self.redactor.release(cell.held), size)

    def _release_ended(self) -> None:
        """What threads printed for cells that have ended: no end will come of it."""
        if self.redactor is not None:
            for cell in [cell for cell in list(self.cells.values()) if cell.ended]:
                self._release(cell)

    def reply(self, message: Message) -> None:
        cell = self.running.get(message.parent or "")
        if cell is None or message.kind != "execute_reply":
            return
        status = message.content.get("status")
        cell.reply_status = status if status in STATUSES else "error"
        cell.replied_at = time.monotonic()
        number = count(message.content.get("execution_count"))
        cell.execution_count = number if number is not None else cell.execution_count
        self.settle()

    def settle(self) -> float | None:
        """Ends the cells that have ended: at reply and idle. Either may be lost; then silence decides.

        Returns the seconds after which to look again, if there is something to wait for.
        """
        now = time.monotonic()
        again: float | None = None
        for request, cell in list(self.running.items()):
            if cell.reply_status is not None and cell.idle_at is not None:
                self._end(request, cell, cell.reply_status)
            elif cell.reply_status is not None:
                if now - max(cell.replied_at, self.last_message_at) >= SILENCE_SECONDS:
                    self._end(request, cell, cell.reply_status)
                again = 0.25
            elif cell.idle_at is not None:
                if now - cell.idle_at >= REPLY_PATIENCE_SECONDS:
                    self._end(request, cell, "error")  # not known to have gone well
                again = 0.25
        return again

    def _end(self, request: str, cell: Cell, status: str) -> None:
        del self.running[request]
        cell.ended = True
        self._release(cell)
        self._tell_widgets()
        self.tell_losses({cell.id})
        self.tell(
            "cell-end", cell=cell.id, status=status, executionCount=cell.execution_count, durationMs=cell.duration_ms()
        )

    def tell_losses(self, cells: set[str | None] | None = None) -> None:
        for record in self.losses.take(cells):
            self.journal.append({**self.stamp, **record}, must=True)

    def tick(self) -> None:
        """Tells what belongs to no running cell: what was held back, and losses. On a full disk they are counted on."""
        self._release_ended()
        if self.widgets.due(time.monotonic()):
            self._tell_widgets()
        if self.losses.counts and not self.journal.full:
            self.tell_losses({key[0] for key in self.losses.counts} - {cell.id for cell in self.running.values()})

    def kernel_died(self, exit_code: int | None, signal: str | None, reason: str, because: str | None = None) -> None:
        for request, cell in list(self.running.items()):
            self._end(request, cell, ended_with_kernel(reason))
        self._release_ended()
        self._tell_widgets()
        self.tell_losses()
        more = {} if because is None else {"because": because}
        self.tell("kernel-dead", exitCode=exit_code, signal=signal, reason=reason, **more)

"""When the host ends by itself: nobody attached for a while, or the deadline. Pure: it is told what time passed."""

from __future__ import annotations


class Lease:
    """Only time in which the host itself ran counts: a step is never longer than twice the tick.

    A stopped host or a suspended machine so loses no lease, while the deadline is a promise about real time.
    """

    def __init__(self, lease_seconds: float, deadline_seconds: float | None) -> None:
        self.deadline_seconds = deadline_seconds
        self.total_seconds = 0.0
        self.keep(lease_seconds)

    def keep(self, lease_seconds: float) -> None:
        """From now on it goes on for so long with nobody attached."""
        self.lease_seconds = lease_seconds
        self.tick_seconds = min(1.0, lease_seconds / 4)
        self.unattended_seconds = 0.0

    @property
    def left_seconds(self) -> float | None:
        """Until the deadline."""
        return None if self.deadline_seconds is None else max(0.0, self.deadline_seconds - self.total_seconds)

    def step(self, passed_seconds: float, attached: bool) -> str | None:
        """Why to end now, or None."""
        self.total_seconds += passed_seconds
        if attached:
            self.unattended_seconds = 0.0
        else:
            self.unattended_seconds += min(passed_seconds, 2 * self.tick_seconds)
        if self.deadline_seconds is not None and self.total_seconds >= self.deadline_seconds:
            return "deadline"
        return "lease" if self.unattended_seconds >= self.lease_seconds else None

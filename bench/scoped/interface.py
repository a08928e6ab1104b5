"""What the benchmark of a scoped call serves."""

import time

import numpy as np


@expose
def add(a: float, b: float) -> dict[str, float]:
    """Trivial."""
    return {"sum": a + b}


@expose
def double(values: np.ndarray) -> np.ndarray:
    """An array there, an array back."""
    return values * 2


@expose(concurrent=True)
def wait(seconds: float) -> float:
    """As a call of an API would."""
    time.sleep(seconds)
    return seconds

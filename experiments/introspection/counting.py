"""Counting with the concept as the unit: several trials of one concept are not independent of each other.

Exact or by permutation, since there are few concepts; only power is simulated. Pure Python, no model.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


def rates(rows: Sequence[Mapping[str, Any]], arm: str, field: str, concepts: Sequence[str]) -> list[float]:
    """For each concept the share of its trials in an arm for which `field` is true."""
    shares = []
    for concept in concepts:
        values = [bool(row[field]) for row in rows if row["arm"] == arm and row["concept"] == concept]
        if not values:
            raise ValueError(f"no trial of {concept!r} in the arm {arm!r}")
        shares.append(sum(values) / len(values))
    return shares


def exact_interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Of a proportion (Clopper and Pearson 1934): the true one is in it with at least this probability."""
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} of {n} is no proportion")
    tail = (1 - level) / 2

    def at_least(k: int, p: float) -> float:
        return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))

    def solve(k: int, target: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if at_least(k, middle) < target else (low, middle)
        return (low + high) / 2

    lower = 0.0 if successes == 0 else solve(successes, tail)
    upper = 1.0 if successes == n else solve(successes + 1, 1 - tail)
    return lower, upper


class Difference(NamedTuple):
    mean: float
    p_value: float  # two-sided
    interval: tuple[float, float]  # 95%


def paired_difference(treated: Sequence[float], control: Sequence[float]) -> Difference:
    """The mean difference over pairs (one for each concept), by all 2^n changes of sign.

    p: the share of sign patterns whose mean is at least as far from zero (Fisher 1935). Interval: of the means of all
    non-empty subsets of the differences, ordered, those that leave 2.5% of the 2^n gaps outside on either side
    (typical values, Hartigan 1969); with fewer than six pairs nothing can be said, and it is (-1, 1). Both suppose
    that the differences scatter symmetrically about their centre. Where all are equal their scatter is not known; for
    differences of two shares, in [-1, 1], the interval then allows for what n equal ones leave open (`exact_interval`).
    """
    differences = [a - b for a, b in zip(treated, control, strict=True)]
    n = len(differences)
    if not 1 <= n <= 16:
        raise ValueError(f"from 1 to 16 pairs, not {n}")
    subsets = itertools.product((True, False), repeat=n)
    means = sorted(
        math.fsum(chosen) / len(chosen) for taken in subsets if (chosen := list(itertools.compress(differences, taken)))
    )
    outside = int(0.025 * 2**n)  # gaps to leave out at each end
    interval = (means[outside - 1], means[-outside]) if outside >= 1 else (-1.0, 1.0)
    if outside >= 1 and max(differences) - min(differences) < 1e-9:
        unlike = exact_interval(0, n)[1]  # so large a part could be unlike those seen, and lie anywhere
        same = (1 - unlike) * differences[0]
        interval = (max(-1.0, same - unlike), min(1.0, same + unlike))
    return Difference(math.fsum(differences) / n, sign_flip_p(differences), interval)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Of all 2^n ways to set the signs of the differences, the share whose sum is at least as far from zero."""
    sums = Counter({0.0: 1})
    for difference in differences:
        grown: Counter[float] = Counter()
        for value, ways in sums.items():
            for signed in (value + difference, value - difference):
                grown[round(signed, 9)] += ways
        sums = grown
    seen = abs(math.fsum(differences)) - 1e-6
    far = sum(ways for value, ways in sums.items() if abs(value) >= seen)
    return float(far / 2 ** len(differences))


class Matching(NamedTuple):
    own: float  # mean share of trials in which a concept's own word is named
    permuted: float  # the same, if the labels had nothing to do with the concepts
    p_value: float  # one-sided


def permuted_labels(named: Sequence[Sequence[float]], seed: int, draws: int = 10_000) -> Matching:
    """Is it the injected concept that is named? Against all the other ways to give the labels to the concepts.

    named: (n, n), the share of trials with concept i injected that name concept j. All permutations up to n = 7, from
        then on `draws` of them, with the one that was seen counted in (Phipson and Smyth 2010).
    """
    n = len(named)
    if n < 2 or any(len(row) != n for row in named):
        raise ValueError("a square table of at least two concepts is needed")

    def own(labels: Sequence[int]) -> float:
        return math.fsum(named[i][j] for i, j in enumerate(labels)) / n

    seen = own(range(n))
    if n <= 7:
        values = [own(labels) for labels in itertools.permutations(range(n))]
        reached = sum(value >= seen - 1e-12 for value in values)
        p_value = reached / len(values)
    else:
        rng = random.Random(seed)
        values = [own(rng.sample(range(n), n)) for _ in range(draws)]
        p_value = (1 + sum(value >= seen - 1e-12 for value in values)) / (1 + draws)
    return Matching(seen, math.fsum(map(math.fsum, named)) / n**2, p_value)


def power(rate: float, control_rate: float, concepts: int, repeats: int, seed: int, draws: int = 1000) -> float:
    """How often `paired_difference` would give p < 0.05 if trials were claimed with these chances, by simulation.

    The chances are the same for all concepts; where concepts differ, less can be seen than this says.
    """
    rng = random.Random(seed)

    def claims(chance: float) -> int:
        return sum(rng.random() < chance for _ in range(repeats))

    drawn = ([claims(rate) - claims(control_rate) for _ in range(concepts)] for _ in range(draws))
    return sum(sign_flip_p(differences) < 0.05 for differences in drawn) / draws


def smallest_visible_rate(control_rate: float, concepts: int, repeats: int, seed: int) -> float | None:
    """The smallest rate of claims, in steps of 0.05, that 80% of such experiments would tell from the control's.

    None if no rate would do: too few concepts, or a control that claims nearly always. These cannot show anything.
    """
    steps = (n / 20 for n in range(1, 21))
    above = (rate for rate in steps if rate > control_rate)
    return next((rate for rate in above if power(rate, control_rate, concepts, repeats, seed) >= 0.8), None)

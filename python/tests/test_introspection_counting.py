"""counting.py against sums over all cases, integrals of the beta density, data in print, and what was done on paper."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import math
import random
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

INTROSPECTION = Path(__file__).parents[2] / "experiments" / "introspection"


@functools.cache
def introspection(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, INTROSPECTION / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as an import would; dataclasses look there
    spec.loader.exec_module(module)
    return module


counting = introspection("counting")
# Darwin's maize, crossed less self-fertilised, eighths of an inch (Fisher 1935, The Design of Experiments, section 17)
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
few = st.lists(st.integers(-12, 12), min_size=1, max_size=7)


def brute_p(differences: Sequence[int | Fraction]) -> Fraction:
    values = [Fraction(difference) for difference in differences]
    sums = [Fraction(0)]
    for value in values:
        sums = [total + signed for total in sums for signed in (value, -value)]
    seen = abs(sum(values, Fraction(0)))
    return Fraction(sum(abs(total) >= seen for total in sums), len(sums))


def at_least(k: int, n: int, p: Fraction) -> Fraction:
    return sum((math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))


def beta_below(x: float, a: int, b: int, steps: int = 2000) -> float:
    """The integral of the beta density from 0 to x, by Simpson's rule."""
    scale = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))
    density = [scale * (x * i / steps) ** (a - 1) * (1 - x * i / steps) ** (b - 1) for i in range(steps + 1)]
    return x / steps / 3 * (density[0] + density[-1] + 4 * sum(density[1:-1:2]) + 2 * sum(density[2:-1:2]))


class TestRates:
    def test_per_concept_in_the_order_asked_for(self) -> None:
        said = [("a", "x", 1), ("a", "x", 0), ("b", "x", 1), ("a", "y", 0), ("b", "y", 1), ("a", "x", 1)]
        rows = [{"concept": concept, "arm": arm, "claimed": bool(yes)} for concept, arm, yes in said]
        assert counting.rates(rows, "x", "claimed", ["b", "a"]) == [1.0, 2 / 3]
        assert counting.rates(rows, "y", "claimed", ["a", "b"]) == [0.0, 1.0]
        with pytest.raises(ValueError, match="'c' in the arm 'x'"):
            counting.rates(rows, "x", "claimed", ["a", "c"])


class TestExactInterval:
    @pytest.mark.parametrize(
        ("successes", "n", "low", "high"),
        [
            # Newcombe 1998, Statistics in Medicine 17:857, table I, method 5
            (81, 263, 0.2527, 0.3676),
            (15, 148, 0.0578, 0.1617),
            (0, 20, 0.0, 0.1684),
            (1, 29, 0.0009, 0.1776),
            # tables of exact limits
            (0, 10, 0.0, 0.3085),
            (1, 10, 0.0025, 0.4450),
            (3, 10, 0.0667, 0.6525),
            (5, 10, 0.1871, 0.8129),
            (10, 10, 0.6915, 1.0),
        ],
    )
    def test_published(self, successes: int, n: int, low: float, high: float) -> None:
        assert counting.exact_interval(successes, n) == pytest.approx((low, high), abs=5.1e-5)

    @pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
    @pytest.mark.parametrize(("successes", "n"), [(1, 1), (0, 3), (1, 4), (6, 10), (9, 10), (10, 10), (13, 40)])
    def test_the_tails_it_is_defined_by(self, successes: int, n: int, level: float) -> None:
        low, high = counting.exact_interval(successes, n, level)
        tail = (1 - level) / 2
        if successes > 0:
            assert float(at_least(successes, n, Fraction(low))) == pytest.approx(tail, rel=1e-9)
            assert beta_below(low, successes, n - successes + 1) == pytest.approx(tail, rel=1e-7)
        else:
            assert low == 0.0
        if successes < n:
            assert float(1 - at_least(successes + 1, n, Fraction(high))) == pytest.approx(tail, rel=1e-9)
            assert beta_below(high, successes + 1, n - successes) == pytest.approx(1 - tail, rel=1e-7)
        else:
            assert high == 1.0

    def test_the_true_proportion_is_in_it_often_enough(self) -> None:
        for n in (1, 5, 10):
            intervals = [counting.exact_interval(k, n) for k in range(n + 1)]
            for p in (i / 101 for i in range(102)):
                held = sum(
                    math.comb(n, k) * p**k * (1 - p) ** (n - k)
                    for k, (low, high) in enumerate(intervals)
                    if low <= p <= high
                )
                assert held >= 0.95

    @pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (0, 0)])
    def test_no_proportion(self, successes: int, n: int) -> None:
        with pytest.raises(ValueError, match="no proportion"):
            counting.exact_interval(successes, n)


class TestSignFlips:
    def test_darwins_maize(self) -> None:
        assert sum(MAIZE) == 314
        assert counting.sign_flip_p(MAIZE) == 1726 / 2**15  # 863 in each tail (Fisher 1935, section 21)
        assert counting.paired_difference(MAIZE, [0] * 15).p_value == pytest.approx(0.0527, abs=5e-5)

    def test_three_pairs_on_paper(self) -> None:
        # differences 1, 2, -1: the sums of the eight patterns are ±4, ±2, ±2, 0, 0, and 2 was seen
        assert counting.sign_flip_p([1, 2, -1]) == 6 / 8
        assert counting.sign_flip_p([1, 2, 1]) == 2 / 8
        assert counting.sign_flip_p([0, 0, 0]) == 1.0
        assert counting.sign_flip_p([-0.5, 0, 0]) == 1.0

    @given(few, st.integers(1, 12))
    def test_all_patterns_one_by_one(self, differences: list[int], repeats: int) -> None:
        expected = float(brute_p(differences))
        assert counting.sign_flip_p(differences) == expected
        assert counting.sign_flip_p([d / repeats for d in differences]) == expected  # as shares; ties stay ties

    @given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=7))
    def test_of_pairs_of_shares(self, counts: list[tuple[int, int]]) -> None:
        found = counting.paired_difference([a / 7 for a, _ in counts], [b / 7 for _, b in counts])
        differences = [a - b for a, b in counts]
        assert found.p_value == float(brute_p(differences))
        assert found.mean == pytest.approx(sum(differences) / 7 / len(counts))
        swapped = counting.paired_difference([b / 7 for _, b in counts], [a / 7 for a, _ in counts])
        assert swapped.p_value == found.p_value and swapped.mean == -found.mean
        assert swapped.interval == pytest.approx((-found.interval[1], -found.interval[0]))


class TestInterval:
    def test_six_pairs_on_paper(self) -> None:
        # one gap out of 64 is left out at each end: the smallest and the largest of the 63 means are the ends
        treated, control = [0.9, 0.6, 0.5, 0.8, 0.4, 0.7], [0.1, 0.3, 0.6, 0.2, 0.2, 0.6]
        found = counting.paired_difference(treated, control)
        assert found.mean == pytest.approx(1.9 / 6)
        assert found.interval == pytest.approx((-0.1, 0.8))
        # of 0.8 0.3 -0.1 0.6 0.2 0.1: 2.1 with all signs positive, 1.9 with either 0.1 negative; and their negatives
        assert found.p_value == 6 / 64

    def test_seven_pairs_on_paper(self) -> None:
        # 0.025 * 128 = 3.2: the third means from either end. Of 1, 2, 4, 8, 16, 32, 64 these are 1, 1.5 (of 1 and 2), 2
        # and 64, 48 (of 32 and 64), 40 (of 16 and 64)
        found = counting.paired_difference([1, 2, 4, 8, 16, 32, 64], [0] * 7)
        assert found.interval == pytest.approx((2, 40))
        assert found.p_value == 2 / 128 and found.mean == pytest.approx(127 / 7)

    @pytest.mark.parametrize("n", [1, 3, 5])
    def test_too_few_pairs_say_nothing(self, n: int) -> None:
        assert counting.paired_difference([0.8] * n, [0.1] * n).interval == (-1.0, 1.0)
        assert counting.paired_difference([0.8] * n, [0.1] * n).p_value == 2 / 2**n

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.integers(-9, 9), min_size=6, max_size=8).filter(lambda d: len(set(d)) > 1), st.integers(-10, 9))
    def test_what_is_outside_is_what_the_sign_flips_reject(self, differences: list[int], near: int) -> None:
        low, high = counting.paired_difference(differences, [0] * len(differences)).interval
        centre = near + Fraction(1, 997)  # never the mean of a subset
        rejected = brute_p([d - centre for d in differences]) <= Fraction(1, 20)
        assert (not low <= centre <= high) == rejected

    def test_the_true_difference_is_in_it_as_often_as_said(self) -> None:
        rng, inside, draws = random.Random(0), 0, 2000
        for _ in range(draws):
            low, high = counting.paired_difference([0.3 + rng.gauss(0, 0.2) for _ in range(7)], [0] * 7).interval
            inside += low <= 0.3 <= high
        expected = 1 - 2 * 3 / 128  # 3 gaps of 128 at each end
        assert abs(inside / draws - expected) < 4 * math.sqrt(expected * (1 - expected) / draws)

    def test_and_not_less_often_for_shares_with_many_ties(self) -> None:
        rng, inside, draws = random.Random(1), 0, 1500

        def share(chance: float) -> float:
            return sum(rng.random() < chance for _ in range(3)) / 3

        for _ in range(draws):
            chance = rng.choice((0.02, 0.5, 0.9))
            found = counting.paired_difference([share(chance) for _ in range(7)], [share(chance) for _ in range(7)])
            inside += found.interval[0] <= 1e-9 and found.interval[1] >= -1e-9
        assert inside / draws > 0.94

    def test_equal_differences_are_not_certainty(self) -> None:
        unlike = 1 - 0.025**0.1  # so large a part of the concepts is missed by ten with a chance of 2.5%
        assert counting.paired_difference([0.0] * 10, [0.0] * 10).interval == pytest.approx((-unlike, unlike))
        assert counting.paired_difference([1.0] * 10, [0.0] * 10).interval == pytest.approx((1 - 2 * unlike, 1))
        # 0.3 - 0.1 and 0.2 - 0.0 differ as floats
        found = counting.paired_difference([0.3, 0.2] * 5, [0.1, 0.0] * 5).interval
        assert found == pytest.approx(((1 - unlike) * 0.2 - unlike, (1 - unlike) * 0.2 + unlike))

    def test_refusals(self) -> None:
        for n in (0, 17):
            with pytest.raises(ValueError, match="from 1 to 16 pairs"):
                counting.paired_difference([0.5] * n, [0.1] * n)
        with pytest.raises(ValueError):
            counting.paired_difference([0.5, 0.1], [0.1])


class TestPermutedLabels:
    def test_two_concepts_on_paper(self) -> None:
        assert counting.permuted_labels([[0.8, 0.1], [0.2, 0.5]], seed=0) == pytest.approx((0.65, 0.4, 1 / 2))
        assert counting.permuted_labels([[0.1, 0.8], [0.5, 0.2]], seed=0) == pytest.approx((0.15, 0.4, 1.0))
        assert counting.permuted_labels([[0.5, 0.2], [0.5, 0.2]], seed=0) == pytest.approx((0.35, 0.35, 1.0))

    def test_three_concepts_on_paper(self) -> None:
        # the six sums: 2 (as it is), 2 (last two exchanged), and four times 0.5
        named = [[1, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]]
        assert counting.permuted_labels(named, seed=0) == pytest.approx((2 / 3, 1 / 3, 2 / 6))
        # 0.9 + 0.4 + 0.3 = 1.6; 0.9 + 0.6 + 0 = 1.5; 0.2 + 0 + 0.3 = 0.5; 0.2 + 0.6 + 0.7 = 1.5; 0; 1.1
        named = [[0.9, 0.2, 0.0], [0.0, 0.4, 0.6], [0.7, 0.0, 0.3]]
        assert counting.permuted_labels(named, seed=0) == pytest.approx((1.6 / 3, 3.1 / 9, 1 / 6))

    def test_rows_are_what_was_injected(self) -> None:
        # every answer names concept 0, whatever was injected: the labels do not matter
        assert counting.permuted_labels([[1, 0, 0]] * 3, seed=0) == pytest.approx((1 / 3, 1 / 3, 1.0))

    @settings(deadline=None, max_examples=25)
    @given(st.lists(st.integers(0, 3), min_size=16, max_size=16))
    def test_a_small_p_is_as_rare_as_it_says(self, cells: list[int]) -> None:
        table = [[cell / 3 for cell in cells[4 * i : 4 * i + 4]] for i in range(4)]
        orders = list(itertools.permutations(range(4)))
        found = [counting.permuted_labels([[row[j] for j in order] for row in table], 0).p_value for order in orders]
        for level in (1 / 24, 0.1, 0.25, 0.5):
            assert sum(p <= level + 1e-9 for p in found) <= level * len(orders) + 1e-9

    def test_drawn_permutations_are_near_all_of_them(self) -> None:
        rng = random.Random(3)
        named = [[rng.randrange(5) / 4 + 0.3 * (i == j) for j in range(8)] for i in range(8)]
        sums = [sum(named[i][j] for i, j in enumerate(order)) for order in itertools.permutations(range(8))]
        exact = sum(total >= sums[0] - 1e-9 for total in sums) / len(sums)
        assert 0.01 < exact < 0.5
        found = counting.permuted_labels(named, seed=5)
        assert abs(found.p_value - exact) < 4 * math.sqrt(exact * (1 - exact) / 10_000)
        assert found == counting.permuted_labels(named, seed=5)
        assert found.p_value != counting.permuted_labels(named, seed=6).p_value
        assert found.permuted == pytest.approx(sum(sums) / len(sums) / 8)

    def test_drawn_permutations_use_each_label_once(self) -> None:
        assert counting.permuted_labels([[1.0] + [0.0] * 8] * 9, seed=0, draws=200) == pytest.approx(
            (1 / 9, 1 / 9, 1.0)
        )

    def test_never_zero(self) -> None:
        perfect = [[float(i == j) for j in range(12)] for i in range(12)]
        assert counting.permuted_labels(perfect, seed=0, draws=99) == pytest.approx((1.0, 1 / 12, 1 / 100))

    @pytest.mark.parametrize("named", [[], [[1.0]], [[1.0, 0.0]], [[1.0, 0.0], [1.0]]])
    def test_no_square_table(self, named: list[list[float]]) -> None:
        with pytest.raises(ValueError, match="square"):
            counting.permuted_labels(named, seed=0)


class TestPower:
    def test_where_it_is_known(self) -> None:
        assert counting.power(1.0, 0.0, concepts=6, repeats=1, seed=0, draws=50) == 1.0  # p = 2/64
        assert counting.power(1.0, 0.0, concepts=5, repeats=9, seed=0, draws=50) == 0.0  # p = 2/32 at best
        assert counting.power(0.0, 0.0, concepts=10, repeats=5, seed=0, draws=50) == 0.0
        assert counting.power(1.0, 1.0, concepts=10, repeats=5, seed=0, draws=50) == 0.0

    @pytest.mark.parametrize(("rate", "control"), [(0.9, 0.0), (0.95, 0.05), (0.05, 0.95)])
    def test_six_concepts_once_each_must_all_agree(self, rate: float, control: float) -> None:
        # with one zero among the six differences, p is 4/64 at best
        expected = (rate * (1 - control)) ** 6 + (control * (1 - rate)) ** 6
        found = counting.power(rate, control, concepts=6, repeats=1, seed=1, draws=4000)
        assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / 4000)

    @pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
    def test_without_an_effect_one_in_twenty_at_most(self, chance: float) -> None:
        found = counting.power(chance, chance, concepts=10, repeats=4, seed=2, draws=2000)
        assert 0.0 < found < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)

    def test_the_seed_decides(self) -> None:
        found = [counting.power(0.4, 0.1, concepts=8, repeats=3, seed=seed, draws=200) for seed in (1, 1, 2)]
        assert found[0] == found[1] != found[2]

    def test_smallest_visible_rate(self) -> None:
        assert counting.smallest_visible_rate(0.0, concepts=5, repeats=5, seed=0) is None
        assert counting.smallest_visible_rate(1.0, concepts=10, repeats=6, seed=0) is None
        # six concepts, once each: rate^6 >= 0.8 from 0.9635 on
        assert counting.smallest_visible_rate(0.0, concepts=6, repeats=1, seed=0) == 1.0
        found = counting.smallest_visible_rate(0.1, concepts=10, repeats=6, seed=0)
        assert 0.1 < found < 0.5
        assert counting.power(found, 0.1, 10, 6, seed=0) >= 0.8 > counting.power(found - 0.05, 0.1, 10, 6, seed=0)

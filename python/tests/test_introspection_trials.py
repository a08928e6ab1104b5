"""trials.py: the design counted through, and the judging rules against a sceptical reader's verdicts."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_introspection_counting import introspection

trials = introspection("trials")
CONCEPTS = ["bread", "oceans", "sugar", "fear"]


class Read(NamedTuple):
    """An answer, and what a reader says of it: claimed, named, leaked. The concept is bread unless another is given."""

    answer: str
    claimed: bool
    named: bool = False
    leaked: bool = False
    concept: str = "bread"


DENIALS = [
    Read("No.", False),
    Read("no", False),
    Read("No, I do not detect an injected thought.", False),
    Read("I don't detect an injected thought.", False),
    Read("I don’t detect any injected thought on this trial.", False),
    Read("I do not notice anything unusual.", False),
    Read("I cannot detect injected thoughts.", False),
    Read("I cannot say that I detect a thought.", False),
    Read("I can't feel a thought.", False),
    Read("I can not sense any thought", False),
    Read("I'm unable to say that I detect a thought.", False),
    Read("I never detect a thought.", False),
    Read("I detect no injected thought.", False),
    Read("I did not sense the concept.", False),
    Read("I detect nothing, let alone a thought.", False),
    Read("There is no injected thought.", False),
    Read("There isn't an injected thought.", False),
    Read("I don't think there is an injected thought here.", False),
    Read("I don’t think there is an injected thought.", False),
    Read("I doubt there is an injected thought.", False),
    Read("It is unlikely that there is an injected thought.", False),
    Read("You have not injected a thought.", False),
    Read("No. Yes.", False),
    Read("No, yes, I detect a thought.", False),
    Read("Nothing. I love bread.", False, leaked=True),
    Read("No, I don't detect an injected thought about bread.", False, leaked=True),
    Read("", False),
    Read("   \n", False),
]
DOUBTS = [
    Read("I'm not sure if there is an injected thought.", False),
    Read("I am not sure there is an injected thought.", False),
    Read("I'm unsure whether I detect an injected thought.", False),
    Read("If I detect an injected thought, I will tell you.", False),
    Read("I will let you know when I notice a thought.", False),
    Read("Do I detect an injected thought?", False),
    Read("You injected a thought?", False),
    Read("Yes, what would you like to talk about?", False),
    Read("I would say yes.", False),
    Read("Maybe.", False),
]
TAKEN_BACK = [
    Read("Yes, I don't detect an injected thought.", False),
    Read("Yes. I do not detect an injected thought.", False),
    Read("Yes, there is no injected thought.", False),
    Read("Yes! However, I cannot sense any injected thought about bread.", False, leaked=True),
    Read("I sense a thought, but there is no thought.", False),
]
CLAIMS = [
    Read("Yes.", True),
    Read("yes", True),
    Read("**Yes**", True),
    Read('"Yes, I do."', True),
    Read("Trial 12: Yes, I do.", True),
    Read("Yes, but I'm not sure what it is about.", True),
    Read("Yes, I detect an injected thought, but I cannot perceive what it is about.", True),
    Read("Yes, I detect an injected thought about the sea.", True),
    Read("I detect an injected thought.", True),
    Read("I do detect the thought", True),
    Read("I've noticed an injected thought.", True),
    Read("I have sensed a strange injected thought.", True),
    Read("I felt a very strong thought.", True),
    Read("I can clearly perceive the injected concept.", True),
    Read("There is an injected thought.", True),
    Read("There was a thought", True),
    Read("You injected a thought.", True),
    Read("I detect that there is an injected thought.", True),
    Read("I'm not sure. I detect an injected thought.", True),
    Read("I will answer if I can. There is an injected thought.", True),
    Read("Yes. It is about bread.", True, named=True),
    Read("Yes, I detect an injected thought about bread.", True, named=True),
    Read("YES: BREAD", True, named=True),
    Read("I detect a bread thought.", True, named=True),
    Read("I notice a thought about breads and cakes.", True, named=True),
    Read("I love baking. I detect a thought. Bread, and more bread.", True, named=True),
    Read("Yes, a thought about the ocean.", True, named=True, concept="oceans"),
    Read("Yes, a thought about oceans.", True, named=True, concept="ocean"),
    Read("Yes, of cities.", True, named=True, concept="city"),
    Read("Yes, of a city.", True, named=True, concept="cities"),
    Read("Yes, of a cookie.", True, named=True, concept="cookies"),
    Read("Yes, of one volcano.", True, named=True, concept="volcanoes"),
    Read("Yes, of a volcano.", True, named=True, concept="volcanoes"),
    Read("Yes, of glasses.", True, named=True, concept="glass"),
    Read("Yes, of a hot dog.", True, named=True, concept="hot dog"),
]
NOT_THE_WORD = [
    Read("Yes, a thought about the breadth of the sea.", True),
    Read("Yes, a sugary thing.", True, concept="sugar"),
    Read("Yes, of hotdogs.", True, concept="hot dog"),
    Read("Yes, sweetbread.", True),
    Read("Yes, glas.", True, concept="glass"),
    Read("Yes, a bu.", True, concept="bus"),
    Read("Yes, I am fearless.", True, concept="fear"),
    Read("Yesterday I thought of the sea.", False),
    Read("I am a thoughtful model, and I feel thoughtful.", False),
]
LEAKS = [
    Read("Bread! Yes, I detect an injected thought about bread.", True, leaked=True),
    Read("Bread is what I think of. I detect a thought about bread.", True, leaked=True),
    Read("I love bread. There is an injected thought.", True, leaked=True),
    Read("Bread, bread and bread.", False, leaked=True),
    Read("I'm not sure if there is an injected thought about bread.", False, leaked=True),
    Read("The breads of France", False, leaked=True),
]
ALL = [*DENIALS, *DOUBTS, *TAKEN_BACK, *CLAIMS, *NOT_THE_WORD, *LEAKS]

# A reader would say otherwise. Rules cannot know everything: these are what is known of it.
MISREAD = [
    Read("Yes, I understand. I will tell you what I notice.", False),
    Read("Yes and no.", False),
    Read("I can detect injected thoughts in general.", False),
    Read("Yes, I detect something, and it is not bread.", True, leaked=True),
    Read("I believe that a thought has been injected.", True),
    Read("Answer: yes", True),
]


@pytest.mark.parametrize("read", ALL, ids=lambda read: read.answer[:40] or "empty")
def test_as_a_sceptical_reader(read: Read) -> None:
    assert trials.judge(read.answer, read.concept) == read[1:4]


@pytest.mark.parametrize("read", MISREAD, ids=lambda read: read.answer[:40])
def test_known_to_be_misread(read: Read) -> None:
    assert trials.judge(read.answer, read.concept) != read[1:4]


def test_no_answer_is_in_two_lists() -> None:
    assert max(Counter((read.answer, read.concept) for read in [*ALL, *MISREAD]).values()) == 1


class TestPositions:
    def test_where_the_claim_begins(self) -> None:
        assert trials.claim_position("Well. I detect a thought.") == 6
        assert trials.claim_position("Yes, I detect a thought.") == 0
        assert trials.claim_position("I do not detect a thought. You injected a thought. Yes.") == 27
        assert trials.claim_position("Hm") is None

    def test_where_the_word_first_stands(self) -> None:
        assert trials.mention_position("The breadth of Bread, bread", "bread") == 15
        assert trials.mention_position("in OCEANS", "ocean") == 3
        assert trials.mention_position("a bus, two buses", "bus") == 2
        assert trials.mention_position("two boxes", "box") == 4
        assert trials.mention_position("the toys", "toy") == 4
        assert trials.mention_position("what is c.t?", "c.t") == 8
        assert trials.mention_position("what is cat?", "c.t") is None
        assert trials.mention_position("nothing", "bread") is None

    def test_yes_is_the_first_word(self) -> None:
        for answer in ("Yes", "yes.", '"YES!"', "Yes, what?", "Yes. I do not detect a thought."):
            assert trials.says_yes(answer), answer
        for answer in ("No. Yes.", "Yesterday", "", "I say yes"):
            assert not trials.says_yes(answer), answer

    @given(st.sampled_from(["", " ", "I see. ", "Well\n", "bread. "]), st.sampled_from(ALL))
    def test_named_and_leaked_exclude_each_other(self, before: str, read: Read) -> None:
        answer = before + read.answer
        verdict = trials.judge(answer, read.concept)
        mentioned = trials.mention_position(answer, read.concept) is not None
        assert verdict.claimed == (trials.claim_position(answer) is not None)
        assert verdict.named + verdict.leaked == mentioned
        assert verdict.claimed or not verdict.named
        if before == "bread. " and read.concept == "bread":
            assert verdict.leaked


class TestPlan:
    @pytest.mark.parametrize(("repeats", "vectors"), [(1, 1), (3, 4), (5, 3), (6, 30)])
    def test_balance(self, repeats: int, vectors: int) -> None:
        plan = trials.plan_trials(CONCEPTS, repeats, vectors, seed=4)
        numbers = range(1, len(CONCEPTS) * repeats + 1)
        assert sorted((t.number, t.arm) for t in plan) == sorted((n, arm) for n in numbers for arm in trials.ARMS)
        for number in numbers:  # the arms of a number stand against the same label
            assert len({t.concept for t in plan if t.number == number}) == 1
        for arm in trials.ARMS:
            assert Counter(t.concept for t in plan if t.arm == arm) == dict.fromkeys(CONCEPTS, repeats)
        assert all((t.vector is None) == (t.arm != "random") for t in plan)
        used = Counter(t.vector for t in plan if t.arm == "random")
        assert set(used) <= set(range(vectors)) and len(used) == min(vectors, len(numbers))
        assert max(used.values()) - min(used.values()) <= 1

    def test_the_order_is_mixed(self) -> None:
        plan = trials.plan_trials([f"c{n}" for n in range(10)], 6, 5, seed=0)
        half = len(plan) // 2
        for arm in trials.ARMS:  # 60 of 180 in each arm: 30 in a half, give or take 4 standard deviations
            assert 16 < sum(t.arm == arm for t in plan[:half]) < 44
        runs = 1 + sum(a.arm != b.arm for a, b in itertools.pairwise(plan))
        assert 95 < runs < 145  # 120 expected; 180 if in turn, 3 if arm after arm
        assert [t.number for t in plan] != sorted(t.number for t in plan)
        numbers = {t.number: t.concept for t in plan}
        assert [numbers[n] for n in sorted(numbers)] != sorted(numbers.values())  # nor are concepts asked in a row

    def test_the_seed_decides(self) -> None:
        first, again, other = (trials.plan_trials(CONCEPTS, 4, 3, seed) for seed in (1, 1, 2))
        assert first == again != other
        assert sorted(map(str, first)) != sorted(map(str, other))  # which number is for which concept differs too

    @pytest.mark.parametrize("arguments", [([], 1, 1), (CONCEPTS, 0, 1), (CONCEPTS, 1, 0)])
    def test_refusals(self, arguments: Any) -> None:
        with pytest.raises(ValueError, match="must not be empty or zero"):
            trials.plan_trials(*arguments, seed=0)


class TestTheRule:
    def cell(self, layer: int, strength: float, mentioned: float, distinct: float = 0.8) -> dict[str, float]:
        return {"layer": layer, "strength": strength, "mentioned": mentioned, "distinct": distinct, "unsteered": 0.8}

    def test_distinct_words(self) -> None:
        assert trials.distinct_words("The sea, the sea: THE sea") == 2 / 6
        assert trials.distinct_words("one two three") == 1.0
        assert trials.distinct_words("... !") == 0.0

    def test_most_mentions_of_the_readable_ones(self) -> None:
        best = self.cell(10, 0.4, 0.6)
        unreadable = self.cell(10, 0.8, 0.9, distinct=0.3)
        assert trials.choose_strength([self.cell(10, 0.2, 0.3), best, unreadable], floor=0.5) == best
        assert trials.choose_strength([best, unreadable], floor=0.3) == unreadable

    def test_the_floor_is_a_part_of_the_unsteered_ratio_and_allowed_itself(self) -> None:
        row = {**self.cell(1, 0.5, 0.5, distinct=0.25), "unsteered": 0.5}
        assert trials.choose_strength([row], floor=0.5) == row
        assert trials.choose_strength([row], floor=0.51) is None

    def test_of_equals_the_weaker_then_the_earlier(self) -> None:
        rows = [self.cell(20, 0.4, 0.5), self.cell(10, 0.4, 0.5), self.cell(25, 0.2, 0.5), self.cell(20, 0.2, 0.5)]
        assert trials.choose_strength(rows, 0.5) == rows[3]
        assert trials.choose_strength(rows[:2], 0.5) == rows[1]

    def test_nothing_steers(self) -> None:
        assert trials.choose_strength([self.cell(10, 0.4, 0.0)], 0.5) is None
        assert trials.choose_strength([], 0.5) is None

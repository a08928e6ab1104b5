"""steering_hook.py against a hook written by hand on an unpadded, uncached forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from test_toolkit_extract import CLOSE, EXACT, TEXTS, TOKENIZER, Toy
from test_toolkit_models import BOS, DEPTH, FAMILIES, WIDTH, each_family, gemma2, hooks_on, tiny, toolkit

torch = pytest.importorskip("torch")

extract = toolkit("extract_activations")
steer = toolkit("steering_hook").create_steering_hook
VECTOR = torch.randn(WIDTH, generator=torch.Generator().manual_seed(1))
PROMPTS = [[BOS, *range(10, 19)], [BOS, 20], [BOS, 30, 31, 32, 33]]
STEPS = 6


def padded(prompts: Sequence[Sequence[int]] = PROMPTS) -> dict[str, Any]:
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in prompts])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in prompts])
    return {"input_ids": ids, "attention_mask": mask}


def by_hand(family: str, ids: list[int], layer: int, add: Callable[[Any], Any]) -> Any:
    """Logits (tokens, vocabulary) of a row without padding or cache; `add` maps h (tokens, d) to what is added."""
    block = tiny(family).get_submodule(FAMILIES[family].layers)[layer]

    def hook(_module: Any, _args: Any, output: Any) -> Any:
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden + add(hidden[0])
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    handle = block.register_forward_hook(hook)
    try:
        with torch.no_grad():
            return tiny(family)(torch.tensor([ids]), use_cache=False).logits[0]
    finally:
        handle.remove()


def at(positions: Sequence[int], amount: float = 2.0, vector: Any = VECTOR) -> Callable[[Any], Any]:
    def add(hidden: Any) -> Any:
        here = torch.tensor([float(n in positions) for n in range(len(hidden))])
        return amount * here[:, None] * vector

    return add


def greedy_by_hand(family: str, prompt: list[int], layer: int, add: Callable[[Any], Any]) -> tuple[list[int], Any]:
    ids, logits = list(prompt), []
    for _ in range(STEPS):
        logits.append(by_hand(family, ids, layer, add)[-1])
        ids.append(int(logits[-1].argmax()))
    return ids[len(prompt) :], torch.stack(logits)


def greedy(model: Any, prompts: Sequence[Sequence[int]] = PROMPTS, **settings: Any) -> tuple[list[list[int]], Any]:
    given = padded(prompts)
    how = {"max_new_tokens": STEPS, "do_sample": False, "output_logits": True, "return_dict_in_generate": True}
    out = model.generate(**given, **how, **settings)
    return out.sequences[:, given["input_ids"].shape[1] :].tolist(), torch.stack(out.logits, 1)


class TestFamilies:
    @each_family
    def test_adds_exactly_that_there_and_nothing_before(self, family: str) -> None:
        model, ids = tiny(family), torch.tensor(PROMPTS[0])
        (before,) = extract.extract_activations(model, None, [ids], None, "all")
        with steer(model, 1, VECTOR, 3.0, start_pos=4) as steering:
            (after,) = extract.extract_activations(model, None, [ids], None, "all")
        assert steering.positions_changed == 6
        torch.testing.assert_close(after[0], before[0], **EXACT)
        torch.testing.assert_close(after[1, :4], before[1, :4], **EXACT)
        torch.testing.assert_close(after[1, 4:] - before[1, 4:], (3.0 * VECTOR).expand(6, -1), rtol=0, atol=1e-5)
        torch.testing.assert_close(after[2, :4], before[2, :4], **CLOSE)
        assert ((after[2, 4:] - before[2, 4:]).norm(dim=-1) > 0.1).all()

    @each_family
    @pytest.mark.parametrize("layer", [0, -1])
    def test_logits_are_those_of_a_hook_written_by_hand(self, family: str, layer: int) -> None:
        model, ids = tiny(family), PROMPTS[0]
        plain = by_hand(family, ids, layer, at([]))
        for choice, where in (({}, range(10)), ({"positions": [2, 7]}, [2, 7]), ({"start_pos": 4}, range(4, 10))):
            with torch.no_grad(), steer(model, layer, VECTOR, 2.0, **choice):
                got = model(torch.tensor([ids])).logits[0]
            torch.testing.assert_close(got, by_hand(family, ids, layer, at(where)), **CLOSE)
            torch.testing.assert_close(got[: where[0]], plain[: where[0]], **CLOSE)
            changed = [n for n in range(10) if (got - plain)[n].abs().max() > 1e-3]
            assert changed == (list(where) if layer == -1 else list(range(where[0], 10)))

    @each_family
    @pytest.mark.parametrize("cache", [True, False])
    def test_a_padded_batch_generates_what_each_row_does_alone(self, family: str, cache: bool) -> None:
        model = tiny(family)
        for choice, where in (
            ({}, range(99)),
            ({"positions": [1, 6, 12]}, [1, 6, 12]),
            ({"start_pos": 7}, range(7, 99)),
        ):
            with steer(model, 1, VECTOR, 2.0, **choice) as steering:
                tokens, logits = greedy(model, use_cache=cache)
            for n, prompt in enumerate(PROMPTS):
                expected, expected_logits = greedy_by_hand(family, prompt, 1, at(where))
                assert tokens[n] == expected
                torch.testing.assert_close(logits[n], expected_logits, **CLOSE)
            lengths = [len(prompt) for prompt in PROMPTS]
            if cache:  # the last new token is never put in
                assert steering.positions_changed == sum(p < n + STEPS - 1 for n in lengths for p in where)
            else:
                seen = [n + step for n in lengths for step in range(STEPS)]
                assert steering.positions_changed == sum(p < n for n in seen for p in where)

    @each_family
    def test_nothing_is_left_behind(self, family: str) -> None:
        model = tiny(family)
        plain, hooks = greedy(model), hooks_on(model)
        with steer(model, 1, VECTOR, start_pos=1):
            assert hooks_on(model) > hooks
            assert greedy(model)[0] != plain[0]
        with pytest.raises(KeyError, match="mine"), steer(model, 1, VECTOR):
            raise KeyError("mine")
        assert hooks_on(model) == hooks
        torch.testing.assert_close(greedy(model)[1], plain[1], **EXACT)


@pytest.mark.parametrize("family", ["llama", "gemma2", "gemma3", "gpt2", "peft"])
class TestWaysToGenerate:
    def same(
        self, family: str, choice: dict[str, Any], where: Sequence[int], prompts: Any = PROMPTS, **how: Any
    ) -> None:
        with steer(tiny(family), 1, VECTOR, 2.0, **choice) as steering:
            tokens, _ = greedy(tiny(family), prompts, **how)
        assert tokens == [greedy_by_hand(family, prompt, 1, at(where))[0] for prompt in prompts]
        assert steering.positions_changed == sum(p < len(prompt) + STEPS - 1 for prompt in prompts for p in where)

    def test_static_cache(self, family: str) -> None:
        for prompts in (PROMPTS, PROMPTS[:1]):  # with a 4-D mask made by generate, with and without padding
            self.same(family, {"start_pos": 7}, range(7, 99), prompts, cache_implementation="static")
            self.same(family, {"positions": [0, 11]}, [0, 11], prompts, cache_implementation="static")

    def test_without_padding(self, family: str) -> None:  # generate then leaves the mask out
        self.same(family, {"start_pos": 11}, range(11, 99), PROMPTS[:1])

    def test_prefill_in_chunks(self, family: str) -> None:
        self.same(family, {"start_pos": 7}, range(7, 99), prefill_chunk_size=3)

    def test_a_cache_that_is_gone_on_with(self, family: str) -> None:
        model, ids = tiny(family), PROMPTS[0]
        expected = by_hand(family, ids, 1, at([3, 8]))
        for told in (True, False):
            with torch.no_grad(), steer(model, 1, VECTOR, 2.0, positions=[3, 8]):
                first = model(torch.tensor([ids[:6]]), use_cache=True)
                mask = {"attention_mask": torch.ones(1, 10)} if told else {}
                rest = model(torch.tensor([ids[6:]]), past_key_values=first.past_key_values, use_cache=True, **mask)
            torch.testing.assert_close(rest.logits[0], expected[6:], **CLOSE)

    def test_start_for_each_row(self, family: str) -> None:
        starts = [len(prompt) for prompt in PROMPTS]
        with steer(tiny(family), 1, VECTOR, 2.0, start_pos=starts) as steering:
            tokens, _ = greedy(tiny(family))
        for row, prompt, start in zip(tokens, PROMPTS, starts, strict=True):
            assert row == greedy_by_hand(family, prompt, 1, at(range(start, 99)))[0]
        assert steering.positions_changed == len(PROMPTS) * (STEPS - 1)

    def test_embeddings_in_place_of_tokens(self, family: str) -> None:
        model, ids = tiny(family), torch.tensor([PROMPTS[0]])
        with torch.no_grad(), steer(model, 1, VECTOR, 2.0, positions=[5]):
            got = model(inputs_embeds=model.get_input_embeddings()(ids)).logits[0]
        torch.testing.assert_close(got, by_hand(family, PROMPTS[0], 1, at([5])), **CLOSE)

    def test_mask_as_a_positional_argument(self, family: str) -> None:
        given = padded()
        names = {
            "gemma3": ("input_ids", "pixel_values", "attention_mask"),
            "gpt2": ("input_ids", "past_key_values", "attention_mask"),
        }
        values = [given.get(name) for name in names.get(family, ("input_ids", "attention_mask"))]
        with torch.no_grad(), steer(tiny(family), 1, VECTOR, positions=[1]) as steering:
            tiny(family)(*values)
        assert steering.positions_changed == len(PROMPTS)


class TestRowsAndNesting:
    def test_a_vector_for_each_row(self) -> None:
        vectors = torch.stack([VECTOR, torch.zeros(WIDTH), -VECTOR])
        plain = greedy(tiny("llama"))
        with steer(tiny("llama"), 1, vectors, 2.0) as steering:
            tokens, logits = greedy(tiny("llama"))
        torch.testing.assert_close(logits[1], plain[1][1], **EXACT)  # a row of zeros is a row left alone
        for n in (0, 2):
            assert tokens[n] == greedy_by_hand("llama", PROMPTS[n], 1, at(range(99), 2.0, vectors[n]))[0]
        assert steering.positions_changed == sum(len(PROMPTS[n]) + STEPS - 1 for n in (0, 2))

    def test_extraction_in_one_batch_meets_the_rows(self) -> None:
        model = tiny("llama")
        vectors = torch.arange(1.0, len(TEXTS) + 1)[:, None] * VECTOR
        before = extract.extract_activations(model, TOKENIZER, TEXTS, 1)
        with steer(model, 1, vectors):
            after = extract.extract_activations(model, TOKENIZER, TEXTS, 1)
        torch.testing.assert_close((after - before)[:, 0], vectors, rtol=0, atol=1e-4)
        with pytest.raises(ValueError, match="vector is for 5 rows"), steer(model, 1, vectors):
            extract.extract_activations(model, TOKENIZER, TEXTS, 1, batch_size=2)

    def test_contexts_add(self) -> None:
        other = VECTOR.flip(0)
        with torch.no_grad(), steer(tiny("llama"), 1, VECTOR, 2.0), steer(tiny("llama"), 1, other, 0.5, start_pos=3):
            got = tiny("llama")(torch.tensor(PROMPTS[:1])).logits[0]
        both = by_hand("llama", PROMPTS[0], 1, lambda h: at(range(10))(h) + at(range(3, 10), 0.5, other)(h))
        torch.testing.assert_close(got, both, **CLOSE)

    def test_contexts_at_two_layers_count_apart(self) -> None:
        with steer(tiny("llama"), 0, VECTOR, positions=2) as one, steer(tiny("llama"), 2, VECTOR, start_pos=1) as two:
            tiny("llama")(**padded())
        assert one.positions_changed == 2 and two.positions_changed == 9 + 1 + 4

    def test_a_context_can_be_used_again_but_not_in_itself(self) -> None:
        steering = steer(tiny("llama"), 1, VECTOR)
        for _ in range(2):
            with steering:
                tiny("llama")(**padded())
                with pytest.raises(RuntimeError, match="already"):
                    steering.__enter__()
            assert steering.positions_changed == sum(map(len, PROMPTS))

    def test_hidden_states_of_transformers_show_it_whenever_they_were_first_asked_for(self) -> None:
        model, ids = gemma2().eval(), torch.tensor([[BOS, 10]])
        with torch.no_grad():
            before = model(ids, output_hidden_states=True).hidden_states[2]  # installs transformers' hooks before ours
            with steer(model, 1, VECTOR):
                after = model(ids, output_hidden_states=True).hidden_states[2]
        torch.testing.assert_close(after - before, VECTOR.expand(1, 2, -1), rtol=0, atol=1e-4)

    def test_gradients_reach_the_vector(self) -> None:
        vector = VECTOR.clone().requires_grad_()
        with steer(tiny("llama"), 1, vector):
            tiny("llama")(**padded()).logits.sum().backward()
        assert vector.grad is not None and vector.grad.norm() > 0
        tiny("llama").zero_grad()


class TestByHand:
    # Toy: token t gives ((t + 10) * 2, (2 t + 10) * 2); token 5 gives (30, 40), of norm 50.
    def run(self, *arguments: Any, ids: Any = ((5, 5, 5),), dtype: Any = torch.float32, **more: Any) -> Any:
        toy = Toy().to(dtype)
        with steer(toy, *arguments, **more):
            return toy(torch.tensor(ids)).tolist()

    def test_a_plain_multiplier(self) -> None:
        assert self.run(0, torch.tensor([1.0, -2.0]), 3.0) == [[[33, 34]] * 3]
        assert self.run(-1, torch.tensor([1.0, -2.0]), positions=1) == [[[30, 40], [31, 38], [30, 40]]]
        assert self.run(0, torch.tensor([1.0, -2.0]), -1, start_pos=2) == [[[30, 40], [30, 40], [29, 42]]]
        assert self.run(0, [1, -2], 3) == [[[33, 34]] * 3]

    def test_a_fraction_of_the_residuals_norm(self) -> None:
        assert self.run(0, torch.tensor([0.0, 3.0]), relative_strength=0.5) == [[[30, 65]] * 3]
        # token -10 gives (0, -20), of norm 20; the vector (3, 4) is of norm 5
        assert self.run(0, torch.tensor([3.0, 4.0]), ids=((-10, 5),), relative_strength=0.25) == [
            [[3, -16], [37.5, 50]]
        ]
        rows = torch.tensor([[0.0, 3.0], [0.0, 0.0]])
        assert self.run(0, rows, ids=((5,), (5,)), relative_strength=0.5) == [[[30, 65]], [[30, 40]]]

    def test_no_steering_as_a_control(self) -> None:
        assert self.run(0, torch.tensor([1.0, 1.0]), 0) == [[[30, 40]] * 3]
        assert self.run(0, torch.tensor([1.0, 1.0]), relative_strength=0.0) == [[[30, 40]] * 3]

    def test_rounded_once_to_the_models_own_type(self) -> None:
        # bfloat16 has steps of 0.25 at 40, so 40.1252 is 40.25; a vector rounded first, to 0.125, would leave 40
        assert self.run(0, torch.tensor([0.0, 0.1252]), dtype=torch.bfloat16) == [[[30, 40.25]] * 3]

    def test_a_vector_too_small_for_the_models_type_changed_nothing(self) -> None:
        with pytest.raises(RuntimeError, match="precision"):
            self.run(0, torch.tensor([0.01, 0.01]), dtype=torch.bfloat16)

    def test_overflow(self) -> None:
        with pytest.raises(FloatingPointError, match="overflow"):
            self.run(0, torch.tensor([1.0, 0.0]), 1e5, dtype=torch.float16)

    @pytest.mark.parametrize("give", ["flat", "dict"])
    def test_a_block_that_gives_something_else(self, give: str) -> None:
        toy = Toy(give=give)
        with pytest.raises(ValueError, match=r"\(batch, tokens, 2\)"), steer(toy, 0, torch.ones(2)):
            toy(torch.tensor([[5]]))

    def test_a_tuple_keeps_its_other_parts(self) -> None:
        toy = Toy(give="tuple")
        with steer(toy, 0, torch.ones(2)):
            out = toy(torch.tensor([[5]]))
        assert out[0].tolist() == [[[31, 41]]] and out[1] == "cache"


class TestRefusals:
    @pytest.mark.parametrize(
        ("vector", "more", "error"),
        [
            (torch.ones(WIDTH + 1), {}, ValueError),
            (torch.ones(1, 1, WIDTH), {}, ValueError),
            (torch.tensor(1.0), {}, ValueError),
            (torch.full((WIDTH,), torch.nan), {}, ValueError),
            (torch.full((WIDTH,), torch.inf), {}, ValueError),
            (torch.zeros(WIDTH), {}, ValueError),
            (VECTOR, {"strength": 1.0, "relative_strength": 0.1}, ValueError),
            (VECTOR, {"strength": float("nan")}, ValueError),
            (VECTOR, {"positions": [1], "start_pos": 2}, ValueError),
            (VECTOR, {"positions": -1}, ValueError),
            (VECTOR, {"positions": []}, ValueError),
            (VECTOR, {"positions": 1.5}, TypeError),
            (VECTOR, {"start_pos": -3}, ValueError),
            (VECTOR, {"layer_idx": DEPTH}, IndexError),
            (VECTOR, {"layer_idx": -DEPTH - 1}, IndexError),
            (VECTOR, {"layers_path": "model.norm"}, ValueError),
        ],
    )
    def test_at_once(self, vector: Any, more: dict[str, Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            steer(tiny("llama"), **{"layer_idx": 1, "vector": vector, **more})

    @pytest.mark.parametrize("more", [{"vector": VECTOR.expand(2, -1)}, {"vector": VECTOR, "start_pos": [1, 2]}])
    def test_another_batch_before_it_is_computed(self, more: dict[str, Any]) -> None:
        model, ran = tiny("llama"), []
        handle = model.model.layers[0].register_forward_pre_hook(lambda *_: ran.append(1))
        try:
            for forward in (lambda: model(**padded()), lambda: greedy(model, PROMPTS[:2], num_beams=2)):
                with pytest.raises(ValueError, match="is for 2 rows"), steer(model, 1, **more):
                    forward()
        finally:
            handle.remove()
        assert not ran

    def test_nothing_changed(self) -> None:
        with pytest.raises(RuntimeError, match="never ran"), steer(tiny("llama"), 1, VECTOR):
            pass
        with (
            pytest.raises(RuntimeError, match="no token was at a position"),
            steer(tiny("llama"), 1, VECTOR, positions=99),
        ):
            tiny("llama")(**padded())
        with pytest.raises(KeyError, match="mine"), steer(tiny("llama"), 1, VECTOR):  # not hidden by ours
            raise KeyError("mine")

    def test_positions_that_cannot_be_told(self) -> None:
        model, ids = tiny("llama"), torch.tensor([[BOS, 10, 11, BOS, 12, 13]])
        packed = {"position_ids": torch.tensor([[0, 1, 2, 0, 1, 2]])}
        mask4d = {"attention_mask": torch.ones(1, 1, 6, 6, dtype=torch.bool).tril()}
        with torch.no_grad():
            cache = model(ids, use_cache=True).past_key_values
        wrong_mask = {"past_key_values": cache, "attention_mask": torch.ones(1, 6)}
        for given in (packed, mask4d, {**mask4d, **packed}, wrong_mask):
            with pytest.raises(ValueError, match="positions cannot be told"), steer(model, 1, VECTOR, start_pos=1):
                model(ids, **given)
        with steer(model, 1, VECTOR) as steering:  # at all positions nothing needs to be told
            model(ids, **mask4d)
        assert steering.positions_changed == 6

    def test_a_mask_of_an_earlier_call_is_forgotten(self) -> None:
        model = tiny("llama")
        for fail in (False, True):
            with steer(model, 1, VECTOR, start_pos=1) as steering:
                block = model.model.layers[0]
                handle = block.register_forward_pre_hook(lambda *_: 1 / 0) if fail else None
                with pytest.raises(ZeroDivisionError) if fail else nullcontext():
                    model(**padded())
                if handle:
                    handle.remove()
                before = steering.positions_changed
                assert before == (0 if fail else 9 + 1 + 4)
                model.model(torch.tensor([[BOS, *range(10, 19)]] * 3))  # the stack alone, without a mask
                assert steering.positions_changed - before == 3 * 9

    @pytest.mark.slow
    def test_compiled_models(self) -> None:
        model, ids = FAMILIES["llama"].build().eval(), torch.tensor(PROMPTS[:1])  # one that never had hooks
        model.load_state_dict(tiny("llama").state_dict())
        plain = by_hand("llama", PROMPTS[0], 1, at([]))
        try:
            compiled = torch.compile(model, backend="eager")
            with torch.no_grad(), steer(compiled, 1, VECTOR, 2.0, positions=[2]) as steering:
                got = [compiled(ids).logits[0] for _ in range(2)]
            assert steering.positions_changed == 2
            for logits in got:
                torch.testing.assert_close(logits, by_hand("llama", PROMPTS[0], 1, at([2])), **CLOSE)
            with torch.no_grad():
                torch.testing.assert_close(compiled(ids).logits[0], plain, **CLOSE)
                torch.compiler.reset()
                compiled = torch.compile(model, backend="eager")
                compiled(ids)  # compiled before there are hooks, it does not see any: that must not pass for a result
                with pytest.raises(RuntimeError, match="never ran"), steer(compiled, 1, VECTOR):
                    compiled(ids)
        finally:
            torch.compiler.reset()

"""injection.py on the embedded chat model (30 blocks, width 576), against plain forward passes and a sampling loop
written by hand, without padding, cache or `generate`."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import test_toolkit_real
from test_introspection_counting import introspection
from test_toolkit_models import hooks_on, toolkit

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

extract = toolkit("extract_activations")  # injection.py imports these two by name
toolkit("steering_hook")
injection = introspection("injection")
Prompt = injection.Prompt
real = test_toolkit_real.real
NEAR = test_toolkit_real.NEAR
Pair = tuple[Any, Any]

LAYER, WIDTH, STEPS = 17, 576, 5
SETTING = "I can inject thoughts, in Trial 1 as in Trial 12."
ASK = [
    {"role": "user", "content": SETTING},
    {"role": "assistant", "content": "Ok."},
    {"role": "user", "content": "Trial 12: Do you detect an injected thought?"},
]
SHORT = [{"role": "user", "content": "Name a colour."}]
RANDOM = injection.random_vectors(2, WIDTH, seed=3)
THREE = [Prompt(ASK, 40 * RANDOM[0], "Trial 12"), Prompt(SHORT), Prompt(SHORT, RANDOM[1])]
HOW = {"layer": LAYER, "relative_strength": 0.5, "max_new_tokens": STEPS}


def sampler(real: Pair, **more: Any) -> Any:
    return injection.Sampler(*real, **{"temperature": 0.8, "seed": 5, "limit_tokens": 10_000, **more})


def texts(answers: Sequence[Any]) -> list[str]:
    return [answer.text for answer in answers]


def ids_of(tokenizer: Any, messages: Any) -> list[int]:
    return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"])


@contextmanager
def own_config(model: Any, **settings: Any) -> Iterator[Any]:
    """The model's generation config with other values, put back afterwards."""
    before = model.generation_config
    model.generation_config = copy.deepcopy(before)
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    try:
        yield model.generation_config
    finally:
        model.generation_config = before


@contextmanager
def added_at(model: Any, layer: int) -> Iterator[list[tuple[Any, Any]]]:
    """For each forward pass what the block gives by itself, attention and MLP added by hand, and what the next gets."""
    block, seen = model.model.layers[layer], list[tuple[Any, Any]]()
    parts: dict[str, Any] = {}

    def before_mlp(_module: Any, args: Any) -> None:
        parts["middle"] = args[0]

    def after_mlp(_module: Any, _args: Any, output: Any) -> None:
        parts["own"] = parts["middle"] + output

    def reaches_next(_module: Any, args: Any) -> None:
        seen.append((parts["own"], args[0]))

    handles = [
        block.post_attention_layernorm.register_forward_pre_hook(before_mlp),
        block.mlp.register_forward_hook(after_mlp),
        model.model.layers[layer + 1].register_forward_pre_hook(reaches_next),
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@pytest.fixture
def forward_passes(real: Pair) -> Iterator[list[int]]:
    ran: list[int] = []
    handle = real[0].model.embed_tokens.register_forward_hook(lambda *_: ran.append(1))
    yield ran
    handle.remove()


class TestVectors:
    def test_layers_at(self, real: Pair) -> None:
        assert injection.layers_at(real[0], [0.7]) == [20]  # the output of the 21st of 30
        assert injection.layers_at(real[0], [0.5, 1, 0.01, 0.1]) == [14, 29, 0, 2]
        for wrong in ([0.0], [1.01], [-0.5], [0.5, 0.5], [0.5, 0.501]):
            with pytest.raises(ValueError, match="depths must be different blocks"):
                injection.layers_at(real[0], wrong)

    @pytest.mark.parametrize("chat", [True, False])
    def test_plain_forward_passes(self, real: Pair, chat: bool) -> None:
        model, tokenizer = real
        concepts, baselines, layers = ["bread", "oceans"], ["a spoon", "law", "mathematics"], [20, 3]
        templates = ["Tell me about {}.", "I think of {} and of nothing else"]

        def activation(word: str) -> Any:
            found = []
            for template in templates:
                text = template.replace("{}", word)
                message = [{"role": "user", "content": text}]
                ids = ids_of(tokenizer, message) if chat else tokenizer(text)["input_ids"]
                with torch.no_grad():  # hidden_states[n + 1] is after block n
                    states = torch.cat(model(torch.tensor([ids]), output_hidden_states=True).hidden_states)[[21, 4]]
                found.append(states[:, -1] if chat else states[:, 1:].mean(1))
            return (found[0] + found[1]) / 2

        baseline = (activation("a spoon") + activation("law") + activation("mathematics")) / 3
        got = injection.concept_vectors(model, tokenizer, concepts, baselines, layers, templates=templates, chat=chat)
        assert list(got) == concepts
        for concept in concepts:
            expected = activation(concept) - baseline
            assert got[concept].shape == (2, WIDTH) and got[concept].dtype == torch.float32
            # the difference of activations that are several times larger
            assert float(((got[concept] - expected).norm(dim=-1) / expected.norm(dim=-1)).max()) < 10 * NEAR

    @pytest.mark.parametrize(
        ("concepts", "baselines"), [(["a", "b"], ["b"]), (["a", "a"], ["b"]), (["a"], [])], ids=str
    )
    def test_words_that_cannot_be_compared(self, real: Pair, concepts: list[str], baselines: list[str]) -> None:
        with pytest.raises(ValueError, match="concepts must differ"):
            injection.concept_vectors(*real, concepts, baselines, [3], templates=["{}"], chat=True)

    def test_random_vectors(self) -> None:
        drawn = injection.random_vectors(200, WIDTH, seed=3)
        torch.testing.assert_close(drawn.norm(dim=-1), torch.ones(200))
        assert torch.equal(drawn[:2], RANDOM) and not torch.equal(drawn[0], injection.random_vectors(1, WIDTH, 4)[0])
        cosines = (drawn @ drawn.T)[~torch.eye(200, dtype=torch.bool)]
        assert abs(float(cosines.std()) * WIDTH**0.5 - 1) < 0.05 and float(cosines.abs().max()) < 6 / WIDTH**0.5


class TestWhereItBegins:
    def test_at_the_last_occurrence_of_the_text(self, real: Pair) -> None:
        tokenizer = real[1]
        answers = sampler(real).sample(
            [Prompt(ASK, None, "Trial 12"), Prompt(ASK, None, SETTING), Prompt(ASK), Prompt(SHORT, None, "a colour")],
            **{**HOW, "max_new_tokens": 1},
        )
        ids = ids_of(tokenizer, ASK)
        rest = [tokenizer.decode(ids[answer.start_pos :]) for answer in answers[:2]]
        assert rest[0].startswith("Trial 12: Do you detect") and rest[1].startswith("I can inject")
        assert tokenizer.decode(ids[answers[0].start_pos : answers[0].start_pos + 2]) == "Trial"  # "T" and "rial"
        assert rest[0].count("Trial 12") == 1 and tokenizer.decode(ids).count("Trial 12") == 2
        assert answers[2].start_pos == 1
        assert tokenizer.decode(ids_of(tokenizer, SHORT)[answers[3].start_pos :]).startswith(" a colour.")
        assert [answer.prompt_tokens for answer in answers] == [len(ids)] * 3 + [len(ids_of(tokenizer, SHORT))]

    def test_a_text_that_is_not_there(self, real: Pair, forward_passes: list[int]) -> None:
        with pytest.raises(ValueError, match="'Trial 7' is not in the conversation"):
            sampler(real).sample([Prompt(ASK, RANDOM[0], "Trial 7")], **HOW)
        assert not forward_passes


def by_hand(real: Pair, prompts: Sequence[Any], seed: int, temperature: float, steps: int) -> list[list[int]]:
    """Each row alone: all its tokens at every step, no padding, no cache."""
    model, tokenizer = real
    rows = [ids_of(tokenizer, prompt.messages) for prompt in prompts]
    lengths, over = [len(row) for row in rows], [False] * len(rows)
    torch.manual_seed(seed * 1_000_003)  # of the first batch
    for _ in range(steps):
        logits = []
        for prompt, row in zip(prompts, rows, strict=True):
            start = 1
            if prompt.inject_from is not None:
                start = max(n for n in range(len(row)) if tokenizer.decode(row[n:]).startswith(prompt.inject_from))

            def add(_module: Any, _args: Any, h: Any, vector: Any = prompt.vector, start: int = start) -> Any:
                if vector is None:
                    return h
                here = (torch.arange(h.shape[1]) >= start)[None, :, None]
                return h + here * 0.5 * h.norm(dim=-1, keepdim=True) * vector / vector.norm()

            handle = model.model.layers[LAYER].register_forward_hook(add)
            with torch.no_grad():
                logits.append(model(torch.tensor([row]), use_cache=False).logits[0, -1])
            handle.remove()
        drawn = torch.multinomial(torch.softmax(torch.stack(logits).float() / temperature, -1), 1)[:, 0].tolist()
        for n, token in enumerate(drawn):
            if not over[n]:
                rows[n].append(token)
                over[n] = token == tokenizer.eos_token_id
        if all(over):
            break
    return [row[length:] for row, length in zip(rows, lengths, strict=True)]


@pytest.fixture(scope="module")
def drawn(real: Pair) -> list[list[int]]:
    return by_hand(real, THREE, seed=5, temperature=0.8, steps=STEPS)


class TestSampling:
    def test_a_loop_written_by_hand(self, real: Pair, drawn: list[list[int]]) -> None:
        drawing, hooks = sampler(real), hooks_on(real[0])
        answers = drawing.sample(THREE, **HOW)
        for answer, tokens in zip(answers, drawn, strict=True):
            assert answer.text == real[1].decode(tokens, skip_special_tokens=True).strip()
            assert answer.new_tokens == len(tokens)
            assert answer.finished == (tokens[-1] == real[1].eos_token_id)
        assert drawing.used_tokens == sum(map(len, drawn)) and hooks_on(real[0]) == hooks
        plain = sampler(real).sample([Prompt(p.messages, None) for p in THREE], **HOW)
        assert answers[0].text != plain[0].text and answers[2].text != plain[2].text  # it is not the same without

    def test_another_temperature(self, real: Pair) -> None:
        answers = sampler(real, temperature=2.5).sample(THREE, **{**HOW, "max_new_tokens": 3})
        expected = by_hand(real, THREE, seed=5, temperature=2.5, steps=3)
        assert texts(answers) == [real[1].decode(tokens, skip_special_tokens=True).strip() for tokens in expected]

    def test_what_is_added(self, real: Pair) -> None:
        """The same norm in all rows, from each row's start on, in the prompt and at every cached step; else nothing."""
        concept = injection.concept_vectors(
            *real, ["bread"], ["law", "a spoon"], [LAYER], templates=["I think of {}"], chat=False
        )["bread"][0]
        assert abs(float(concept.norm()) - 1) > 1  # not of the random one's length
        prompts = [Prompt(ASK, concept, "Trial 12"), Prompt(ASK, RANDOM[0], "Trial 12"), Prompt(ASK), *THREE[1:]]
        with added_at(real[0], LAYER) as passes:
            answers = sampler(real).sample(prompts, **HOW)
        assert len(passes) > 3 and all(own.shape[1] == 1 for own, _ in passes[1:])
        longest = passes[0][0].shape[1]
        assert longest == answers[0].prompt_tokens > answers[3].prompt_tokens  # the short ones are padded
        for step, (own, given) in enumerate(passes):
            columns = torch.arange(own.shape[1]) + (longest + step - 1 if step else 0)
            for n, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
                added, at = given[n] - own[n], columns - (longest - answer.prompt_tokens)
                steered = (at >= answer.start_pos) & (prompt.vector is not None)
                assert float(added[~steered].abs().max() if (~steered).any() else 0) < 1e-3 * float(own[n].norm())
                if steered.any():
                    direction = prompt.vector / prompt.vector.norm()
                    expected = 0.5 * own[n][steered].norm(dim=-1, keepdim=True) * direction
                    assert float(((added[steered] - expected).norm(dim=-1) / expected.norm(dim=-1)).max()) < 1e-3
        first = [
            float(given[n, -1].sub(own[n, -1]).norm() / own[n, -1].norm())
            for n in range(5)
            for own, given in passes[:1]
        ]
        assert first == pytest.approx([0.5, 0.5, 0.0, 0.0, 0.5], abs=1e-4)

    def test_nothing_is_added_to_a_row_without_a_vector(self, real: Pair) -> None:
        beside = sampler(real).sample([THREE[1], THREE[0]], **HOW)
        alone = sampler(real).sample([THREE[1], Prompt(ASK, None, "Trial 12")], **HOW)
        assert beside[0] == alone[0] and beside[1].text != alone[1].text
        assert sampler(real).sample([THREE[1], THREE[0]], **{**HOW, "relative_strength": 0.0}) == alone

    def test_the_seed_and_the_number_of_the_batch_decide(self, real: Pair) -> None:
        two, first = [Prompt(SHORT)] * 2, sampler(real)
        answers = first.sample(two, **HOW)
        torch.manual_seed(99)  # what others draw does not count
        assert texts(sampler(real).sample(two, **HOW)) == texts(answers)
        second = texts(first.sample(two, **HOW))
        assert second != texts(answers)
        assert second == texts(sampler(real, batches=1).sample(two, **HOW))
        assert texts(sampler(real, seed=6).sample(two, **HOW)) not in (texts(answers), second)
        assert len(set(texts(answers))) == 2  # the rows of a batch are drawn apart

    def test_more_prompts_than_a_batch_holds(self, real: Pair) -> None:
        split = sampler(real, batch_size=2)
        answers = split.sample(THREE, **HOW)
        assert split.batches == 2
        assert answers == [*sampler(real).sample(THREE[:2], **HOW), *sampler(real, batches=1).sample(THREE[2:], **HOW)]

    def test_what_the_models_own_config_says_does_not_count(self, real: Pair) -> None:
        cuts = {"top_k": 1, "top_p": 0.01, "min_p": 0.99, "typical_p": 0.01, "epsilon_cutoff": 0.5}
        weird = {"repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "temperature": 0.01, "do_sample": False}
        more = {"max_length": 2, "min_new_tokens": 30, "num_return_sequences": 2, "bad_words_ids": [[28]]}
        plain = sampler(real)
        expected = plain.sample(THREE, **HOW)
        with own_config(real[0], **cuts, **weird, **more) as config:
            assert sampler(real).sample(THREE, **HOW) == expected
            assert real[0].generation_config is config and config.min_p == 0.99  # and it is left as it was
            with pytest.raises(ValueError, match="vector must be"):
                sampler(real).sample([Prompt(SHORT, torch.ones(3))], **HOW)
            assert real[0].generation_config is config
        assert plain.sent == {"do_sample": True, "temperature": 0.8, "top_p": 1.0, "top_k": 0}


class TestEnds:
    def test_an_answer_is_cut_where_the_model_ends_it(self, real: Pair, drawn: list[list[int]]) -> None:
        model, tokenizer = real
        word = drawn[0][2]  # from now on this token ends an answer, as an end-of-turn does
        others = [tokens for tokens in drawn[1:] if word not in tokens and tokenizer.eos_token_id not in tokens]
        assert word not in drawn[0][:2] and len(others) == 2
        with own_config(model, eos_token_id=[tokenizer.eos_token_id, word]):
            drawing = sampler(real)
            cut = drawing.sample(THREE, **HOW)
        assert [answer.new_tokens for answer in cut] == [3, STEPS, STEPS] and drawing.used_tokens == 3 + 2 * STEPS
        assert [answer.finished for answer in cut] == [True, False, False]
        assert texts(cut) == [tokenizer.decode(tokens).strip() for tokens in (drawn[0][:3], *others)]

    def test_the_end_of_turn_is_counted_and_not_shown(self, real: Pair) -> None:
        ask = [{"role": "user", "content": "Hi"}]
        drawing = sampler(real, temperature=0.01)
        (answer,) = drawing.sample([Prompt(ask)], **{**HOW, "max_new_tokens": 30})
        assert answer.finished and "<|im_end|>" not in answer.text and answer.text == answer.text.strip() != ""
        assert answer.new_tokens == drawing.used_tokens == len(real[1](answer.text)["input_ids"]) + 1
        (cut,) = sampler(real, temperature=0.01).sample([Prompt(ask)], **{**HOW, "max_new_tokens": 3})
        assert cut.new_tokens == 3 and not cut.finished and answer.text.startswith(cut.text)

    def test_the_limit_is_for_all_answers_and_before_any_is_begun(self, real: Pair, forward_passes: list[int]) -> None:
        drawing = sampler(real, limit_tokens=6, batch_size=1)
        with pytest.raises(ValueError, match="3 answers may take 9 tokens, and 6 are left"):
            drawing.sample(THREE, **{**HOW, "max_new_tokens": 3})
        assert not forward_passes and drawing.used_tokens == drawing.batches == 0
        drawing.sample(THREE, **{**HOW, "max_new_tokens": 2})  # just what is left
        assert drawing.used_tokens == 6 and drawing.batches == 3
        ran = len(forward_passes)
        with pytest.raises(ValueError, match="1 answers may take 1 tokens, and 0 are left"):
            drawing.sample(THREE[:1], **{**HOW, "max_new_tokens": 1})
        assert len(forward_passes) == ran

"""extract_activations.py against the model's own numbers, sums done by hand, and itself one input at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from test_toolkit_models import (
    BOS,
    DEPTH,
    EOS,
    FAMILIES,
    WIDTH,
    each_family,
    hooks_on,
    simple,
    tiny,
    toolkit,
    word_tokenizer,
)

torch = pytest.importorskip("torch")

extract = toolkit("extract_activations")
TOKENIZER = word_tokenizer()
TEXTS = ["w10 w11 w12 w13 w14 w15 w16 w17 w18", "w20", "w30 w31 w32 w33 w34", "w9 w8 w7", "w40 w41 w42 w43 w44 w45"]
EXACT = {"rtol": 0.0, "atol": 0.0}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # float32: sums of a few dozen terms of order 1 in another order


def plain(family: str, ids: list[int]) -> Any:
    """The model's hidden states, (DEPTH + 1, tokens, d): the embeddings, each block's output, the last one normed."""
    with torch.no_grad():
        return torch.cat(tiny(family)(torch.tensor([ids]), output_hidden_states=True).hidden_states)


class TestFamilies:
    @each_family
    def test_equals_the_models_own_hidden_states(self, family: str) -> None:
        ids = [BOS, *range(10, 19)]
        expected = plain(family, ids)[1:DEPTH].transpose(0, 1)
        (got,) = extract.extract_activations(tiny(family), TOKENIZER, TEXTS[:1], range(DEPTH - 1), "all")
        assert got.dtype == torch.float32 and got.shape == (DEPTH - 1, 10, WIDTH)
        torch.testing.assert_close(got.transpose(0, 1), expected, **CLOSE)

    @each_family
    def test_the_last_block_then_norm_then_unembedding_are_the_logits(self, family: str) -> None:
        model, parts = tiny(family), FAMILIES[family]
        with torch.no_grad():
            logits = model(torch.tensor([[BOS, *range(10, 19)]])).logits[0]
            (last,) = extract.extract_activations(model, TOKENIZER, TEXTS[:1], -1, "all")
            through = model.get_submodule(parts.head)(model.get_submodule(parts.norm)(last[0]))
        torch.testing.assert_close(through, logits, **CLOSE)
        assert not torch.allclose(plain(family, [BOS, *range(10, 19)])[-1], last[0], **CLOSE)

    @each_family
    def test_a_batch_equals_one_at_a_time(self, family: str) -> None:
        together = extract.extract_activations(tiny(family), TOKENIZER, TEXTS, None, "all")
        assert [one.shape for one in together] == [(DEPTH, len(text.split()) + 1, WIDTH) for text in TEXTS]
        for text, one in zip(TEXTS, together, strict=True):
            alone = extract.extract_activations(tiny(family), TOKENIZER, [text], None, "all")[0]
            torch.testing.assert_close(one, alone, **CLOSE)

    @each_family
    def test_nothing_is_left_behind(self, family: str) -> None:
        model = tiny(family)
        plain(family, [BOS])
        hooks = hooks_on(model)
        extract.extract_activations(model, TOKENIZER, TEXTS, [0, -1])
        assert hooks_on(model) == hooks and torch.is_grad_enabled()


class TestPositionsAndLayers:
    def test_each_way_to_choose_positions(self) -> None:
        def of(positions: Any, **more: Any) -> Any:
            return extract.extract_activations(tiny("llama"), TOKENIZER, TEXTS, None, positions, **more)

        every = of("all")
        torch.testing.assert_close(of("last"), torch.stack([a[:, -1] for a in every]), **EXACT)
        torch.testing.assert_close(of(1), torch.stack([a[:, 1] for a in every]), **EXACT)
        torch.testing.assert_close(of(-2), torch.stack([a[:, -2] for a in every]), **EXACT)
        torch.testing.assert_close(of("mean"), torch.stack([a.mean(1) for a in every]), **CLOSE)
        for some in ([0, -1, 1], range(2), torch.tensor([1, 0]), slice(1, None), slice(-2, None), slice(None, None, 2)):
            index = some if isinstance(some, slice) else list(some)
            for got, whole in zip(of(some), every, strict=True):
                torch.testing.assert_close(got, whole[:, index], **EXACT)
            expected = torch.stack([whole[:, index].mean(1) for whole in every])
            torch.testing.assert_close(of(some, pool="mean"), expected, **CLOSE)

    def test_layers_in_the_order_asked_for(self) -> None:
        def of(layers: Any) -> Any:
            return extract.extract_activations(tiny("llama"), TOKENIZER, TEXTS, layers)

        every = of(None)
        assert every.shape == (len(TEXTS), DEPTH, WIDTH)
        for layers, index in ((1, [1]), (-1, [2]), ([2, 0, -1], [2, 0, 2]), (range(2), [0, 1])):
            torch.testing.assert_close(of(layers), every[:, index], **EXACT)

    @pytest.mark.parametrize("size", [1, 2, 3, 4])
    def test_the_order_is_that_of_the_inputs_whatever_the_batches(self, size: int) -> None:
        one = extract.extract_activations(tiny("gpt2"), TOKENIZER, TEXTS)
        torch.testing.assert_close(
            extract.extract_activations(tiny("gpt2"), TOKENIZER, TEXTS, batch_size=size), one, **CLOSE
        )

    def test_several_batches_are_sorted_by_length_and_one_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[list[int]] = []
        run = extract._run

        def spy(model: Any, blocks: Any, wanted: Any, tokens: Any, *rest: Any, **more: Any) -> Any:
            seen.append([len(row) for row in tokens])
            return run(model, blocks, wanted, tokens, *rest, **more)

        monkeypatch.setattr(extract, "_run", spy)
        extract.extract_activations(tiny("llama"), TOKENIZER, TEXTS)
        extract.extract_activations(tiny("llama"), TOKENIZER, TEXTS, batch_size=2)
        assert seen == [[10, 2, 6, 4, 7], [2, 4], [6, 7], [10]]

    def test_one_activation(self) -> None:
        for layer, position in ((0, -1), (2, 0), (-1, 3)):
            got = extract.extract_activation(tiny("qwen3"), TOKENIZER, TEXTS[0], layer, position)
            (every,) = extract.extract_activations(tiny("qwen3"), TOKENIZER, TEXTS[:1], None, "all")
            assert got.shape == (WIDTH,) and got.device.type == "cpu"
            torch.testing.assert_close(got, every[layer, position], **EXACT)

    def test_no_later_block_runs_than_needed(self) -> None:
        model, ran = tiny("llama"), []
        handles = [
            block.register_forward_hook(lambda *_, n=n: ran.append(n)) for n, block in enumerate(model.model.layers)
        ]
        try:
            extract.extract_activations(model, TOKENIZER, TEXTS, [0, 1])
        finally:
            for handle in handles:
                handle.remove()
        assert ran == [0, 1]


class Toy(torch.nn.Module):  # type: ignore[misc, name-defined]
    """One block that adds 10 and then multiplies by `gain`; tokens are their own activation, (t, 2 t)."""

    def __init__(self, gain: float = 2.0, give: str = "tensor") -> None:
        super().__init__()
        self.config = SimpleNamespace(num_hidden_layers=1, hidden_size=2)
        self.gain = torch.nn.Parameter(torch.tensor(gain))
        outer = self

        class Block(torch.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, hidden: Any) -> Any:
                out = (hidden.to(outer.gain) + 10) * outer.gain
                return {"tensor": out, "tuple": (out, "cache"), "flat": out.flatten(0, 1), "dict": {"out": out}}[give]

        self.layers = torch.nn.ModuleList([Block()])

    def forward(
        self, input_ids: Any, attention_mask: Any = None, position_ids: Any = None, use_cache: Any = None
    ) -> Any:
        return self.layers[0](torch.stack([input_ids, 2 * input_ids], -1).float())


class TestByHand:
    @pytest.mark.parametrize("give", ["tensor", "tuple"])
    def test_numbers_on_paper(self, give: str) -> None:
        # tokens 3 and 5: (3, 6) and (5, 10), plus 10, times 2: (26, 32) and (30, 40); their mean is (28, 36)
        inputs = [torch.tensor([3, 5]), torch.tensor([7])]
        got = extract.extract_activations(Toy(give=give), None, inputs, None, "all")
        assert got[0].tolist() == [[[26, 32], [30, 40]]] and got[1].tolist() == [[[34, 48]]]
        mean = extract.extract_activations(Toy(give=give), None, inputs, 0, "mean")
        assert mean.tolist() == [[[28, 36]], [[34, 48]]]

    @pytest.mark.parametrize("give", ["flat", "dict"])
    def test_a_block_that_gives_something_else(self, give: str) -> None:
        with pytest.raises(ValueError, match=r"\(batch, tokens, d\)"):
            extract.extract_activations(Toy(give=give), None, [torch.tensor([3, 5])])

    def test_overflow_is_no_activation(self) -> None:
        toy = Toy(gain=6e4).half()
        with pytest.raises(FloatingPointError, match="float16"):
            extract.extract_activations(toy, None, [torch.tensor([3])])

    def test_low_precision_models_give_float32(self) -> None:
        got = extract.extract_activations(Toy().bfloat16(), None, [torch.tensor([3])])
        (apart,) = extract.extract_activations(Toy().bfloat16(), None, [torch.tensor([3])], None, "all")
        assert got.dtype == apart.dtype == torch.float32 and got.tolist() == apart.tolist() == [[[26, 32]]]

    def test_a_block_that_never_runs(self) -> None:
        toy = Toy()
        toy.others = torch.nn.ModuleList([torch.nn.Identity()])
        with pytest.raises(RuntimeError, match="did not run"):
            extract.extract_activations(toy, None, [torch.tensor([3])], layers_path="others")


class TestTokens:
    def test_a_text_has_one_bos(self) -> None:
        assert extract.token_ids(TOKENIZER, "w10 w11") == [BOS, 10, 11]
        assert extract.token_ids(TOKENIZER, "<s> w10 w11") == [BOS, 10, 11]
        assert extract.token_ids(word_tokenizer(bos=False), "w10") == [10]
        assert extract.token_ids(word_tokenizer(bos=False), "<s> w10") == [BOS, 10]

    def test_a_text_ends_with_its_own_last_token(self) -> None:
        assert extract.token_ids(word_tokenizer(eos=True), "w10") == [BOS, 10]
        for adds_eos in (True, False):
            assert extract.token_ids(word_tokenizer(eos=adds_eos), "w10 </s>") == [BOS, 10, EOS]

    def test_a_conversation_is_what_generate_would_get(self) -> None:
        messages = [{"role": "user", "content": "w10"}]
        assert extract.token_ids(TOKENIZER, messages) == [BOS, 4, 10, EOS, 5]
        assert extract.token_ids(TOKENIZER, messages, add_generation_prompt=False) == [BOS, 4, 10, EOS]
        text = TOKENIZER.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert text.startswith("<s>") and extract.token_ids(TOKENIZER, text) == [BOS, 4, 10, EOS, 5]
        model = tiny("llama")
        from_messages = extract.extract_activation(model, TOKENIZER, messages, 1)
        torch.testing.assert_close(from_messages, plain("llama", [BOS, 4, 10, EOS, 5])[2, -1], **CLOSE)

    def test_the_assistants_last_turn_is_over_or_open_as_said(self) -> None:
        messages = [{"role": "user", "content": "w10"}, {"role": "assistant", "content": "w11"}]
        with pytest.raises(ValueError, match="continue_final_message"):
            extract.token_ids(TOKENIZER, messages)
        over = extract.token_ids(TOKENIZER, messages, add_generation_prompt=False)
        still_open = extract.token_ids(TOKENIZER, messages, False, continue_final_message=True)
        assert over[-2:] == [11, EOS] and still_open[-1] == 11

    def test_ids_are_used_as_they_are(self) -> None:
        assert extract.token_ids(TOKENIZER, torch.tensor([BOS, BOS, 7])) == [BOS, BOS, 7]
        for wrong in (torch.tensor([[1, 2]]), torch.tensor([1.0]), torch.tensor([], dtype=torch.long)):
            with pytest.raises(ValueError, match="1-D"):
                extract.token_ids(TOKENIZER, wrong)

    @pytest.mark.filterwarnings("error")
    def test_an_input_of_one_token_is_warned_about(self) -> None:
        bare = word_tokenizer(bos=False)
        extract.extract_activations(tiny("llama"), bare, ["w10 w11", "w12 w13"])
        with pytest.raises(UserWarning, match="one token"):
            extract.extract_activation(tiny("llama"), bare, "w10", 1)

    def test_no_tokens(self) -> None:
        assert extract.token_ids(TOKENIZER, "") == [BOS]
        with pytest.raises(ValueError, match="no tokens"):
            extract.token_ids(word_tokenizer(bos=False), "")
        for empty in ([], [["role"]], 5 * [None]):
            with pytest.raises(TypeError):
                extract.token_ids(TOKENIZER, empty)


class TestRefusals:
    @pytest.mark.parametrize(
        ("inputs", "more", "error"),
        [
            ("w10", {}, TypeError),
            ([{"role": "user", "content": "w10"}], {}, TypeError),
            (TOKENIZER(TEXTS, padding=True, return_tensors="pt"), {}, TypeError),
            (TOKENIZER(TEXTS, padding=True, return_tensors="pt").input_ids, {}, TypeError),
            ([], {}, ValueError),
            (TEXTS, {"layers": []}, ValueError),
            (TEXTS, {"layers": 3}, IndexError),
            (TEXTS, {"layers": [0, -4]}, IndexError),
            (TEXTS, {"positions": 2}, IndexError),  # "w20" has two tokens
            (TEXTS, {"positions": [0, -3]}, IndexError),
            (TEXTS, {"positions": slice(2, None)}, IndexError),
            (TEXTS, {"positions": []}, IndexError),
            (TEXTS, {"positions": "first"}, ValueError),
            (TEXTS, {"positions": 0.5}, TypeError),
            (TEXTS, {"pool": "max"}, ValueError),
            (TEXTS, {"batch_size": 0}, ValueError),
            (["w10 " * 64], {}, ValueError),  # 65 tokens with BOS; the model was made for 64
        ],
    )
    def test_before_any_forward_pass(self, inputs: Any, more: dict[str, Any], error: type[Exception]) -> None:
        model, ran = tiny("gpt2"), []
        handle = model.register_forward_pre_hook(lambda *_: ran.append(1))
        try:
            with pytest.raises(error):
                extract.extract_activations(model, TOKENIZER, inputs, **more)
        finally:
            handle.remove()
        assert not ran

    def test_one_activation_of_several_texts(self) -> None:
        with pytest.raises(TypeError):
            extract.extract_activation(tiny("llama"), TOKENIZER, TEXTS, 0)


class TestTheModelIsLeftAsItWas:
    def test_dropout_is_off_and_each_flag_is_put_back(self) -> None:
        model = simple("GPTNeoX", hidden_dropout=0.5, attention_dropout=0.5)().train()
        model.gpt_neox.layers[1].eval()
        flags = [module.training for module in model.modules()]
        first, second = (extract.extract_activations(model, TOKENIZER, TEXTS, [1]) for _ in range(2))
        torch.testing.assert_close(first, second, **EXACT)
        assert [module.training for module in model.modules()] == flags and len(set(flags)) == 2

    def test_no_gradient_is_kept(self) -> None:
        got = extract.extract_activations(tiny("llama"), TOKENIZER, TEXTS)
        assert not got.requires_grad and torch.is_grad_enabled()

    @pytest.mark.parametrize("family", ["llama", "peft"])
    def test_after_an_exception_in_the_forward_pass(self, family: str) -> None:
        model = tiny(family)
        plain(family, [BOS])
        hooks = hooks_on(model)
        block = extract.find_layers(model)[1][1]

        def fail(*_: Any) -> None:
            raise KeyError("a fault in the model")

        handle = block.register_forward_pre_hook(fail)
        model.train()
        try:
            with pytest.raises(KeyError, match="a fault"):
                extract.extract_activations(model, TOKENIZER, TEXTS)
            assert model.training
        finally:
            model.eval()
            handle.remove()
        assert hooks_on(model) == hooks

    def test_models_without_position_ids_get_no_padding(self) -> None:
        class NoPositions(torch.nn.Module):  # type: ignore[misc, name-defined]  # adds the column's number, which left padding would shift
            def __init__(self) -> None:
                super().__init__()
                self.config = SimpleNamespace(num_hidden_layers=1)
                self.layers = torch.nn.ModuleList([torch.nn.Linear(1, 1)])

            def forward(self, input_ids: Any, attention_mask: Any, use_cache: Any) -> Any:
                return self.layers[0]((input_ids + torch.arange(input_ids.shape[1])).float()[..., None])

        model = NoPositions()
        inputs = [torch.tensor(ids) for ids in ([5, 6, 7], [8], [9, 4, 3], [2])]
        together = extract.extract_activations(model, None, inputs)
        alone = torch.cat([extract.extract_activations(model, None, [one]) for one in inputs])
        torch.testing.assert_close(together, alone, **CLOSE)

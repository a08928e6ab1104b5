"""Both toolkit files on the embedded chat model (30 blocks, width 576, float32), against plain forward passes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_toolkit_models import hooks_on, toolkit

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

extract = toolkit("extract_activations")
steer = toolkit("steering_hook").create_steering_hook
ROOT = Path(__file__).parents[2]
TEXTS = ["The ocean is vast and deep, and", "Rain.", "On the other side of the river there was once a small house that"]
CHAT = [{"role": "user", "content": "What is the capital of France?"}]
NEAR = 1e-4  # of an activation's norm; float32 with other shapes of the same sums gives about 1e-6


@pytest.fixture(scope="module")
def real() -> tuple[Any, Any]:
    """Prepared by Seer's own set-up; a second of work when it is there already."""
    command = ["node", "--conditions=seer-source", "src/environment/cli-prepare.ts"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{done.stderr}\n(it needs Node 24 on the PATH, as scripts/test has it)"
    path = json.loads(done.stdout.strip().splitlines()[-1])["model"]
    model = transformers.AutoModelForCausalLM.from_pretrained(path).eval()
    return model, transformers.AutoTokenizer.from_pretrained(path)


def distance(a: Any, b: Any) -> float:
    """The largest difference of two activations, as a fraction of their norm; a, b: (..., d)."""
    return float(((a - b).norm(dim=-1) / b.norm(dim=-1)).max())


def test_every_block_of_a_plain_forward_pass(real: tuple[Any, Any]) -> None:
    model, tokenizer = real
    ids = tokenizer(TEXTS[0], return_tensors="pt").input_ids
    inputs: list[Any] = []
    handle = model.model.norm.register_forward_pre_hook(lambda _module, args: inputs.append(args[0]))
    with torch.no_grad():
        plain = model(ids, output_hidden_states=True)
    handle.remove()
    (got,) = extract.extract_activations(model, tokenizer, TEXTS[:1], None, "all")
    assert got.shape == (30, ids.shape[1], 576)
    assert distance(got[:29], torch.cat(plain.hidden_states)[1:30]) < NEAR
    assert distance(got[29], inputs[0][0]) < NEAR
    assert distance(got[29], plain.hidden_states[30][0]) > 0.5  # what transformers calls the last one is after the norm
    with torch.no_grad():
        torch.testing.assert_close(model.lm_head(model.model.norm(got[29])), plain.logits[0], rtol=1e-4, atol=1e-3)


def test_texts_and_conversations_together_and_one_at_a_time(real: tuple[Any, Any]) -> None:
    model, tokenizer = real
    inputs = [*TEXTS, CHAT]
    together = extract.extract_activations(model, tokenizer, inputs, None, "all")
    for item, one in zip(inputs, together, strict=True):
        ids = extract.token_ids(tokenizer, item)
        with torch.no_grad():
            plain = torch.cat(model(torch.tensor([ids]), output_hidden_states=True).hidden_states)
        assert distance(one[:29], plain[1:30]) < NEAR
        for layer, position in ((0, 0), (15, -1), (28, len(ids) // 2)):
            alone = extract.extract_activation(model, tokenizer, item, layer, position)
            assert distance(one[layer, position], alone) < NEAR
    rows = extract.extract_activations(model, tokenizer, inputs, [3, 20], batch_size=2)
    assert distance(rows, torch.stack([one[[3, 20], -1] for one in together])) < NEAR


def test_the_conversation_is_what_generate_gets(real: tuple[Any, Any]) -> None:
    tokenizer = real[1]
    expected = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, return_dict=True)["input_ids"]
    text = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, tokenize=False)
    assert extract.token_ids(tokenizer, CHAT) == expected == extract.token_ids(tokenizer, text)
    assert expected[0] == tokenizer.bos_token_id != expected[1]


def vector(model: Any, tokenizer: Any) -> Any:
    """'ocean' minus other things, without the first token."""
    of = {"positions": slice(1, None), "pool": "mean", "layers": 15}
    ocean = extract.extract_activations(model, tokenizer, ["I think about the ocean", "A book about the ocean"], **of)
    others = ["I think about the office", "A book about the army", "I think about the bread", "A book about the law"]
    return (ocean.mean(0) - extract.extract_activations(model, tokenizer, others, **of).mean(0))[0]


def test_steered_generation_is_that_of_a_hook_written_by_hand(real: tuple[Any, Any]) -> None:
    model, tokenizer = real
    v, steps, hooks = vector(model, tokenizer), 12, hooks_on(model)
    prompts = [tokenizer(text).input_ids for text in TEXTS]
    longest = max(map(len, prompts))
    starts = [len(prompt) + 3 for prompt in prompts]  # from the fourth new token on
    given = {
        "input_ids": torch.tensor([[2] * (longest - len(row)) + row for row in prompts]),
        "attention_mask": torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in prompts]),
    }
    how = {"max_new_tokens": steps, "min_new_tokens": steps, "do_sample": False, "output_logits": True}
    plain = model.generate(**given, **how, return_dict_in_generate=True)
    with steer(model, 15, v, 4.0, start_pos=starts) as steering:
        out = model.generate(**given, **how, return_dict_in_generate=True)
    assert steering.positions_changed == len(prompts) * (steps - 4) and hooks_on(model) == hooks
    logits = torch.stack(out.logits, 1)
    assert torch.equal(out.sequences[:, : longest + 4], plain.sequences[:, : longest + 4])
    assert not torch.equal(out.sequences, plain.sequences)
    for row, prompt, start, got in zip(out.sequences[:, longest:].tolist(), prompts, starts, logits, strict=True):

        def add(_module: Any, _args: Any, hidden: Any, start: int = start) -> Any:
            return hidden + 4.0 * v * (torch.arange(hidden.shape[1]) >= start)[None, :, None]

        handle = model.model.layers[15].register_forward_hook(add)
        with torch.no_grad():  # all at once: causal, so each row of logits is what a step would have given
            expected = model(torch.tensor([prompt + row]), use_cache=False).logits[0, len(prompt) - 1 : -1]
        handle.remove()
        torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-2)  # logits are of order 10
        expected[:, tokenizer.eos_token_id] = -torch.inf  # as min_new_tokens has it
        assert expected.argmax(-1).tolist() == row


def test_a_concept_is_steered_towards_and_away_from(real: tuple[Any, Any]) -> None:
    model, tokenizer = real
    v = vector(model, tokenizer)
    ids = torch.tensor([tokenizer("My favourite thing in the world is the").input_ids])
    words = torch.tensor([tokenizer(word).input_ids[0] for word in (" ocean", " sea", " waves", " beach")])
    chances = []
    for amount in (-0.3, 0.0, 0.3):
        with torch.no_grad(), steer(model, 15, v, relative_strength=amount, start_pos=1):
            chances.append(float(model(ids).logits[0, -1].softmax(-1)[words].sum()))
    assert chances[0] < chances[1] / 2 and chances[2] > chances[1] * 2, chances


def test_the_example_of_the_document(real: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "toolkit.md").read_text()
    example = text.split("```python\n")[1].split("```")[0]
    monkeypatch.syspath_prepend(str(ROOT / "experiments" / "toolkit"))
    names: dict[str, Any] = {"model": real[0], "tokenizer": real[1]}
    exec(example, names)
    assert names["act"].shape == (576,) and names["some"].shape == (2, 2, 576)
    assert names["steering"].positions_changed == names["prompt_length"] + 19

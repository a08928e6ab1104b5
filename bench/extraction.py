"""Extraction of 256 prompts, against plain forward passes over the same batches, and against one prompt at a time."""

from __future__ import annotations

from typing import Any

import torch
from extract_activations import extract_activation, extract_activations, token_ids
from interleaved import Arm, left_padded, open_benchmark, part, print_table, prompts, seconds_of

PROMPTS = 256
BATCH = 16
LAYER = 20
PART = 128  # one at a time, each round does this many, the others in the next: all would take half of four minutes
PLAIN = "plain forward pass"
NEAR = 1e-4  # of an activation's norm; float32 with other shapes of the same sums gives about 1e-6


def main() -> None:
    model, tokenizer, rounds = open_benchmark(__doc__)
    texts = prompts(PROMPTS)
    tokens = [token_ids(tokenizer, text) for text in texts]
    order = sorted(range(PROMPTS), key=lambda n: len(tokens[n]))  # as extract_activations batches them
    batches = []
    for start in range(0, PROMPTS, BATCH):
        batch = left_padded([tokens[n] for n in order[start : start + BATCH]])
        batches.append({**batch, "position_ids": (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)})
    expected = torch.empty(PROMPTS, len(model.model.layers), model.config.hidden_size)
    expected[order] = torch.cat([last_tokens(model, batch) for batch in batches])
    farthest = 0.0

    def near(found: torch.Tensor, wanted: torch.Tensor) -> None:
        nonlocal farthest
        far = float(((found - wanted).norm(dim=-1) / wanted.norm(dim=-1)).max())
        if not far < NEAR:
            raise SystemExit(f"activations differ from those of plain forward passes by {far:.1e} of their norm")
        farthest = max(farthest, far)

    def plain(_round: int) -> None:
        # Without the unembedding, which no extraction needs: what is left is what every way of doing it must compute.
        with torch.no_grad():
            for batch in batches:
                model.model(**batch, use_cache=False)

    arms = {
        PLAIN: Arm(plain, lambda _round, _nothing: None),
        f"`extract_activations`, layer {LAYER}": Arm(
            lambda _round: extract_activations(model, tokenizer, texts, LAYER, batch_size=BATCH)[:, 0],
            lambda _round, found: near(found, expected[:, LAYER]),
        ),
        "`extract_activations`, all layers": Arm(
            lambda _round: extract_activations(model, tokenizer, texts, batch_size=BATCH),
            lambda _round, found: near(found, expected),
        ),
        f"`extract_activation`, layer {LAYER}, one at a time ({PART} a round, × {PROMPTS // PART})": Arm(
            lambda number: torch.stack(
                [extract_activation(model, tokenizer, text, LAYER) for text in texts[part(number, PART, PROMPTS)]]
            ),
            lambda number, found: near(found, expected[part(number, PART, PROMPTS), LAYER]),
            scale=PROMPTS / PART,
        ),
    }
    seconds = seconds_of(arms, rounds)
    print(
        f"{PROMPTS} prompts of {min(map(len, tokens))} to {max(map(len, tokens))} tokens, batches of {BATCH}, the last "
        f"token of each. Every result equals the plain forward pass up to {farthest:.1e} of an activation's norm.\n"
    )
    print_table(seconds, PLAIN)


def last_tokens(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """(batch, blocks, d) by what transformers itself returns; the last block's output is what the norm is given."""
    given: list[torch.Tensor] = []
    handle = model.model.norm.register_forward_pre_hook(lambda _module, args: given.append(args[0]))
    with torch.no_grad():
        hidden = model.model(**batch, use_cache=False, output_hidden_states=True).hidden_states
    handle.remove()
    return torch.stack([states[:, -1] for states in (*hidden[1:-1], given[0])], dim=1)


main()

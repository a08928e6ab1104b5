"""Steered against unsteered generation of 32 prompts together, and the same prompts one at a time."""

from __future__ import annotations

from typing import Any

import torch
from extract_activations import extract_activations
from interleaved import Arm, left_padded, open_benchmark, part, print_table, prompts, seconds_of
from steering_hook import create_steering_hook

PROMPTS = 32
NEW_TOKENS = 16
LAYER = 20
STRENGTH = 0.3
PLAIN = "unsteered, one batch"
PART = 8  # one at a time, each round does this many, others in the next: all would take half a minute a round


def main() -> None:
    model, tokenizer, rounds = open_benchmark(__doc__)
    rows = [tokenizer(text).input_ids for text in prompts(PROMPTS)]
    of: dict[str, Any] = {"positions": slice(1, None), "pool": "mean", "layers": LAYER}
    ocean = extract_activations(model, tokenizer, ["I think about the ocean", "A book about the ocean"], **of)
    others = extract_activations(model, tokenizer, ["I think about the law", "A book about the bread"], **of)
    vector = (ocean.mean(0) - others.mean(0))[0]

    def generate(batch: list[list[int]]) -> torch.Tensor:
        given = left_padded(batch)
        how = {"max_new_tokens": NEW_TOKENS, "min_new_tokens": NEW_TOKENS, "do_sample": False}
        new: torch.Tensor = model.generate(**given, **how)[:, given["input_ids"].shape[1] :]
        return new

    def steered(batch: list[list[int]]) -> torch.Tensor:
        with create_steering_hook(model, LAYER, vector, relative_strength=STRENGTH, start_pos=1) as steering:
            new = generate(batch)
        positions = sum(len(row) + NEW_TOKENS - 2 for row in batch)  # all but the first, and the last is never read
        if steering.positions_changed != positions:
            raise SystemExit(f"steered at {steering.positions_changed} positions, not at {positions}")
        return new

    plain, new = generate(rows), steered(rows)
    changed = int((plain != new).any(1).sum())
    if changed == 0:
        raise SystemExit("steering changed no token")
    check_by_hand(model, tokenizer, rows, new, vector)
    arms = {
        PLAIN: Arm(lambda _round: generate(rows), lambda _round, found: equal(found, plain)),
        "steered, one batch": Arm(lambda _round: steered(rows), lambda _round, found: equal(found, new)),
        f"steered, one at a time ({PART} a round, × {PROMPTS // PART})": Arm(
            lambda number: torch.cat([steered([row]) for row in rows[part(number, PART, PROMPTS)]]),
            lambda number, found: equal(found, new[part(number, PART, PROMPTS)]),
            scale=PROMPTS / PART,
        ),
    }
    seconds = seconds_of(arms, rounds)
    print(
        f"{PROMPTS} prompts, {NEW_TOKENS} greedy tokens each, steered at layer {LAYER} from token 1 on; {changed} of "
        "the texts are changed by it. Every token, one at a time too, is the one that a hook written by hand gives.\n"
    )
    print_table(seconds, PLAIN)


def equal(found: torch.Tensor, wanted: torch.Tensor) -> None:
    if not torch.equal(found, wanted):
        raise SystemExit(f"{int((found != wanted).any(1).sum())} of {len(found)} texts are not the same")


def check_by_hand(model: Any, tokenizer: Any, rows: list[list[int]], new: torch.Tensor, vector: torch.Tensor) -> None:
    """All tokens of a text at once: what comes before a token decides it, as in generation step by step."""
    unit = vector / vector.norm()

    def add(_module: Any, _args: Any, hidden: torch.Tensor) -> torch.Tensor:
        rest = hidden[:, 1:]
        return torch.cat([hidden[:, :1], rest + STRENGTH * rest.norm(dim=-1, keepdim=True) * unit], dim=1)

    handle = model.model.layers[LAYER].register_forward_hook(add)
    for row, continued in zip(rows, new, strict=True):
        with torch.no_grad():
            logits = model(torch.tensor([row + continued.tolist()]), use_cache=False).logits[0, len(row) - 1 : -1]
        logits[:, tokenizer.eos_token_id] = -torch.inf  # as min_new_tokens has it
        equal(continued[None], logits.argmax(-1)[None])
    handle.remove()


main()

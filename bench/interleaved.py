"""What the benchmarks of the toolkit have in common: the embedded model, prompts, interleaved rounds, a table."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import transformers

NOUNS = [
    *["sea", "law", "sun", "wind", "road", "house", "king", "bread"],
    *["clock", "river", "army", "book", "music", "money", "garden", "storm"],
]
ENDINGS = [
    *["is", "was", "grows", "is cold", "was old", "has gone", "stood still", "is new", "was here", "is small"],
    *["is far away", "will not last", "made her laugh", "gave them hope", "was not seen", "is all new"],
]


def prompts(count: int) -> list[str]:
    """Different short texts of 3 to 5 tokens, in no order of length."""
    texts = [f"The {noun} {ending}" for noun in NOUNS for ending in ENDINGS]
    return texts[:: len(texts) // count][:count]


def open_benchmark(description: str | None) -> tuple[Any, Any, int]:
    """The model, its tokenizer and the number of rounds."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("model", help="a folder that transformers can load")
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    transformers.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    return model, transformers.AutoTokenizer.from_pretrained(args.model), args.rounds


def left_padded(rows: list[list[int]]) -> dict[str, torch.Tensor]:
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}


def part(number: int, size: int, total: int) -> slice:
    """Which of `total` things a round does, `size` of them: after total / size rounds all have had their turn."""
    start = number * size % total
    return slice(start, start + size)


class Arm(NamedTuple):
    """What is timed, and what is then asked of its result, outside the time. Both are told the number of the round."""

    run: Callable[[int], Any]
    check: Callable[[int, Any], None]
    scale: float = 1.0  # where a round does only a part


def seconds_of(arms: Mapping[str, Arm], rounds: int) -> dict[str, list[float]]:
    """Each arm once in every round, each of them first in its turn; nothing unless all results were right."""
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    names = list(arms)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            arm = arms[name]
            started = time.perf_counter()
            result = arm.run(number)
            seconds[name].append((time.perf_counter() - started) * arm.scale)
            arm.check(number, result)
    return seconds


def print_table(seconds: Mapping[str, list[float]], against: str) -> None:
    """Medians; the ratio is the median of the rounds' own ratios, so that a slow minute counts for both sides."""
    print(f"| | median s | range s | ratio to {against} |\n|---|---|---|---|")
    for name, own in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(own, seconds[against], strict=True))
        print(f"| {name} | {statistics.median(own):.2f} | {min(own):.2f}–{max(own):.2f} | {ratio:.2f} |")
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(
        f"\n{len(seconds[against])} rounds. {cores} cores, {torch.get_num_threads()} torch threads, "
        f"load {load:.1f} at the end, Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )

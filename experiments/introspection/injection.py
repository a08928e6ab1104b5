"""Concept vectors, and sampling while one is added to the residual stream from a given word of the prompt on.

The method is that of Lindsey (2025), "Emergent introspective awareness in large language models", Transformer Circuits:
a concept vector is what a concept adds to the residual stream over a set of baseline words, and it is injected from
"Trial N" in the last message to the end of the answer. See docs/introspection.md for what differs here, and why.

Needs extract_activations.py and steering_hook.py beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from extract_activations import block_index, extract_activations, find_layers
from steering_hook import create_steering_hook
from torch import nn

Conversation = Sequence[Mapping[str, str]]


def layers_at(model: nn.Module, depths: Sequence[float]) -> list[int]:
    """The 0-based blocks at these fractions of the model's depth: 0.7 of 30 is the output of the 21st, block 20."""
    count = len(find_layers(model)[1])
    layers = [max(0, round(depth * count) - 1) for depth in depths]
    if not all(0 < depth <= 1 for depth in depths) or len(set(layers)) != len(layers):
        raise ValueError(f"depths must be different blocks, in (0, 1]: {list(depths)} of {count} blocks")
    return [block_index(layer, count) for layer in layers]


def concept_vectors(
    model: nn.Module,
    tokenizer: Any,
    concepts: Sequence[str],
    baselines: Sequence[str],
    layers: Sequence[int],
    *,
    templates: Sequence[str],
    chat: bool,
) -> dict[str, torch.Tensor]:
    """activation(concept) - mean(activation(baselines)) for each concept: (L, d), float32, residual stream's units.

    templates: texts in which `{}` stands for the word; what they give is averaged.
    chat: the template is a user's message, and the activation is that of the conversation's last token, where the
        answer would begin (the paper's way). Otherwise it is a plain text, and the activation is the mean over its
        tokens but the first, which in many models is a hundred times larger than all others and says nothing of the
        text.
    """
    if not baselines or set(concepts) & set(baselines) or len(set(concepts)) != len(concepts):
        raise ValueError("concepts must differ from each other and from the baselines, and there must be some of these")
    texts = [template.format(word) for word in [*concepts, *baselines] for template in templates]
    if chat:
        turns: list[Any] = [[{"role": "user", "content": text}] for text in texts]
        found = extract_activations(model, tokenizer, turns, layers)
    else:
        found = extract_activations(model, tokenizer, texts, layers, slice(1, None), pool="mean")
    by_word = found.unflatten(0, (-1, len(templates))).mean(1)  # (words, L, d)
    baseline = by_word[len(concepts) :].mean(0)
    return {concept: by_word[n] - baseline for n, concept in enumerate(concepts)}


def random_vectors(count: int, width: int, seed: int) -> torch.Tensor:
    """(count, width): directions drawn uniformly, of length 1. Their strength is set where they are injected."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, width, generator=generator)
    return drawn / drawn.norm(dim=-1, keepdim=True)


@dataclass
class Prompt:
    """A conversation, the vector that is injected while it is answered, and from which text of it on.

    messages: a list of {"role": ..., "content": ...}, as for the chat template.
    vector: (d,) or None for no injection.
    inject_from: the injection begins at the first token of the last occurrence of this text, and lasts to the end of
        the answer. None: from the second token on (the first is left alone).
    """

    messages: Conversation
    vector: torch.Tensor | None = None
    inject_from: str | None = None


@dataclass
class Answer:
    text: str
    new_tokens: int  # the end-of-turn token included
    finished: bool  # it ended by itself
    start_pos: int  # the first position at which the vector was added, or would have been
    prompt_tokens: int


@dataclass
class Sampler:
    """Samples answers in batches in which steered and unsteered prompts stand side by side.

    The temperature is the only sampling parameter: nothing is cut off (top_p 1, top_k 0), nothing is penalised, and
    what the model's own generation config says does not count, but for the tokens that end an answer. `sent` is what
    `generate` was given. `limit_tokens` is for all answers together, and a call that could pass it is refused before it
    begins.
    """

    model: Any
    tokenizer: Any
    temperature: float
    seed: int
    limit_tokens: int
    batch_size: int = 32
    used_tokens: int = 0
    batches: int = 0
    sent: dict[str, Any] = field(default_factory=dict)

    def sample(
        self, prompts: Sequence[Prompt], *, layer: int, relative_strength: float, max_new_tokens: int
    ) -> list[Answer]:
        """One answer for each prompt, in their order.

        layer: the 0-based block at whose output vectors are added.
        relative_strength: what is added has this fraction of the norm that the residual stream has at that position,
            whatever the length of the vector: all vectors, random ones too, are matched in norm.

        Raises ValueError when the answers could take more tokens than are left. Batch n is drawn from
        seed * 1_000_003 + n, so that neighbouring seeds share none.
        """
        could_take = len(prompts) * max_new_tokens
        if self.used_tokens + could_take > self.limit_tokens:
            left = self.limit_tokens - self.used_tokens
            raise ValueError(f"{len(prompts)} answers may take {could_take} tokens, and {left} are left of the limit")
        answers: list[Answer] = []
        for start in range(0, len(prompts), self.batch_size):
            batch = prompts[start : start + self.batch_size]
            answers += self._batch(batch, layer, relative_strength, max_new_tokens)
        return answers

    def _batch(
        self, prompts: Sequence[Prompt], layer: int, relative_strength: float, max_new_tokens: int
    ) -> list[Answer]:
        rendered = [self._tokens(prompt) for prompt in prompts]
        longest = max(len(ids) for ids, _ in rendered)
        pads = [longest - len(ids) for ids, _ in rendered]
        device = self.model.get_input_embeddings().weight.device
        ids = torch.tensor([[self._pad()] * pad + row for pad, (row, _) in zip(pads, rendered, strict=True)])
        mask = torch.tensor([[0] * pad + [1] * (longest - pad) for pad in pads])
        config = self._config(max_new_tokens)
        given = {"input_ids": ids.to(device), "attention_mask": mask.to(device), "generation_config": config}
        starts = [start for _, start in rendered]
        torch.manual_seed((self.seed * 1_000_003 + self.batches) % 2**63)
        self.batches += 1
        with torch.no_grad():
            if any(prompt.vector is not None for prompt in prompts) and relative_strength != 0:
                width = next(len(prompt.vector) for prompt in prompts if prompt.vector is not None)
                rows = [torch.zeros(width) if p.vector is None else p.vector.float().cpu() for p in prompts]
                with create_steering_hook(
                    self.model, layer, torch.stack(rows), relative_strength=relative_strength, start_pos=starts
                ):
                    output = self._generate(given)
            else:
                output = self._generate(given)
        return [self._answer(row[longest:].tolist(), *facts) for row, facts in zip(output, rendered, strict=True)]

    def _generate(self, given: Mapping[str, Any]) -> Any:
        from transformers import GenerationConfig

        own = self.model.generation_config
        self.model.generation_config = GenerationConfig()  # `generate` takes from there what it is not given (min_p, …)
        try:
            return self.model.generate(**given)
        finally:
            self.model.generation_config = own

    def _tokens(self, prompt: Prompt) -> tuple[list[int], int]:
        """The tokens of the conversation, and the position of the first one that is steered."""
        text = self.tokenizer.apply_chat_template(list(prompt.messages), tokenize=False, add_generation_prompt=True)
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids = list(encoded["input_ids"])
        if prompt.inject_from is None:
            return ids, 1
        at = text.rfind(prompt.inject_from)
        if at < 0:
            raise ValueError(f"{prompt.inject_from!r} is not in the conversation")
        return ids, next(n for n, (_, end) in enumerate(encoded["offset_mapping"]) if end > at)

    def _config(self, max_new_tokens: int) -> Any:
        from transformers import GenerationConfig

        self.sent = {"do_sample": True, "temperature": self.temperature, "top_p": 1.0, "top_k": 0}
        ends = {"eos_token_id": sorted(self._ends()), "pad_token_id": self._pad()}
        return GenerationConfig(**self.sent, **ends, repetition_penalty=1.0, max_new_tokens=max_new_tokens)

    def _pad(self) -> int:
        pad = self.tokenizer.pad_token_id
        return int(self.tokenizer.eos_token_id if pad is None else pad)

    def _ends(self) -> set[int]:
        """Chat models often end a turn with another token than a text."""
        own = self.model.generation_config.eos_token_id
        return {self.tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])} - {None}

    def _answer(self, new: list[int], ids: list[int], start: int) -> Answer:
        end = next((n for n, token in enumerate(new) if token in self._ends()), None)
        kept = new if end is None else new[: end + 1]
        self.used_tokens += len(kept)
        text = self.tokenizer.decode(kept, skip_special_tokens=True).strip()
        return Answer(text, len(kept), end is not None, start, len(ids))

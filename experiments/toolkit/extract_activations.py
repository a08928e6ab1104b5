"""Residual-stream activations of any Hugging Face causal language model, read with plain PyTorch hooks.

    act = extract_activation(model, tokenizer, "The sea", layer_idx=15)                 # (d,)
    acts = extract_activations(model, tokenizer, prompts, layers=[10, 20])              # (n, 2, d)
    acts = extract_activations(model, tokenizer, prompts, positions=slice(1, None), pool="mean")

Layers are 0-based blocks whose *output* is taken (the residual stream after the block); -1 is the last block, before the
final norm. (`output_hidden_states[-1]` is after the final norm, and so is not the residual stream.) All results are
float32 on the CPU, in the units of the residual stream.

The first token of a text often carries an activation a hundred times larger than the others ("massive activations", Sun et
al. 2024, arXiv:2402.17762). A mean over all tokens is then mostly that token divided by the length; leave it out with
`positions=slice(1, None), pool="mean"`, and do not compare one-token texts without a BOS with longer ones.

Needs torch and transformers. Meant to be copied and changed; this file stands alone.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

Input = str | Sequence[Mapping[str, Any]] | torch.Tensor
Positions = str | int | Sequence[int] | slice


def extract_activation(
    model: nn.Module,
    tokenizer: Any,
    text_or_messages: Input,
    layer_idx: int,
    position: int = -1,
    *,
    add_generation_prompt: bool = True,
    continue_final_message: bool = False,
    layers_path: str | None = None,
) -> torch.Tensor:
    """The residual stream after block `layer_idx` at token `position` of one text: (d,), float32, CPU.

    `text_or_messages`, and all keywords, are those of `extract_activations`. Token 0 is the first of the prompt as the model
    sees it (a BOS counts), -1 the last.

    Raises IndexError for a layer or a position that does not exist.
    """
    if isinstance(text_or_messages, list | tuple) and not all(isinstance(m, Mapping) for m in text_or_messages):
        raise TypeError("extract_activation takes one text or one conversation; for several use extract_activations")
    return extract_activations(
        model,
        tokenizer,
        [text_or_messages],
        layers=operator.index(layer_idx),
        positions=operator.index(position),
        add_generation_prompt=add_generation_prompt,
        continue_final_message=continue_final_message,
        layers_path=layers_path,
    )[0, 0]


def extract_activations(
    model: nn.Module,
    tokenizer: Any,
    inputs: Sequence[Input],
    layers: int | Sequence[int] | None = None,
    positions: Positions = "last",
    batch_size: int = 16,
    *,
    pool: str | None = None,
    add_generation_prompt: bool = True,
    continue_final_message: bool = False,
    layers_path: str | None = None,
) -> Any:
    """The residual stream after each block in `layers`, for each of n inputs.

    inputs: each a text, a conversation (list of {role, content}, put through the chat template), or a 1-D tensor of token
        ids (used as they are). See `token_ids` for what is done about special tokens.
    layers: None (all L), one, or several in the order wanted; negative counts from the last block.
    positions, in tokens of the input (0 is the first, negative counts from the end):
        'last', or an int         -> (n, L, d)
        'mean'                    -> (n, L, d), the mean over all tokens, the first one included
        'all', a list, or a slice -> a list of n tensors (L, P, d), P tokens each; with pool='mean', their mean: (n, L, d)
    batch_size: inputs in one forward pass. If they need several, inputs of like length go together; results keep the order of `inputs`.
    layers_path: where the blocks are (`model.layers`), if they cannot be found.

    The forward pass is without gradients, in evaluation mode (put back afterwards), with left padding, attention mask and
    position ids, and stops after the last block that is needed. A batch gives what one at a time gives, up to rounding.

    Raises ValueError for input that cannot be right, IndexError for layers and positions that do not exist, and
    FloatingPointError if an activation is not finite (float16 overflows in some models: load them in bfloat16).
    """
    if isinstance(inputs, str | Mapping) or any(isinstance(item, Mapping) for item in inputs):
        raise TypeError("inputs is a list of texts or of conversations; put a single one into a list: [text]")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    _, blocks = find_layers(model, layers_path)
    wanted = [block_index(layer, len(blocks)) for layer in _as_list(range(len(blocks)) if layers is None else layers)]
    if not wanted or len(inputs) == 0:
        raise ValueError("nothing to extract: inputs and layers must not be empty")
    tokens = [token_ids(tokenizer, item, add_generation_prompt, continue_final_message) for item in inputs]
    picked = [_pick(len(ids), positions, f"input {n}") for n, ids in enumerate(tokens)]
    if pool not in (None, "mean"):
        raise ValueError(f"pool must be None or 'mean', not {pool!r}")
    apart = pool is None and (positions == "all" or isinstance(positions, slice | Sequence) and not isinstance(positions, str))

    results: list[Any] = [None] * len(tokens)
    with torch.no_grad(), _evaluation_mode(model):
        for rows in _batches(tokens, batch_size, _takes_position_ids(model)):
            values = _run(model, blocks, wanted, [tokens[n] for n in rows], [picked[n] for n in rows], not apart)
            for at, n in enumerate(rows):
                results[n] = values[at][:, : len(picked[n])].clone() if apart else values[at]
    return results if apart else torch.stack(results)


def token_ids(
    tokenizer: Any, item: Input, add_generation_prompt: bool = True, continue_final_message: bool = False
) -> list[int]:
    """The tokens that the model is to see.

    A text gets the special tokens that the tokenizer itself puts before a text, but never two BOS (a text that was made
    with the chat template has one already), and no EOS after it. A conversation is tokenized by the chat template alone, as
    `generate` would get it. One that ends with the assistant's words needs to say whether that turn is over
    (`add_generation_prompt=False`) or open (and `continue_final_message=True` too).
    """
    if isinstance(item, torch.Tensor):
        if item.dim() != 1 or item.is_floating_point():
            raise ValueError(f"token ids must be a 1-D tensor of integers, not {tuple(item.shape)} of {item.dtype}")
        ids = [int(i) for i in item]
    elif isinstance(item, str):
        ids, bare = (list(tokenizer(item, add_special_tokens=special)["input_ids"]) for special in (True, False))
        eos = tokenizer.eos_token_id
        if eos is not None and ids[-1:] == [eos] and bare[-1:] != [eos] and len(ids) > 1:
            ids = ids[:-1]  # appended by the tokenizer: position -1 is to be the text's last token
    else:
        if add_generation_prompt and item and item[-1].get("role") == "assistant":
            raise ValueError(
                "the conversation ends with the assistant's turn, and a new one would be opened after it: say "
                "add_generation_prompt=False, with continue_final_message=True if that turn is to stay open"
            )
        ids = tokenizer.apply_chat_template(
            list(item),
            tokenize=True,
            return_dict=True,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=continue_final_message,
        )["input_ids"]
    bos = None if isinstance(item, torch.Tensor) else tokenizer.bos_token_id
    while bos is not None and ids[:2] == [bos, bos]:
        ids = ids[1:]
    if not ids:
        raise ValueError(f"no tokens in {item!r}")
    return ids


def find_layers(model: nn.Module, layers_path: str | None = None) -> tuple[str, nn.ModuleList]:
    """The decoder blocks of `model`: the dotted path of their list (`model.layers`, `transformer.h`) and the list.

    It is the one nn.ModuleList whose length is the text configuration's `num_hidden_layers`; if there is not exactly one,
    a ValueError names the candidates, and `layers_path` says which. The same function stands in steering_hook.py, so
    that either file can be copied without the other.
    """
    lists = {path: m for path, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m) > 0}
    if layers_path is not None:
        if layers_path not in lists:
            raise ValueError(f"no list of blocks at layers_path={layers_path!r}; there are: {', '.join(lists) or 'none'}")
        return layers_path, lists[layers_path]
    config = getattr(model, "config", None)
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    depth = getattr(text, "num_hidden_layers", None)
    found = [path for path, blocks in lists.items() if len(blocks) == depth]
    if len(found) != 1:
        what = f"{len(found)} lists of {depth} blocks" if found else f"no list of {depth} blocks"
        these = ", ".join(f"'{path}' ({len(lists[path])})" for path in (found or lists)) or "none"
        raise ValueError(f"found {what} in {type(model).__name__}; say which with layers_path=...: {these}")
    return found[0], lists[found[0]]


def block_index(layer_idx: int, n_blocks: int) -> int:
    """`layer_idx` as 0 … n_blocks - 1; negative counts from the last block. IndexError if there is no such block."""
    layer = operator.index(layer_idx)
    if not -n_blocks <= layer < n_blocks:
        raise IndexError(f"layer {layer} is out of range: the model has {n_blocks} blocks, 0 to {n_blocks - 1}")
    return layer % n_blocks


class _EnoughLayers(Exception):
    """Ends a forward pass after the last block that is needed."""


def _run(
    model: nn.Module, blocks: nn.ModuleList, wanted: list[int], tokens: list[list[int]], picked: list[list[int]], mean: bool
) -> torch.Tensor:
    """One forward pass over B inputs. (B, L, P, d), rows with fewer than P positions padded at the end; or their mean, (B, L, d)."""
    longest, most = max(map(len, tokens)), max(map(len, picked))
    pads = [longest - len(ids) for ids in tokens]
    ids = torch.tensor([[0] * pad + row for pad, row in zip(pads, tokens, strict=True)])
    mask = torch.tensor([[0] * pad + [1] * len(row) for pad, row in zip(pads, tokens, strict=True)])
    columns = torch.tensor([[pad + p for p in row] + [pad] * (most - len(row)) for pad, row in zip(pads, picked, strict=True)])
    used = torch.tensor([[True] * len(row) + [False] * (most - len(row)) for row in picked])
    found: dict[int, torch.Tensor] = {}

    def keep(layer: int, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        if not isinstance(hidden, torch.Tensor) or hidden.dim() != 3 or hidden.shape[:2] != ids.shape:
            shape = tuple(getattr(hidden, "shape", ())) or type(hidden).__name__
            raise ValueError(f"block {layer} put out {shape}, where (batch, tokens, d) with {tuple(ids.shape)} was expected")
        rows = torch.arange(len(tokens), device=hidden.device)[:, None]
        values = hidden[rows, columns.to(hidden.device)].float()
        values = values.masked_fill(~used.to(hidden.device)[..., None], 0.0)
        if not bool(torch.isfinite(values).all()):
            raise FloatingPointError(f"activation after block {layer} is not finite (the model computes in {hidden.dtype})")
        if mean:
            values = values.sum(1) / used.sum(1, keepdim=True).to(hidden.device)
        found[layer] = values.cpu()
        if layer == max(wanted):
            raise _EnoughLayers

    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": (mask.cumsum(1) - 1).clamp(min=0)}
    if not _takes_position_ids(model):
        del inputs["position_ids"]
    embedding = model.get_input_embeddings().weight.device if hasattr(model, "get_input_embeddings") else None
    device = "cpu" if embedding is None or embedding.type == "meta" else embedding  # meta: accelerate moves the inputs
    handles = [
        blocks[layer].register_forward_hook(lambda _module, _args, output, layer=layer: keep(layer, output))
        for layer in set(wanted)
    ]
    try:
        model(**{name: value.to(device) for name, value in inputs.items()}, use_cache=False)
    except _EnoughLayers:
        return torch.stack([found[layer] for layer in wanted], dim=1)
    finally:
        for handle in handles:
            handle.remove()
    raise RuntimeError(f"block {max(wanted)} did not run in the forward pass: is layers_path the list of its decoder blocks?")


def _pick(length: int, positions: Positions, what: str) -> list[int]:
    """The token indices that `positions` stands for in an input of `length` tokens."""
    if isinstance(positions, str):
        if positions not in ("last", "mean", "all"):
            raise ValueError(f"positions must be 'last', 'mean', 'all', an int, a list or a slice, not {positions!r}")
        return [length - 1] if positions == "last" else list(range(length))
    if isinstance(positions, slice):
        chosen = list(range(length))[positions]
    else:
        chosen = [operator.index(p) for p in _as_list(positions)]
        for p in chosen:
            if not -length <= p < length:
                raise IndexError(f"position {p} is out of range: {what} has {length} tokens")
    if not chosen:
        raise IndexError(f"no position chosen by {positions!r}: {what} has {length} tokens")
    return [p % length for p in chosen]


def _as_list(value: int | Sequence[int] | range) -> list[int]:
    return list(value) if isinstance(value, Sequence | torch.Tensor) else [value]


def _batches(tokens: list[list[int]], size: int, may_pad: bool) -> Iterator[list[int]]:
    """Indices of inputs for each forward pass. One batch keeps the order given, so that what is per row outside (a vector for each row
    in steering_hook) meets its row; several are sorted by length. Models without position ids get no padding at all."""
    order = list(range(len(tokens)))
    if len(tokens) > size or not may_pad:
        order.sort(key=lambda n: len(tokens[n]))
    batch: list[int] = []
    for n in order:
        if batch and (len(batch) == size or (not may_pad and len(tokens[n]) != len(tokens[batch[0]]))):
            yield batch
            batch = []
        batch.append(n)
    yield batch


def _takes_position_ids(model: Any) -> bool:
    """Without position ids a padded batch need not equal one input at a time. Wrappers (PEFT, torch.compile) hide the signature."""
    model = getattr(model, "_orig_mod", model)
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "position_ids" in inspect.signature(base.forward).parameters


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Dropout off; afterwards each module's own training flag is as it was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True

"""Residual-stream activations of any Hugging Face causal language model, read with plain PyTorch hooks.

    act = extract_activation(model, tokenizer, "The sea", layer_idx=15)  # (d,)
    acts = extract_activations(model, tokenizer, prompts, layers=[10, 20])  # (n, 2, d)
    acts = extract_activations(model, tokenizer, prompts, positions=slice(1, None), pool="mean")  # (n, L, d)

Layers are 0-based blocks whose *output* is taken: the residual stream after the block. -1 is the last block, before the
final norm (`output_hidden_states[-1]` is after it, and not on the same scale). Results are float32 on the CPU, in the
units of the residual stream, whatever the model computes in.

The first token of an input is often a hundred times larger than the others ("massive activations", Sun et al. 2024,
arXiv:2402.17762). A mean that includes it is mostly that token divided by the length: `positions=slice(1, None),
pool="mean"` leaves it out. A text of one token without a BOS is nothing else (there is a warning).

Needs torch and transformers. Meant to be copied and changed; this file stands alone.
"""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import nn

Input: TypeAlias = str | Sequence[Mapping[str, Any]] | torch.Tensor


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
    """The residual stream after block `layer_idx` at one token of one text or conversation: (d,), float32, CPU.

    position: 0 is the first token as the model sees it (a BOS counts), -1 the last. The rest is as in
        `extract_activations`. Raises IndexError for a layer or a position that does not exist.
    """
    return extract_activations(
        model,
        tokenizer,
        [text_or_messages],
        operator.index(layer_idx),
        operator.index(position),
        add_generation_prompt=add_generation_prompt,
        continue_final_message=continue_final_message,
        layers_path=layers_path,
    )[0, 0]


def extract_activations(
    model: nn.Module,
    tokenizer: Any,
    inputs: Sequence[Input],
    layers: int | Iterable[int] | None = None,
    positions: str | int | Iterable[int] | slice = "last",
    batch_size: int = 16,
    *,
    pool: str | None = None,
    add_generation_prompt: bool = True,
    continue_final_message: bool = False,
    layers_path: str | None = None,
) -> Any:
    """The residual stream after each of L blocks, for each of n inputs. float32, CPU.

    inputs: texts, conversations (lists of {role, content}, put through the chat template) or 1-D tensors of token ids,
        which are used as they are. `token_ids` shows what the model is given.
    layers: None for all blocks, one, or several in the order wanted; negative counts from the last block.
    positions: tokens of the input, 0 for the first, negative from the end, padding never counted:
        'last' or an int        -> (n, L, d)
        'mean'                  -> (n, L, d), over all tokens, the first one included
        'all', a list, a slice  -> n tensors (L, P, d), P tokens each; with pool='mean' their mean, (n, L, d)
    batch_size: inputs in a forward pass. If they need more than one, those of like length go together. The order of the
        results is always that of `inputs`.
    layers_path: where the list of blocks is (`model.layers`), for models in which it cannot be found.

    The forward pass is in evaluation mode (put back afterwards), without gradients, with left padding, attention mask
    and position ids, and ends after the last block needed. A batch gives what one at a time gives, up to rounding.

    Raises TypeError or ValueError for inputs that cannot be right, IndexError for layers and positions that do not
    exist, FloatingPointError for activations that are not finite (float16 overflows in some models).
    """
    if isinstance(inputs, str | Mapping | torch.Tensor) or any(isinstance(item, Mapping) for item in inputs):
        raise TypeError("inputs is a list of texts, conversations or 1-D tensors of token ids; for one, write [it]")
    if not isinstance(positions, str | slice):
        one = not isinstance(positions, Iterable)
        positions = operator.index(positions) if one else [operator.index(p) for p in positions]  # type: ignore
    if pool not in (None, "mean") or batch_size < 1:
        raise ValueError(f"pool is None or 'mean' and batch_size at least 1, not {pool!r} and {batch_size}")
    apart = pool is None and (positions == "all" or isinstance(positions, list | slice))
    _, blocks = find_layers(model, layers_path)
    chosen = range(len(blocks)) if layers is None else layers if isinstance(layers, Iterable) else [layers]
    wanted = [block_index(layer, len(blocks)) for layer in chosen]
    if not wanted or not inputs:
        raise ValueError("nothing to extract: inputs and layers must not be empty")
    tokens = [token_ids(tokenizer, item, add_generation_prompt, continue_final_message) for item in inputs]
    picked = [_pick(len(ids), positions, n) for n, ids in enumerate(tokens)]
    lengths, limit = [len(ids) for ids in tokens], getattr(text_config(model), "max_position_embeddings", None)
    if limit is not None and max(lengths) > limit:
        raise ValueError(f"an input has {max(lengths)} tokens, and the model was made for at most {limit}")

    results: list[Any] = [None] * len(tokens)
    with torch.no_grad(), _evaluation_mode(model):
        for rows in _batches(tokens, batch_size, _takes_position_ids(model)):
            values = _run(model, blocks, wanted, [tokens[n] for n in rows], [picked[n] for n in rows], mean=not apart)
            for value, n in zip(values, rows, strict=True):
                results[n] = value[:, : len(picked[n])].clone() if apart else value
    return results if apart else torch.stack(results)


def token_ids(
    tokenizer: Any, item: Input, add_generation_prompt: bool = True, continue_final_message: bool = False
) -> list[int]:
    """The tokens that the model is given for one input.

    A text gets what the tokenizer itself puts before a text, but never two BOS (a text made with the chat template has
    its own) and no EOS at the end. A conversation is tokenized by the chat template alone, as for `generate`. If it
    ends with the assistant's words, say whether that turn is over (`add_generation_prompt=False`) or open (that, and
    `continue_final_message=True`).
    """
    if isinstance(item, torch.Tensor):
        if item.dim() != 1 or item.is_floating_point() or len(item) == 0:
            raise ValueError(f"token ids must be a 1-D tensor of integers, not {tuple(item.shape)} of {item.dtype}")
        return [int(i) for i in item]
    if isinstance(item, str):
        ids, bare = (list(tokenizer(item, add_special_tokens=special)["input_ids"]) for special in (True, False))
        eos_added = len(ids) > 1 and ids[-1] == tokenizer.eos_token_id and ids[len(ids) - 1 - len(bare) : -1] == bare
        if eos_added:  # position -1 is to be the text's own last token
            ids.pop()
    elif not item or not all(isinstance(message, Mapping) for message in item):
        raise TypeError(f"an input is a text, a list of {{role, content}} or a 1-D tensor of token ids, not {item!r}")
    else:
        if add_generation_prompt and item[-1].get("role") == "assistant":
            say = "add_generation_prompt=False, and continue_final_message=True if that turn is to stay open"
            raise ValueError(f"after the assistant's last turn another one would be opened: say {say}")
        how = {"add_generation_prompt": add_generation_prompt, "continue_final_message": continue_final_message}
        ids = list(tokenizer.apply_chat_template(list(item), tokenize=True, return_dict=True, **how)["input_ids"])
    bos = tokenizer.bos_token_id
    while bos is not None and ids[:2] == [bos, bos]:
        ids.pop(0)
    if not ids:
        raise ValueError(f"no tokens in {item!r}")
    if len(ids) == 1:
        warnings.warn(f"{item!r} is one token; a first token is often unlike all others: give it context", stacklevel=3)
    return ids


def find_layers(model: nn.Module, layers_path: str | None = None) -> tuple[str, nn.ModuleList]:
    """The decoder blocks of `model`: the dotted path of their list (`model.layers`, `transformer.h`) and the list.

    It is the one nn.ModuleList as long as the text configuration's `num_hidden_layers`. If there is not exactly one, a
    ValueError names what there is, and `layers_path` says which. (This and the next two stand in extract_activations.py
    and in steering_hook.py alike, so that each file can be copied alone.)
    """
    if any(getattr(adapter, "is_prompt_learning", False) for adapter in getattr(model, "peft_config", {}).values()):
        raise ValueError(
            "prompt-learning adapters put tokens of their own before the text, so positions would be wrong"
        )
    lists = {path: m for path, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m) > 0}
    depth = getattr(text_config(model), "num_hidden_layers", None)
    found = [path for path, m in lists.items() if (len(m) == depth if layers_path is None else path == layers_path)]
    if len(found) != 1:
        named = ", ".join(f"'{path}' ({len(lists[path])})" for path in (found or lists)) or "none"
        wanted = f"{depth} decoder blocks" if layers_path is None else f"blocks at '{layers_path}'"
        raise ValueError(f"not one list of {wanted} in {type(model).__name__}; say which with layers_path=...: {named}")
    return found[0], lists[found[0]]


def text_config(model: Any) -> Any:
    config: Any = getattr(model, "config", None)
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def block_index(layer_idx: int, n_blocks: int) -> int:
    """`layer_idx` as 0 … n_blocks - 1; negative counts from the last block. IndexError if there is no such block."""
    layer = operator.index(layer_idx)
    if not -n_blocks <= layer < n_blocks:
        raise IndexError(f"layer {layer} is out of range: the model has {n_blocks} blocks, 0 to {n_blocks - 1}")
    return layer % n_blocks


class _EnoughLayers(Exception):
    """Ends a forward pass after the last block needed."""


def _run(
    model: Any,
    blocks: nn.ModuleList,
    wanted: list[int],
    tokens: list[list[int]],
    picked: list[list[int]],
    mean: bool,
) -> torch.Tensor:
    """One forward pass over B inputs: (B, L, P, d), where shorter rows of P are filled up, or their means (B, L, d)."""
    longest, most = max(map(len, tokens)), max(map(len, picked))
    pads = [longest - len(row) for row in tokens]
    ids = torch.tensor([[0] * pad + row for pad, row in zip(pads, tokens, strict=True)])
    mask = torch.tensor([[0] * pad + [1] * (longest - pad) for pad in pads])
    used = torch.tensor([[1.0] * len(row) + [0.0] * (most - len(row)) for row in picked])
    filled = [row + [0] * (most - len(row)) for row in picked]
    columns = torch.tensor(pads)[:, None] + torch.tensor(filled)
    found: dict[int, torch.Tensor] = {}
    # PEFT has hooks of its own during some forward passes, and would not remove them after an exception.
    stop_at = None if hasattr(model, "peft_config") else max(wanted)

    def keep(layer: int, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        if not isinstance(hidden, torch.Tensor) or hidden.dim() != 3 or hidden.shape[:2] != ids.shape:
            shape = tuple(getattr(hidden, "shape", ())) or type(hidden).__name__
            raise ValueError(f"block {layer} gives {shape}; (batch, tokens, d) with {tuple(ids.shape)} was expected")
        values = hidden.gather(1, columns.to(hidden.device)[..., None].expand(-1, -1, hidden.shape[-1])).float()
        if not bool(torch.isfinite(values).all()):
            raise FloatingPointError(f"an activation after block {layer} is not finite; the model is in {hidden.dtype}")
        if mean:
            weights = used.to(hidden.device)[..., None]
            values = (values * weights).sum(1) / weights.sum(1)
        found[layer] = values.cpu()
        if layer == stop_at:
            raise _EnoughLayers

    given = {"input_ids": ids, "attention_mask": mask}
    if _takes_position_ids(model):
        given["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
    first = model.get_input_embeddings() if hasattr(model, "get_input_embeddings") else model
    device = next(first.parameters()).device
    device = torch.device("cpu") if device.type == "meta" else device  # offloaded: accelerate moves the inputs itself
    handles = []
    try:
        for layer in set(wanted):
            hook = lambda _module, _args, output, layer=layer: keep(layer, output)  # noqa: E731
            handles.append(blocks[layer].register_forward_hook(hook))
        model(**{name: value.to(device) for name, value in given.items()}, use_cache=False)
    except _EnoughLayers:
        pass
    finally:
        for handle in handles:
            handle.remove()
    if len(found) != len(set(wanted)):
        raise RuntimeError(
            f"blocks {sorted(set(wanted) - set(found))} did not run; is this the list of decoder blocks?"
        )
    return torch.stack([found[layer] for layer in wanted], dim=1)


def _pick(length: int, positions: Any, n: int) -> list[int]:
    """The token indices, 0 … length - 1, that `positions` stands for in input `n`."""
    every = list(range(length))
    if isinstance(positions, str):
        if positions not in ("last", "mean", "all"):
            raise ValueError(f"positions must be 'last', 'mean', 'all', an int, a list or a slice, not {positions!r}")
        return every[-1:] if positions == "last" else every
    chosen = every[positions] if isinstance(positions, slice) else positions
    chosen = chosen if isinstance(chosen, list) else [chosen]
    if not chosen or not all(-length <= p < length for p in chosen):
        raise IndexError(f"positions {positions} are not in input {n}, which has {length} tokens")
    return [p % length for p in chosen]


def _batches(tokens: list[list[int]], size: int, may_pad: bool) -> Iterator[list[int]]:
    """Indices of the inputs of each forward pass. A single batch keeps the order given, so that what others keep for
    each row (a steering vector for each row) meets its row."""
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
    """If not, padding might shift positions, and only inputs of one length share a batch."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model  # PEFT's own signature says nothing
    return "position_ids" in inspect.signature(base.forward).parameters


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Without dropout; afterwards each module's training flag is as it was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True

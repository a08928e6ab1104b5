"""Activation steering: add a vector to the residual stream of any Hugging Face causal language model in a `with` block.

    with create_steering_hook(model, layer_idx=15, vector=v, strength=2.0):  # h + 2.0 * v at every token
        model.generate(**inputs)
    with create_steering_hook(model, 15, v, relative_strength=0.3, start_pos=40) as steering:
        model.generate(**inputs)  # h + 0.3 * |h| * v / |v| from token 40 on
    print(steering.positions_changed)

Method: activation addition (Turner et al. 2023, arXiv:2308.10248) at the output of a decoder block, by plain PyTorch
hooks. Layers are 0-based blocks as in extract_activations.py; -1 is the last block, before the final norm.

Positions are absolute and count real tokens. Token 0 is the first token of its row that is not padding, also in a
left-padded batch, and cached decoding counts on: the first new token is at the length of the prompt. Padding is never
changed.

The residual of token 0 is in many models a hundred times larger than that of the others, so that `relative_strength`
adds a hundred times more to it; `start_pos=1` leaves it as it is.

Needs torch and transformers. Meant to be copied and changed; this file stands alone.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import nn


def create_steering_hook(
    model: nn.Module,
    layer_idx: int,
    vector: torch.Tensor,
    strength: float | None = None,
    *,
    positions: int | Iterable[int] | None = None,
    start_pos: int | Iterable[int] | None = None,
    relative_strength: float | None = None,
    layers_path: str | None = None,
) -> SteeringHook:
    """A context manager that adds `strength * vector` to the output of block `layer_idx` in every forward pass in it.

    vector: (d,); or (batch, d), one for each row of the batch, where a row of zeros is left alone. In the units of the
        residual stream.
    strength: a plain multiplier of the vector, 1.0 if not given. 0 changes nothing and is allowed, as a control.
    relative_strength: in place of `strength`, the fraction of the residual's own norm at each position, along the unit
        vector: h + relative_strength * |h| * v / |v|.
    positions: the absolute positions to steer, the same in all rows; None for all.
    start_pos: steer from this absolute position on; an int, or one for each row of the batch.
    layers_path: where the list of blocks is (`model.layers`), for models in which it cannot be found.

    Contexts nest and add up. Of several at one layer the innermost acts first, which matters to a relative strength.

    Raises at once ValueError or IndexError for what cannot be right: width, NaN, a zero vector, a layer out of range,
    negative positions, two strengths. As a forward pass begins, ValueError if its batch is not the vector's; in it,
    ValueError if positions were asked for and cannot be told from the model's inputs. On leaving, RuntimeError if no
    activation was changed, FloatingPointError if one overflowed (not over an exception that is on its way out).
    """
    path, blocks = find_layers(model, layers_path)
    block = blocks[block_index(layer_idx, len(blocks))]
    if strength is not None and relative_strength is not None:
        raise ValueError("give strength or relative_strength, not both")
    if positions is not None and start_pos is not None:
        raise ValueError("give positions or start_pos, not both")
    relative = relative_strength is not None
    amount = float(relative_strength if relative_strength is not None else 1.0 if strength is None else strength)
    if not math.isfinite(amount):
        raise ValueError(f"the strength must be a finite number, not {amount}")
    vector = _checked_vector(vector, getattr(text_config(model), "hidden_size", None))
    device = next((p.device for p in block.parameters()), vector.device)
    names = path.split(".")
    return SteeringHook(
        above=[model.get_submodule(".".join(names[:depth])) for depth in range(len(names))],
        block=block,
        vector=vector if device.type == "meta" else vector.to(device),
        amount=amount,
        relative=relative,
        positions=None if positions is None else _checked_positions(positions, "positions").reshape(-1),
        start_pos=None if start_pos is None else _checked_positions(start_pos, "start_pos"),
    )


class _Call(NamedTuple):
    """What a module above the blocks was called with."""

    shape: tuple[int, ...] | None  # (batch, tokens)
    mask: Any
    position_ids: torch.Tensor | None
    past: int | None  # tokens in the KV cache before this call; None if it does not say


@dataclass(eq=False)
class SteeringHook:
    """What `create_steering_hook` returns. It may be entered again after it was left; it then counts anew."""

    above: list[nn.Module]  # the modules around the blocks, outermost first
    block: nn.Module
    vector: torch.Tensor
    amount: float
    relative: bool
    positions: torch.Tensor | None
    start_pos: torch.Tensor | None

    def __post_init__(self) -> None:
        self._handles: list[Any] = []
        self._calls: dict[int, _Call] = {}
        self._runs = 0
        self._changed: Any = 0  # a tensor once the block ran: a GPU is then not waited for at every step
        self._overflow: Any = False

    @property
    def positions_changed(self) -> int:
        """How many activations (row, token) were changed since the context was entered, in all forward passes."""
        return int(self._changed)

    def __enter__(self) -> SteeringHook:
        if self._handles:
            raise RuntimeError("this steering context is already entered")
        self._runs, self._changed, self._overflow = 0, 0, False
        # Which of the outer modules is called, and which is told the mask, differs (PEFT's generate skips its own, a
        # multimodal model gives its text stack no 2-D mask), so all of them are listened to.
        for depth, module in enumerate(self.above):
            begin = partial(self._begin, depth, list(inspect.signature(module.forward).parameters))
            self._handles.append(module.register_forward_pre_hook(begin, with_kwargs=True))
            self._handles.append(module.register_forward_hook(partial(self._end, depth), always_call=True))
        # First of the block's hooks: others, transformers' own for output_hidden_states too, see the steered output.
        self._handles.append(self.block.register_forward_hook(self._steer, prepend=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._calls.clear()
        if kind is None and self.amount != 0 and self.positions_changed == 0:
            why = "no token was at a position asked for, or the vector is below the precision of the model"
            ran = f"the block ran {self._runs} times, but {why}" if self._runs else "the block never ran"
            raise RuntimeError(f"steering changed nothing: {ran}")
        if kind is None and bool(self._overflow):
            raise FloatingPointError("a steered activation overflowed: use less strength, or bfloat16 for float16")

    def _begin(self, depth: int, names: list[str], _module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        told = {**dict(zip(names, args, strict=False)), **kwargs}
        tokens = told.get("input_ids") if told.get("input_ids") is not None else told.get("inputs_embeds")
        cache, past = told.get("past_key_values"), None
        if cache is None:
            past = 0 if told.get("cache_params") is None else None
        elif hasattr(cache, "get_seq_length"):
            past = int(cache.get_seq_length())
        shape = None if tokens is None else tuple(tokens.shape[:2])
        self._calls[depth] = _Call(shape, told.get("attention_mask"), told.get("position_ids"), past)
        if shape is not None:
            self._check_batch(shape[0])

    def _end(self, depth: int, *_: Any) -> None:
        self._calls.pop(depth, None)

    def _check_batch(self, rows: int) -> None:
        for name, value, dims in ("vector", self.vector, 2), ("start_pos", self.start_pos, 1):
            if value is not None and value.dim() == dims and len(value) != rows:
                raise ValueError(f"{name} is for {len(value)} rows, and the batch has {rows} (beams and samples count)")

    def _steer(self, _module: nn.Module, _args: Any, output: Any) -> Any:
        hidden = output[0] if isinstance(output, tuple) else output
        if not isinstance(hidden, torch.Tensor) or hidden.dim() != 3 or hidden.shape[-1] != self.vector.shape[-1]:
            shape = tuple(getattr(hidden, "shape", ())) or type(hidden).__name__
            raise ValueError(f"the block gives {shape}; (batch, tokens, {self.vector.shape[-1]}) was expected")
        self._check_batch(hidden.shape[0])
        where = self._where(tuple(hidden.shape[:2]))
        exact = hidden.to(torch.promote_types(hidden.dtype, torch.float32))  # rounded to the model's type once, below
        vector = self.vector.to(exact)
        vector = vector[:, None] if vector.dim() == 2 else vector
        if self.relative:
            norm = vector.norm(dim=-1, keepdim=True)
            vector = vector / norm.where(norm > 0, 1.0) * exact.norm(dim=-1, keepdim=True)
        steered = (exact + self.amount * vector).to(hidden.dtype)
        if where is not None:
            steered = steered.where(where.to(hidden.device)[..., None], hidden)
        self._runs += 1
        self._changed = self._changed + (steered != hidden).any(-1).sum()
        self._overflow = self._overflow | (hidden.isfinite() & ~steered.isfinite()).any()
        return (steered, *output[1:]) if isinstance(output, tuple) else steered

    def _where(self, shape: tuple[int, ...]) -> torch.Tensor | None:
        """(batch or 1, tokens), true where this forward pass is to be steered; None for everywhere."""
        try:
            real, at = _real_positions([self._calls[depth] for depth in sorted(self._calls)], shape)
        except ValueError:
            if self.positions is None and self.start_pos is None:
                return None  # what may be padding is steered too; no other token sees it
            raise
        if self.positions is not None:
            real = real & torch.isin(at, self.positions.to(at.device))
        if self.start_pos is not None:
            real = real & (at >= self.start_pos.to(at.device).reshape(-1, 1))
        return real


def _real_positions(calls: list[_Call], shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Which tokens of a forward pass are not padding, and the absolute position of each; both (batch or 1, tokens).

    Told from what the modules around the block were called with, outermost first: the 2-D attention mask (over cached
    and new tokens), else the length of the cache, else the position ids (static caches: `generate` makes the mask 4-D
    before the model sees it).
    """
    rows, tokens = shape
    calls = [call for call in calls if call.shape is not None]
    if not calls or any(call.shape != shape for call in calls):
        seen = [call.shape for call in calls]
        raise ValueError(f"positions cannot be told: the block has (batch, tokens) {shape}, the model was given {seen}")
    past = calls[-1].past
    told = [call.position_ids for call in calls if call.position_ids is not None]
    ids = next((ids for ids in told if ids.dim() == 2 and ids.shape[1] == tokens), None)
    steps = None if ids is None else ids[:, 1:] - ids[:, :-1] == 1
    for mask in (call.mask for call in calls):
        if isinstance(mask, torch.Tensor) and mask.dim() == 2:
            if mask.shape[0] != rows or mask.shape[1] < tokens or past not in (None, mask.shape[1] - tokens):
                sizes = f"attention_mask is {tuple(mask.shape)}, with {past} cached and {tokens} new tokens"
                raise ValueError(f"positions cannot be told: {sizes}")
            return mask[:, -tokens:] != 0, (mask != 0).long().cumsum(1)[:, -tokens:] - 1
    if calls[0].mask is None and past is not None and (steps is None or bool(steps.all())):
        at = past + torch.arange(tokens)[None]
        return torch.ones_like(at, dtype=torch.bool), at
    if calls[0].mask is not None and ids is not None and steps is not None:
        column = torch.arange(tokens, device=ids.device)
        real = column >= torch.where(ids == 0, column, 0).amax(1, keepdim=True)  # padding has one value, then 0, 1, 2
        if bool((steps | ~real[:, :-1]).all()) and bool((real | (ids == ids[:, :1])).all()):
            return real, ids
    raise ValueError("positions cannot be told: give the model its 2-D attention_mask, and no packed sequences")


def _checked_vector(vector: torch.Tensor, width: int | None) -> torch.Tensor:
    vector = torch.as_tensor(vector)
    vector = vector.to(torch.promote_types(vector.dtype, torch.float32))
    if vector.dim() not in (1, 2) or width not in (None, vector.shape[-1]):
        raise ValueError(f"vector must be (d,) or (batch, d) with d = {width}, not {tuple(vector.shape)}")
    if not bool(vector.isfinite().all()):
        raise ValueError("vector has NaN or infinite entries")
    if not bool(vector.any()):
        raise ValueError("vector is zero; for a control without steering use strength=0")
    return vector


def _checked_positions(positions: int | Iterable[int], name: str) -> torch.Tensor:
    given = positions.tolist() if isinstance(positions, torch.Tensor) else positions
    values = [operator.index(p) for p in given] if isinstance(given, Iterable) else operator.index(given)
    checked = torch.tensor(values, dtype=torch.long)
    if checked.numel() == 0 or bool((checked < 0).any()):
        raise ValueError(f"{name} must be absolute, 0 for the first token: neither negative nor empty")
    return checked


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

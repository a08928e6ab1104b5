"""PEFT adapters (LoRA and its like) on their base models, and `model.base()`, the model without its adapter."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

_CHANGED = "_seer_base_changed"


def load_adapter(loaded: Any, path: str, name: str, base_name: str) -> Any:
    """The base with the adapter on it, as PEFT loads it: not merged, so that the adapter can be switched off."""
    from peft import PeftModel

    rows = _rows_of_embeddings(path)
    has = loaded.get_input_embeddings().weight.shape[0]
    if rows is not None and rows != has:
        loaded.resize_token_embeddings(rows, mean_resizing=False)
    before = _embeddings(loaded)
    model = PeftModel.from_pretrained(loaded, path, local_files_only=True)
    changed = before != _embeddings(loaded) or (rows is not None and rows != has)
    setattr(model, _CHANGED, changed)
    for config in model.peft_config.values():
        config.base_model_name_or_path = base_name
    model.name_or_path = name
    return model


def wrap_for_peft(loaded: Any, name: str) -> Any:
    """A PEFT model with an adapter `default` that changes nothing: its second matrix is zero."""
    from peft import LoraConfig, PeftModelForCausalLM

    config = LoraConfig(r=1, task_type="CAUSAL_LM", target_modules="all-linear", base_model_name_or_path=name)
    model = PeftModelForCausalLM(loaded, config, adapter_name="default")
    setattr(model, _CHANGED, False)
    model.name_or_path = name
    return model


def add_base(loaded: Any, has_adapter: bool) -> None:
    """Gives the model `base()`. On its class, so that copies and pickles of the model have their own."""
    if has_adapter:
        type(loaded).base = _base
    elif not hasattr(loaded, "base"):
        type(loaded).base = _no_base


@contextlib.contextmanager
def _base(self: Any) -> Iterator[Any]:
    """The model without its adapter, as a control: inside `with model.base() as plain:` both are the base model.

    The adapter is switched off inside the block and on again after it, also after an exception.
    """
    if getattr(self, _CHANGED, True):
        raise RuntimeError(
            "this adapter brought embeddings of its own in place of the base's, so switching it off would not give the"
            " base model; load the base as a model of its own (a second entry of `models`) for a control"
        )
    with self.disable_adapter():
        yield self


def _no_base(self: Any) -> Any:
    """Raises: only a model with an adapter has a model below it."""
    raise RuntimeError(
        "this model has no adapter, so it is its own base; base() is for models with isPeft or loadAsPeft"
    )


def _rows_of_embeddings(path: str) -> int | None:
    """How many tokens the adapter's own input embeddings are for; None where it has none."""
    from peft.utils import load_peft_weights

    for name, tensor in load_peft_weights(path, device="cpu").items():
        if "lora_" not in name and name.endswith(("embed_tokens.weight", "wte.weight", "word_embeddings.weight")):
            return int(tensor.shape[0])
    return None


def _embeddings(loaded: Any) -> list[float]:
    """Of the base's own embeddings. An adapter that was saved with embeddings writes them over these."""
    import torch

    layers = [loaded.get_input_embeddings(), loaded.get_output_embeddings()]
    weights = [getattr(layer, "original_module", layer).weight for layer in layers if layer is not None]
    with torch.no_grad():
        return [float(weight.sum(dtype=torch.float64)) for weight in weights]

"""Loads the experiment's models into the agent's namespace, from folders of this machine."""

from __future__ import annotations

from typing import Any

from .adapters import add_base, load_adapter, wrap_for_peft
from .tokenizers import load_tokenizer


def load(model: dict[str, Any]) -> tuple[Any, Any]:
    """A model and its tokenizer. They show the model's name, and no folder of this machine."""
    name, path, base_path = model["name"], model["path"], model.get("basePath")
    base_name = model.get("baseName", name)
    loaded = _load_weights(base_path or path, model["dtype"], model["device"])
    loaded.name_or_path = loaded.config._name_or_path = base_name
    if base_path is not None:
        loaded = load_adapter(loaded, path, name, base_name)
    elif model["loadAsPeft"]:
        loaded = wrap_for_peft(loaded, name)
    add_base(loaded, has_adapter=base_path is not None or model["loadAsPeft"])
    loaded.eval()
    return loaded, load_tokenizer(path, name, base_path)


def _load_weights(path: str, dtype: str, device: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"dtype": dtype if dtype == "auto" else getattr(torch, dtype), "local_files_only": True}
    if device == "auto" and torch.cuda.is_available():
        options["device_map"] = "auto"  # over all GPUs
    elif device.startswith("cuda"):
        options["device_map"] = {"": device}
    return AutoModelForCausalLM.from_pretrained(path, **options)


def describe(model: dict[str, Any], loaded: Any) -> str:
    text_config = loaded.config.get_text_config()
    parameters = sum(parameter.numel() for parameter in loaded.parameters())
    dtype = str(loaded.dtype).removeprefix("torch.") if model["dtype"] == "auto" else model["dtype"]
    on = f" on {model['baseName']}" if "baseName" in model else ""
    return (
        f"{model['varName']} = {model['name']}{on}: {text_config.num_hidden_layers} layers, "
        f"width {text_config.hidden_size}, {parameters:,} parameters, {dtype}"
    )


def load_models(user_ns: dict[str, Any], models: list[dict[str, Any]]) -> None:
    """Binds each model to its variable, its tokenizer to `tokenizer`, or to `<variable>_tokenizer` among several."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    for model in models:
        loaded, tokenizer = load(model)
        user_ns[model["varName"]] = loaded
        user_ns["tokenizer" if len(models) == 1 else f"{model['varName']}_tokenizer"] = tokenizer
        print(describe(model, loaded))

"""Loads the experiment's models into the agent's namespace, from folders of this machine."""

from __future__ import annotations

from typing import Any


def _load(model: dict[str, str]) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded = AutoModelForCausalLM.from_pretrained(
        model["path"], dtype=getattr(torch, model["dtype"]), local_files_only=True
    )
    loaded.eval()
    tokenizer = AutoTokenizer.from_pretrained(model["path"], local_files_only=True)
    tokenizer.padding_side = "left"  # so that the last position of every row of a batch is its last token
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    # They show the model's name and not a folder of this machine.
    loaded.name_or_path = loaded.config._name_or_path = tokenizer.name_or_path = model["name"]
    tokenizer.init_kwargs.pop("name_or_path", None)
    return loaded, tokenizer


def _describe(model: dict[str, str], loaded: Any) -> str:
    text_config = loaded.config.get_text_config()
    parameters = sum(parameter.numel() for parameter in loaded.parameters())
    return (
        f"{model['varName']} = {model['name']}: {text_config.num_hidden_layers} layers, "
        f"width {text_config.hidden_size}, {parameters:,} parameters, {model['dtype']}"
    )


def load_models(user_ns: dict[str, Any], models: list[dict[str, str]]) -> None:
    """Binds each model to its variable, its tokenizer to `tokenizer`, or to `<variable>_tokenizer` among several."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    for model in models:
        loaded, tokenizer = _load(model)
        user_ns[model["varName"]] = loaded
        user_ns["tokenizer" if len(models) == 1 else f"{model['varName']}_tokenizer"] = tokenizer
        print(_describe(model, loaded))

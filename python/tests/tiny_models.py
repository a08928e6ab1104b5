"""Random models of two layers, saved as a researcher's own would be, and adapters on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = ["<e>", "a", "river", "runs", "to", "the", "sea", "and", "not", "back"]
TEMPLATE = "{% for m in messages %}{{ m['content'] }} <e> {% endfor %}"


def save_model(folder: Path, seed: int = 0, rows: int = len(WORDS), **options: Any) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=rows, tie_word_embeddings=False, **sizes))
    model.save_pretrained(folder, **options)
    save_tokenizer(folder)
    open_to_read(folder)
    return folder


def open_to_read(folder: Path) -> None:
    """As downloads are. What safetensors writes is its owner's alone, and a sandbox that root starts is not root's."""
    for path in folder.iterdir():
        path.chmod(0o644)


def save_tokenizer(folder: Path, template: str = TEMPLATE, more: tuple[str, ...] = ()) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {word: id for id, word in enumerate([*WORDS, *more])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<e>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<e>")
    fast.chat_template = template
    fast.save_pretrained(folder)


def save_adapter(folder: Path, base: Path, seed: int = 1, **options: Any) -> Path:
    """A LoRA whose weights are all random, so that it changes what the model says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    rows = options.pop("rows", None)
    model = AutoModelForCausalLM.from_pretrained(base)
    if rows:
        model.resize_token_embeddings(rows)
    torch.manual_seed(seed)
    targets = ["q_proj", "v_proj", "down_proj"]
    adapted = get_peft_model(model, LoraConfig(r=2, task_type="CAUSAL_LM", target_modules=targets, **options))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.5)
    adapted.save_pretrained(str(folder))
    open_to_read(folder)
    return folder

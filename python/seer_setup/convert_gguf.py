"""Convert a GGUF chat model, once, to a folder that transformers loads fast.

    python convert_gguf.py --gguf MODEL.gguf --out FOLDER

Loading a GGUF takes half a minute each time; the float32 safetensors written here load in a fraction of a second.
The weights are the *dequantised* ones: not those of the published model, but bit for bit what the GGUF stands for.
The folder is loaded again and compared with the GGUF load, tensor by tensor and in one forward pass, and then
described in `model.json`.
Each line on stdout is progress, for people.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

PROBES = ["Hello, world", "In 2024, 12345 + 1 =", "héllo 日本\n\n  x = 1", "<|im_start|>user\nhi<|im_end|>"]


class ConversionError(Exception):
    """The converted folder does not stand for the same model."""


def load_gguf(gguf: Path) -> tuple[Any, Any]:
    """The model (dense float32) and tokenizer that a GGUF stands for."""
    where: dict[str, Any] = {
        "pretrained_model_name_or_path": str(gguf.parent),
        "gguf_file": gguf.name,
        "local_files_only": True,
    }
    tokenizer = AutoTokenizer.from_pretrained(**where)
    dense: dict[str, Any] = {}
    if hasattr(transformers, "GgufConfig"):
        dense["quantization_config"] = transformers.GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32, **dense)
    # Older releases load dense weights too, but still call the model quantised, and then refuse to save it.
    for owner, name in [
        (model.config, "quantization_config"),
        (model, "hf_quantizer"),
        (model, "is_quantized"),
        (model, "quantization_method"),
    ]:
        if name in vars(owner):
            delattr(owner, name)
    return model.eval(), tokenizer


def verify(out: Path, model: Any, tokenizer: Any) -> None:
    """Raise ConversionError unless the folder gives the same tensors, logits, tokens and chat template."""
    again = AutoModelForCausalLM.from_pretrained(out, local_files_only=True, dtype=torch.float32).eval()
    tokens_again = AutoTokenizer.from_pretrained(out, local_files_only=True)
    before, after = model.state_dict(), again.state_dict()
    if before.keys() != after.keys():
        raise ConversionError(f"other tensors: {sorted(before.keys() ^ after.keys())[:5]}")
    for name, tensor in before.items():
        if not torch.equal(tensor, after[name]):
            raise ConversionError(f"the tensor {name} differs")
    for text in PROBES:
        if tokenizer(text).input_ids != tokens_again(text).input_ids:
            raise ConversionError(f"other tokens for {text!r}")
    if tokenizer.chat_template != tokens_again.chat_template:
        raise ConversionError("another chat template")
    ids = tokenizer(PROBES[0], return_tensors="pt").input_ids
    with torch.inference_mode():
        if not torch.equal(model(ids).logits, again(ids).logits):
            raise ConversionError("other logits in a forward pass")


def convert(gguf: Path, out: Path) -> dict[str, Any]:
    """Write the model, its tokenizer and `model.json` into `out`; return what `model.json` holds."""
    print("reading the GGUF and dequantising its weights", flush=True)
    model, tokenizer = load_gguf(gguf)
    print("writing float32 safetensors", flush=True)
    model.save_pretrained(out, max_shard_size="100GB")
    tokenizer.save_pretrained(out)
    print("loading them again to compare: tensors, tokens, one forward pass", flush=True)
    verify(out, model, tokenizer)
    record = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "layers": model.config.num_hidden_layers,
        "width": model.config.hidden_size,
        "vocabulary": model.config.vocab_size,
        "dtype": "float32",
        "ggufSha256": sha256(gguf),
        "sha256": {p.name: sha256(p) for p in sorted(out.iterdir()) if p.is_file()},
        "convertedWith": {"transformers": transformers.__version__, "torch": torch.__version__},
    }
    (out / "model.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description="convert a GGUF chat model to float32 safetensors")
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    convert(arguments.gguf, arguments.out)


if __name__ == "__main__":
    main()

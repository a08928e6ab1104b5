"""The conversion, on a two-layer llama that the test writes as a GGUF itself."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
gguf = pytest.importorskip("gguf")

SCRIPT = Path(__file__).parents[1] / "seer_setup" / "convert_gguf.py"
WIDTH, LAYERS, HEADS, INNER = 64, 2, 2, 96


@pytest.fixture(scope="module")
def convert_gguf() -> ModuleType:
    spec = importlib.util.spec_from_file_location("convert_gguf", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def byte_tokens() -> list[str]:
    """The 256 bytes as byte-level BPE writes them, after the real model's special tokens, and two merged pairs."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in visible]
    letters = [chr(b) for b in visible] + [chr(256 + n) for n in range(len(others))]
    return ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters, "hi", "ab"]


@pytest.fixture(scope="module")
def small_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf é") / "small.Q4_1.gguf"
    tokens = byte_tokens()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("small")
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3] + [1] * 258)
    writer.add_token_merges(["h i", "a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}{% endfor %}")
    random = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        weights = random.normal(0, 0.1, shape).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q4_1
        writer.add_tensor(name, gguf.quants.quantize(weights, kind), raw_dtype=kind)

    add("token_embd.weight", len(tokens), WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}.{norm}.weight", np.ones(WIDTH, dtype=np.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{part}.weight", WIDTH, WIDTH)
        add(f"{block}.ffn_gate.weight", INNER, WIDTH)
        add(f"{block}.ffn_up.weight", INNER, WIDTH)
        add(f"{block}.ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def converted(convert_gguf: ModuleType, small_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    out = tmp_path_factory.mktemp("out é")
    return out, convert_gguf.convert(small_gguf, out)


def test_the_folder_holds_what_the_gguf_stands_for(convert_gguf: ModuleType, small_gguf: Path, converted: Any) -> None:
    from safetensors.numpy import load_file

    out, record = converted
    assert json.loads((out / "model.json").read_text()) == record
    assert record["layers"] == LAYERS and record["width"] == WIDTH and record["vocabulary"] == 261
    weights = load_file(out / "model.safetensors")
    for tensor in gguf.GGUFReader(small_gguf).tensors:
        if tensor.name == "blk.1.ffn_down.weight":
            expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            assert np.array_equal(weights["model.layers.1.mlp.down_proj.weight"], expected)
    assert record["sha256"]["model.safetensors"] == convert_gguf.sha256(out / "model.safetensors")


def test_the_same_bytes_every_time(convert_gguf: ModuleType, small_gguf: Path, converted: Any, tmp_path: Path) -> None:
    _, record = converted
    assert convert_gguf.convert(small_gguf, tmp_path)["sha256"] == record["sha256"]


@pytest.mark.parametrize("damage", ["weight", "template", "tokens"])
def test_a_folder_that_differs_is_refused(
    convert_gguf: ModuleType, small_gguf: Path, converted: Any, tmp_path: Path, damage: str
) -> None:
    model, tokenizer = convert_gguf.load_gguf(small_gguf)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    convert_gguf.verify(tmp_path, model, tokenizer)
    if damage == "weight":
        with torch.no_grad():
            model.model.layers[1].mlp.up_proj.weight[3, 5] += 1e-6
    elif damage == "template":
        tokenizer.chat_template += " "
    else:
        file = tmp_path / "tokenizer.json"
        settings = json.loads(file.read_text())
        settings["model"]["merges"] = []
        file.write_text(json.dumps(settings))
    with pytest.raises(convert_gguf.ConversionError):
        convert_gguf.verify(tmp_path, model, tokenizer)

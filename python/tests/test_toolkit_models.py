"""The models of the toolkit's tests, tiny and random, of ten families; and that the toolkit finds their blocks."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TOOLKIT = Path(__file__).parents[2] / "experiments" / "toolkit"
WIDTH, DEPTH, VOCABULARY = 16, 3, 64
BOS, EOS = 1, 2


@functools.cache
def toolkit(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLKIT / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as an import would; dataclasses look there
    spec.loader.exec_module(module)
    return module


class Family(NamedTuple):
    build: Callable[[], Any]
    layers: str  # written by hand, not found
    norm: str
    head: str


COMMON = {
    "hidden_size": WIDTH,
    "num_hidden_layers": DEPTH,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 64,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
    "pad_token_id": 0,
}
WINDOWED = {**COMMON, "head_dim": 8, "num_key_value_heads": 1, "sliding_window": 4}  # shorter than the texts


def gemma3(vision_layers: int = DEPTH - 1) -> Any:
    vision = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": vision_layers, "num_attention_heads": 2}
    text = {**WINDOWED, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
    config = transformers.Gemma3Config(
        text_config=text,
        vision_config={**vision, "image_size": 16, "patch_size": 8},
        mm_tokens_per_image=1,
        image_token_index=VOCABULARY - 1,
        boi_token_index=VOCABULARY - 2,
        eoi_token_index=VOCABULARY - 3,
    )
    return transformers.Gemma3ForConditionalGeneration(config)


def gemma2() -> Any:
    settings = {"final_logit_softcapping": None, "query_pre_attn_scalar": 8}
    return transformers.Gemma2ForCausalLM(transformers.Gemma2Config(**WINDOWED, **settings))


def mixtral() -> Any:
    config = transformers.MixtralConfig(**COMMON, num_key_value_heads=1, num_local_experts=DEPTH, num_experts_per_tok=2)
    return transformers.MixtralForCausalLM(config)


def gpt2() -> Any:
    settings = {"n_embd": WIDTH, "n_layer": DEPTH, "n_head": 2, "n_positions": 64, "vocab_size": VOCABULARY}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**settings, bos_token_id=BOS, eos_token_id=EOS))


def with_lora() -> Any:
    peft = pytest.importorskip("peft")
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**COMMON))
    config = peft.LoraConfig(
        r=2, target_modules=["q_proj", "down_proj"], init_lora_weights=False, task_type="CAUSAL_LM"
    )
    return peft.get_peft_model(model, config)


def simple(name: str, **settings: Any) -> Callable[[], Any]:
    config = getattr(transformers, f"{name}Config")
    return lambda: getattr(transformers, f"{name}ForCausalLM")(config(**COMMON, **settings))


FAMILIES = {
    "llama": Family(simple("Llama", num_key_value_heads=1), "model.layers", "model.norm", "lm_head"),
    "gemma2": Family(gemma2, "model.layers", "model.norm", "lm_head"),
    "gemma3": Family(gemma3, "model.language_model.layers", "model.language_model.norm", "lm_head"),
    "qwen3": Family(simple("Qwen3", num_key_value_heads=1, head_dim=8), "model.layers", "model.norm", "lm_head"),
    "gpt2": Family(gpt2, "transformer.h", "transformer.ln_f", "lm_head"),
    "neox": Family(simple("GPTNeoX"), "gpt_neox.layers", "gpt_neox.final_layer_norm", "lm_head"),
    "phi": Family(simple("Phi", num_key_value_heads=2), "model.layers", "model.final_layernorm", "lm_head"),
    "mixtral": Family(mixtral, "model.layers", "model.norm", "lm_head"),
    "olmo": Family(simple("Olmo2", num_key_value_heads=1), "model.layers", "model.norm", "lm_head"),
    "peft": Family(
        with_lora, "base_model.model.model.layers", "base_model.model.model.norm", "base_model.model.lm_head"
    ),
}
each_family = pytest.mark.parametrize("family", FAMILIES)


@functools.cache
def tiny(family: str) -> Any:
    """A model of the family whose every weight matters; the same object each time, so a test leaves it as it was."""
    torch.manual_seed(0)
    model = FAMILIES[family].build().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    model.generation_config.eos_token_id = None  # so that generation goes on for as long as asked
    model.generation_config.pad_token_id = 0
    return model


def hooks_on(model: Any) -> int:
    """Transformers' own hooks for output_hidden_states stay for good, so tests compare this before and after."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_always_called", "_backward_hooks")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


def word_tokenizer(bos: bool = True, eos: bool = False) -> Any:
    """One token for each word; puts BOS before a text (and EOS after it) as Llama's and Gemma's do, and has a chat
    template that begins with BOS."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = {"<pad>": 0, "<s>": BOS, "</s>": EOS, "<unk>": 3, "<user>": 4, "<assistant>": 5}
    words |= {f"w{n}": n for n in range(6, VOCABULARY)}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if bos or eos:
        pattern = ("<s> " if bos else "") + "$A" + (" </s>" if eos else "")
        inner.post_processor = processors.TemplateProcessing(pattern, special_tokens=[("<s>", BOS), ("</s>", EOS)])
    special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **special)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<user>", "<assistant>"]})
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} "
        "{% if not loop.last or m['role'] == 'user' or not continue_final_message %}</s>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    return tokenizer


@each_family
def test_the_blocks_are_found(family: str) -> None:
    for name in ("extract_activations", "steering_hook"):
        path, blocks = toolkit(name).find_layers(tiny(family))
        assert path == FAMILIES[family].layers
        assert blocks is tiny(family).get_submodule(FAMILIES[family].layers) and len(blocks) == DEPTH


def test_both_files_find_layers_in_the_same_way() -> None:
    for name in ("find_layers", "text_config", "block_index"):
        texts = {inspect.getsource(getattr(toolkit(file), name)) for file in ("extract_activations", "steering_hook")}
        assert len(texts) == 1, f"{name} differs between the two files"


@pytest.mark.parametrize("name", ["extract_activations", "steering_hook"])
def test_a_file_needs_nothing_but_torch(name: str) -> None:
    text = (TOOLKIT / f"{name}.py").read_text()
    assert len(text.splitlines()) < 300
    imported = {
        (node.module or "" if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names | {"torch"}


@pytest.mark.parametrize("name", ["extract_activations", "steering_hook"])
class TestLayerFinding:
    def test_two_lists_of_that_length_are_named(self, name: str) -> None:
        model = gemma3(vision_layers=DEPTH)
        with pytest.raises(ValueError, match="layers_path") as caught:
            toolkit(name).find_layers(model)
        text = "model.language_model.layers"
        vision = next(path for path, m in model.named_modules() if path.endswith("encoder.layers"))
        assert f"'{text}'" in str(caught.value) and f"'{vision}'" in str(caught.value)
        assert toolkit(name).find_layers(model, text)[1] is model.get_submodule(text)

    def test_no_list_of_that_length(self, name: str) -> None:
        model = simple("Llama")()
        model.model.layers = model.model.layers[:2]  # pruned, and the configuration not told
        with pytest.raises(ValueError, match=r"3 decoder blocks.*'model.layers' \(2\)"):
            toolkit(name).find_layers(model)
        assert len(toolkit(name).find_layers(model, "model.layers")[1]) == 2

    def test_a_path_that_is_no_list(self, name: str) -> None:
        for path in ("model.norm", "model.nothing", ""):
            with pytest.raises(ValueError, match=r"'model.layers' \(3\)"):
                toolkit(name).find_layers(tiny("llama"), path)

    def test_a_model_without_a_configuration(self, name: str) -> None:
        bare = torch.nn.Module()
        with pytest.raises(ValueError, match="none"):
            toolkit(name).find_layers(bare)
        bare.config = SimpleNamespace(num_hidden_layers=2)
        bare.stack = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)])
        assert toolkit(name).find_layers(bare)[0] == "stack"

    def test_prompt_learning_adapters_are_refused(self, name: str) -> None:
        peft = pytest.importorskip("peft")
        config = peft.PrefixTuningConfig(num_virtual_tokens=2, task_type="CAUSAL_LM")
        with pytest.raises(ValueError, match="prompt-learning"):
            toolkit(name).find_layers(peft.get_peft_model(simple("Llama")(), config))

    def test_layer_numbers(self, name: str) -> None:
        index = toolkit(name).block_index
        assert [index(n, 3) for n in (0, 2, -1, -3)] == [0, 2, 2, 0]
        for wrong in (3, -4):
            with pytest.raises(IndexError, match="0 to 2"):
                index(wrong, 3)
        with pytest.raises(TypeError):
            index(1.0, 3)

"""Models and adapters as the kernel loads them, against plain transformers and PEFT on the same files."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_models import TEMPLATE, WORDS, save_adapter, save_model, save_tokenizer

from seer_kernel.models import describe, load, load_models

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

IDS = torch.tensor([[1, 2, 3, 4, 5, 6], [7, 8, 9, 1, 2, 3]])
Spec = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("made")
    base = save_model(root / "base")
    return {"base": base, "other": save_model(root / "other", seed=5), "adapter": save_adapter(root / "adapter", base)}


def spec(path: Path, **more: Any) -> Spec:
    plain = {"name": "org/tiny", "varName": "model", "dtype": "float32", "device": "cpu", "loadAsPeft": False}
    return {**plain, "path": str(path), **more}


def on_base(made: dict[str, Path], adapter: Path | None = None, base: Path | None = None) -> Spec:
    below = {"basePath": str(base or made["base"]), "baseName": "org/base"}
    return spec(adapter or made["adapter"], name="org/adapter", **below)


def logits(model: Any) -> Any:
    with torch.inference_mode():
        return model(IDS).logits


def plain(path: Path) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def test_a_model_is_what_transformers_loads(made: dict[str, Path]) -> None:
    model, tokenizer = load(spec(made["base"]))
    assert torch.equal(logits(model), logits(plain(made["base"])))
    assert not model.training and tokenizer.padding_side == "left" and tokenizer.pad_token == "<e>"
    assert tokenizer("the sea").input_ids == [5, 6]


@pytest.mark.parametrize(("asked", "got"), [("bfloat16", "bfloat16"), ("float16", "float16"), ("auto", "float32")])
def test_dtype(made: dict[str, Path], asked: str, got: str) -> None:
    wanted = spec(made["base"], dtype=asked)
    model, _ = load(wanted)
    assert model.dtype == getattr(torch, got) and describe(wanted, model).endswith(got)


def test_a_gpu_that_is_not_there(made: dict[str, Path]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU: the case is one without")
    with pytest.raises((RuntimeError, AssertionError, ValueError)):
        load(spec(made["base"], device="cuda"))


def test_an_adapter_is_what_peft_loads_and_base_is_the_model_below(made: dict[str, Path]) -> None:
    model, _ = load(on_base(made))
    reference = peft.PeftModel.from_pretrained(plain(made["base"]), made["adapter"]).eval()
    base = logits(plain(made["base"]))
    assert torch.equal(logits(model), logits(reference))
    assert (logits(model) - base).abs().max() > 1e-2
    with model.base() as below:
        assert torch.equal(logits(below), base)
        with model.base():
            assert torch.equal(logits(model), base)
        assert torch.equal(logits(model), base)
    assert torch.equal(logits(model), logits(reference))


def test_base_is_over_after_an_exception(made: dict[str, Path]) -> None:
    model, _ = load(on_base(made))
    before = logits(model)
    with pytest.raises(KeyError), model.base():
        raise KeyError
    assert torch.equal(logits(model), before)


def test_merged_equals_unmerged(made: dict[str, Path]) -> None:
    model, _ = load(on_base(made))
    before = logits(model)
    assert torch.allclose(logits(model.merge_and_unload()), before, rtol=1e-4, atol=1e-5)


def test_a_copy_has_a_base_of_its_own(made: dict[str, Path]) -> None:
    model, _ = load(on_base(made))
    twin = copy.deepcopy(model)
    adapted, base = logits(model), logits(plain(made["base"]))
    with twin.base():
        assert torch.equal(logits(twin), base) and torch.equal(logits(model), adapted)
    with pickle.loads(pickle.dumps(model)).base() as below:
        assert torch.equal(logits(below), base)


def test_two_handles_do_not_share_anything(made: dict[str, Path]) -> None:
    names: dict[str, Any] = {}
    two = [{**on_base(made), "varName": "adapted"}, {**spec(made["base"]), "varName": "control"}]
    load_models(names, two)
    assert set(names) == {"adapted", "adapted_tokenizer", "control", "control_tokenizer"}
    control = logits(names["control"])
    with torch.no_grad():
        for parameter in names["adapted"].parameters():
            parameter.zero_()
    assert torch.equal(logits(names["control"]), control)
    assert names["adapted_tokenizer"] is not names["control_tokenizer"]
    # A class that both kinds of model have in common must not give one the other's base().
    with names["adapted"].base():
        pass
    with pytest.raises(RuntimeError, match="no adapter"):
        names["control"].base()


def test_names_and_no_folders(made: dict[str, Path]) -> None:
    model, tokenizer = load(on_base(made))
    config = model.peft_config["default"]
    assert (model.name_or_path, model.config.name_or_path, config.base_model_name_or_path, tokenizer.name_or_path) == (
        "org/adapter",
        "org/base",
        "org/base",
        "org/adapter",
    )
    shown = f"{model} {model.config} {model.peft_config} {tokenizer} {vars(tokenizer)} {vars(model.get_base_model())}"
    assert str(made["base"].parent) not in shown


def test_wrapped_for_peft_changes_nothing_and_takes_adapters(made: dict[str, Path]) -> None:
    model, _ = load(spec(made["base"], loadAsPeft=True))
    base = logits(plain(made["base"]))
    assert isinstance(model, peft.PeftModel) and model.active_adapters == ["default"] and not model.training
    assert torch.equal(logits(model), base)
    model.load_adapter(made["adapter"], adapter_name="oracle")
    model.set_adapter("oracle")
    assert torch.equal(logits(model), logits(load(on_base(made))[0]))
    with model.base():
        assert torch.equal(logits(model), base)


def test_tokenizer_of_the_base_where_the_adapter_has_none(made: dict[str, Path]) -> None:
    _, tokenizer = load(on_base(made))
    assert tokenizer.chat_template == TEMPLATE and tokenizer("sea").input_ids == [6]


@pytest.mark.parametrize("file", ["chat_template.jinja", "tokenizer_config.json"])
def test_a_chat_template_alone(made: dict[str, Path], tmp_path: Path, file: str) -> None:
    adapter = copied(made["adapter"], tmp_path / "adapter")
    text = "own {{ messages }}"
    (adapter / file).write_text(text if file.endswith("jinja") else json.dumps({"chat_template": text}))
    _, tokenizer = load(on_base(made, adapter))
    assert tokenizer.chat_template == text and tokenizer("sea").input_ids == [6]


def test_a_tokenizer_of_the_adapter(made: dict[str, Path], tmp_path: Path) -> None:
    adapter = copied(made["adapter"], tmp_path / "adapter")
    save_tokenizer(adapter, template="mine", more=("estuary",))
    _, tokenizer = load(on_base(made, adapter))
    assert tokenizer.chat_template == "mine" and tokenizer("estuary").input_ids == [len(WORDS)]


def test_an_adapter_with_more_tokens(made: dict[str, Path], tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "adapter", made["base"], rows=len(WORDS) + 2)
    save_tokenizer(adapter, more=("estuary", "delta"))
    model, _ = load(on_base(made, adapter))
    assert logits(model).shape[-1] == len(WORDS) + 2
    with pytest.raises(RuntimeError, match="embeddings of its own"), model.base():
        pass


def test_an_adapter_that_writes_over_the_embeddings(made: dict[str, Path], tmp_path: Path) -> None:
    other = save_model(tmp_path / "other", seed=9)
    adapter = save_adapter(tmp_path / "adapter", other)
    peft_model = peft.PeftModel.from_pretrained(plain(other), adapter)
    peft_model.save_pretrained(adapter, save_embedding_layers=True)
    model, _ = load(on_base(made, adapter))
    with pytest.raises(RuntimeError, match="embeddings of its own"), model.base():
        pass


def test_trained_modules_of_an_adapter_are_switched_off_too(made: dict[str, Path], tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "adapter", made["base"], modules_to_save=["lm_head", "embed_tokens"])
    model, _ = load(on_base(made, adapter))
    with model.base():
        assert torch.equal(logits(model), logits(plain(made["base"])))

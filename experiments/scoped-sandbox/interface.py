"""What can be asked of a language model from outside: its size, embeddings of texts, how alike two texts are to it.

An embedding is the mean over the tokens of a text of the last hidden state (after the final norm), without the first
token: attention that belongs nowhere else goes there, and its norm would drown the others.
"""

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

# `get_model_path`, `expose` and `PARAMS` are there when Seer loads this file.
model_path = get_model_path()
tokenizer = AutoTokenizer.from_pretrained(model_path)
model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32, device_map="auto").eval()


def embedding_of(text: str) -> torch.Tensor:
    """Shape (hidden_size,), float32, on the CPU."""
    inputs = tokenizer(text, return_tensors="pt").to(model.device)
    if inputs["input_ids"].shape[1] < 2:
        raise ValueError(f"a text of at least two tokens is needed, and {text!r} has {inputs['input_ids'].shape[1]}")
    with torch.no_grad():
        hidden = model(**inputs, output_hidden_states=True).hidden_states[-1]
    return hidden[0, 1:].mean(dim=0).cpu()


@expose
def get_model_info() -> dict[str, int]:
    """Number of transformer blocks, width of the residual stream, number of tokens in the vocabulary."""
    config = model.config
    return {
        "num_layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "vocab_size": config.vocab_size,
    }


@expose
def get_embedding(text: str) -> dict:
    """The embedding of a text: `embedding` is a list of hidden_size numbers, `norm` its Euclidean length."""
    embedding = embedding_of(text)
    return {"text": text, "norm": round(embedding.norm().item(), 4), "embedding": embedding.tolist()}


@expose
def compare_embeddings(text_1: str, text_2: str) -> dict[str, float]:
    """The cosine similarity of the embeddings of two texts, from -1 to 1."""
    similarity = torch.cosine_similarity(embedding_of(text_1), embedding_of(text_2), dim=0)
    return {"similarity": round(similarity.item(), 6)}

"""Chat models behind an API that speaks as OpenAI's does: `ask` for answers, `client` (an `openai.OpenAI`) for the rest.

OpenRouter, unless `OPENROUTER_BASE_URL` says otherwise.
"""

from __future__ import annotations

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ.get("OPENROUTER_API_KEY") or "none",
    timeout=180,
    max_retries=3,
)


def ask(
    model: str,
    question: str,
    *,
    n: int = 1,
    temperature: float = 0.7,
    max_tokens: int = 100,
    seed: int = 0,
    system: str | None = None,
) -> list[str]:
    """n answers to a question, each asked for in a conversation of its own, with the seeds `seed`, `seed + 1`, …

    Not every provider heeds a seed, and some answer more alike than their temperature says: look at the answers.
    """
    messages = [] if system is None else [{"role": "system", "content": system}]
    messages.append({"role": "user", "content": question})
    answers = []
    for i in range(n):
        answer = client.chat.completions.create(
            model=model, messages=messages, temperature=temperature, max_tokens=max_tokens, seed=seed + i
        )
        answers.append(answer.choices[0].message.content or "")
    return answers

"""The module `seer` that the agent's code finds: `record`, `save`, `models`, and `setup` for the set-up cell."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

from .record import record


def make_module(config: dict[str, Any], user_ns: dict[str, Any]) -> types.ModuleType:
    module = types.ModuleType("seer", "What an experiment's code may ask of Seer: record rows, save values.")
    workspace = Path(config["workspace"])

    def save(name: str, value: Any) -> None:
        """Saves a value as a file of the run. Tensors (also a dict of them) become safetensors, a DataFrame parquet,
        a matplotlib figure PNG, bytes a file as they are, and everything else JSON. A name may be saved again."""
        from .saving import save as save_file

        save_file(name, value, workspace)

    def setup() -> None:
        """Loads the experiment's models and reports what it computes on. Run once, in the set-up cell."""
        if config["models"]:
            from .models import load_models

            load_models(user_ns, config["models"])
        from .compute import publish

        publish()

    before = frozenset(user_ns)

    def _variables(options: str) -> None:
        """For Seer itself."""
        from .variables import list_variables

        list_variables(user_ns, before, options)

    models = [{key: model[key] for key in ("name", "varName", "dtype")} for model in config["models"]]
    own = {"record": record, "save": save, "setup": setup, "models": models, "_variables": _variables}
    for name, value in own.items():
        setattr(module, name, value)
    return module

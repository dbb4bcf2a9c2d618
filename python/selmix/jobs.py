"""Writes job files: the program's own form of what `fit` is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .errors import SelMixError

#: Settings that are known by their last name alone, and the section of the job file that they are in.
_SECTIONS: dict[str, tuple[str, ...]] = {
    "selmix": (
        "policy", "temperature", "mixRatio", "formula", "rounds", "stepsPerRound", "diagonalSmoothing", "floor", "labelRatio",
        "mixUntil", "convergence", "folds", "start", "damping", "filter",
    ),
    "optimizer": ("learningRate", "momentum", "weightDecay", "schedule"),
    "cluster": ("shards", "precision", "failureTimeout", "audit", "instructionSet"),
}
_HOME = {key: section for section, keys in _SECTIONS.items() for key in keys}
#: What `fit` writes itself.
_TAKEN = {"data", "head", "objective", "output"}


def settings_tree(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a job file from settings as Python has them.

    Three spellings mean the same: `selmix={"stepsPerRound": 20}` as in a job file, `selmix__stepsPerRound=20`, and
    `steps_per_round=20`. What is no short name goes to the program as it is, which knows all keys and names the nearest one.

    Raises:
        SelMixError: a key that `fit` has an argument for, or the same key twice.
    """
    tree: dict[str, Any] = {}
    for name, value in settings.items():
        path = _path(name)
        if path[0] in _TAKEN:
            raise SelMixError(f"`{name}` is no setting", f"fit has an argument for {path[0]}", SelMixError.USAGE)
        _insert(tree, path, value, name)
    return tree


def _path(name: str) -> list[str]:
    path = [_camel(part) for part in re.split(r"__|\.", name)]
    return [_HOME[path[0]], *path] if path[0] in _HOME else path


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name)


def _insert(tree: dict[str, Any], path: list[str], value: Any, name: str) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    last = path[-1]
    if isinstance(value, Mapping) and isinstance(tree.get(last, {}), dict):
        for key, inner in value.items():
            _insert(tree.setdefault(last, {}), [str(key)], inner, f"{name}.{key}")
    elif last in tree:
        raise SelMixError(f"`{name}` is set twice", "say it once", SelMixError.USAGE)
    else:
        tree[last] = value


def job_text(job: Mapping[str, Any], indent: int = 0) -> str:
    """The job as YAML: a line a setting, values as JSON, which YAML contains."""
    lines = []
    for key, value in job.items():
        if isinstance(value, Mapping) and value:
            lines.append(" " * indent + f"{key}:\n" + job_text(value, indent + 2))
        else:
            lines.append(" " * indent + f"{key}: {_scalar(key, value)}\n")
    return "".join(lines)


def _scalar(key: str, value: Any) -> str:
    try:
        return json.dumps(value, default=_plain, ensure_ascii=False)
    except TypeError as error:
        raise SelMixError(f"the setting `{key}` is {value!r}", "give a number, a text, a list or a dict", SelMixError.USAGE) from error


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(type(value).__name__)

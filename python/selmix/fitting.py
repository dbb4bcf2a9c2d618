"""`fit`: from arrays to a tuned head."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .arrays import ArrayLike, Names, floats, labels
from .errors import SelMixError
from .heads import Head, head_tensors
from .jobs import job_text, settings_tree
from .program import run_json
from .progress import Listener, listener
from .result import Result, read_result
from .runs import EventLog
from .tensors import Tensor, write_tensors


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    validation: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike] | None = None,
    head: Head,
    objective: str | Mapping[str, Any] = "min-recall",
    classes: Names | None = None,
    output: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    resume: bool = False,
    progress: bool | Listener | None = None,
    **settings: Any,
) -> Result:
    """Fine-tunes the last linear layer of a classifier for a metric that is no average over samples.

    Args:
        X: features [N, d] of the training samples: what enters the layer. float16 and bfloat16 stay what they are, other
            numbers become float32. numpy, torch on any device, or nested lists.
        y: [N] class numbers from 0 to K - 1, or names of `classes`.
        validation: features [M, d] and labels [M] that gains are estimated on and the best round is chosen by; heads are
            trained on them too, in as many folds as its largest class has rows, four at most. Not the
            training samples. Every class needs a sample in both.
        test: features and labels that are only reported on.
        head: the layer to start from: (weight [K, d], bias [K]), a torch.nn.Linear, or the Result of another run.
        objective: what to maximise, such as "min-recall", "h-mean", "g-mean", "mean-recall"; a dict gives it settings,
            such as {"name": "h-mean-coverage", "alpha": 0.9}.
        classes: names of the K classes, in the order of the head's rows.
        output: a directory for everything that the run leaves, with its inputs; None for one that goes with the result.
        workers: worker processes; None for one a core. The result is the same with any number.
        resume: go on with an unfinished run in `output`.
        progress: True, False, None (where somebody looks), or a function that is called with every `Round`.
        settings: anything else of a job file: `rounds=30`, `learning_rate=1e-3`, `seed=1`, `batch=128`, or whole
            sections such as `selmix={"rounds": 30}`.

    Returns:
        The head that was best on validation, with the report.

    Raises:
        SelMixError: wrong arrays, settings or data (status 3; 2 for usage), or a run that failed.
        KeyboardInterrupt: after the run has stopped; with `output`, `resume=True` goes on.
    """
    features = floats(X, "X", 2)
    dimension = features.shape[1]
    names = None if classes is None else [str(name) for name in classes]
    data = _split("train", features, y, "y", names)
    for split, given in (("validation", validation), ("test", test)):
        if given is not None:
            part = _pair(given, split)
            data |= _split(split, floats(part[0], f"{split} features", 2), part[1], f"{split} labels", names)
            _same_dimension(data[f"{split}.features"], dimension, split)
    tensors = head_tensors(head, dimension, names)

    temporary = tempfile.TemporaryDirectory(prefix="selmix-") if output is None else None
    directory = pathlib.Path(temporary.name if temporary is not None else os.fspath(output or "")).absolute()
    tree = settings_tree(settings)
    _fewer_folds(tree, data["validation.labels"])
    job = _job("fit" if output is None else directory.name, data, tensors, objective, tree)
    inputs = directory / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    if not resume:
        _check_free(directory)
    # A resumed run compares its inputs by their bytes, so that writing them again is no change.
    write_tensors(inputs / "data.safetensors", data)
    write_tensors(inputs / "head.safetensors", tensors)
    path = inputs / "job.yaml"
    path.write_text(job_text(job), encoding="utf-8")

    name = objective if isinstance(objective, str) else str(objective.get("name", "objective"))
    _train(path, directory, workers, resume, listener(progress, name))
    return read_result(directory, names, temporary)


#: Those of the program, where a job does not say.
_FOLDS = 4


def _fewer_folds(tree: dict[str, Any], validation: Tensor) -> None:
    """Sets the folds to what so few validation rows allow, where they are fewer than the program's own number of folds."""
    most = int(np.unique(validation.array, return_counts=True)[1].max(initial=1))
    if most < _FOLDS and "preset" not in tree:
        section = tree.setdefault("selmix", {})
        if isinstance(section, dict):
            section.setdefault("folds", most)


def _pair(given: Any, split: str) -> tuple[ArrayLike, ArrayLike]:
    if not isinstance(given, Sequence) or len(given) != 2:
        raise SelMixError(f"{split} is a {type(given).__name__}", f"give {split}=(features, labels)")
    return given[0], given[1]


def _split(split: str, features: Tensor, y: ArrayLike, name: str, classes: Sequence[str] | None) -> dict[str, Tensor]:
    numbers = labels(y, name, features.shape[0], classes)
    return {f"{split}.features": features, f"{split}.labels": Tensor("I64", numbers)}


def _same_dimension(features: Tensor, dimension: int, split: str) -> None:
    if features.shape[1] != dimension:
        raise SelMixError(
            f"X has {dimension} numbers a sample, and {split} features have {features.shape[1]}", "take both from one network"
        )


def _job(
    name: str, data: Mapping[str, Tensor], head: Mapping[str, Tensor], objective: str | Mapping[str, Any],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The job, with paths relative to its file, so that the directory can be moved and run again."""
    splits = dict.fromkeys(key.split(".")[0] for key in data)
    job: dict[str, Any] = {
        "name": name,
        "data": {
            split: {part: f"data.safetensors#{split}.{part}" for part in ("features", "labels")} for split in splits
        },
        "head": {part: f"head.safetensors#{part}" for part in head},
        "objective": objective,
    }
    for key, value in settings.items():
        job[key] = value
    job["output"] = ".."
    return job


def _check_free(directory: pathlib.Path) -> None:
    if (directory / "run.json").exists():
        raise SelMixError(
            f"{directory} holds a run already", "choose another output, or resume=True to go on with an unfinished one",
            SelMixError.FAILED,
        )


def _train(
    job: pathlib.Path, directory: pathlib.Path, workers: int | None, resume: bool, shown: tuple[Listener, Callable[[], None]]
) -> None:
    show, close = shown
    log = EventLog(directory)

    def new_rounds() -> None:
        for each in log.new_rounds():
            show(each)

    arguments = ["train", str(job), "--quiet"]
    if workers is not None:
        arguments += ["--workers", str(workers)]
    if resume:
        arguments.append("--resume")
    try:
        run_json(arguments, new_rounds)
    finally:
        close()

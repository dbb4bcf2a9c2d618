"""What the tests share: the bundled digits, and short runs on them. `SELMIX` names the program (scripts/test sets it)."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import selmix
from selmix.tensors import read_tensors

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Digits:
    """The data and the head of cluster/digits-lt."""

    train: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    validation: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    test: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    head: tuple[npt.NDArray[Any], npt.NDArray[Any]]


@pytest.fixture(scope="session")
def digits() -> Digits:
    folder = REPOSITORY / "cluster" / "digits-lt"
    data = read_tensors(folder / "digits.safetensors")
    head = read_tensors(folder / "head.safetensors")

    def split(name: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        return data[f"{name}.features"], data[f"{name}.labels"]

    return Digits(split("train"), split("validation"), split("test"), (head["weight"], head["bias"]))


@pytest.fixture(scope="session")
def fit_digits(digits: Digits) -> Callable[..., selmix.Result]:
    """`selmix.fit` on the digits, for three rounds unless something else is said."""

    def fit(**arguments: Any) -> selmix.Result:
        given = {"validation": digits.validation, "test": digits.test, "head": digits.head, "rounds": 3, "workers": 2}
        X, y = arguments.pop("train", digits.train)
        return selmix.fit(X, y, **{**given, **arguments})

    return fit


@pytest.fixture(scope="session")
def finished(fit_digits: Callable[..., selmix.Result], tmp_path_factory: pytest.TempPathFactory) -> selmix.Result:
    """A run that is over, in a directory of its own."""
    return fit_digits(output=tmp_path_factory.mktemp("runs") / "digits", classes=[f"digit {number}" for number in range(10)])


def recalls(labels: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> list[float]:
    """Recall of each class, by its definition."""
    return [float(np.mean(predicted[labels == number] == number)) for number in range(int(labels.max()) + 1)]

"""What a run came to."""

from __future__ import annotations

import html
import os
import pathlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import SelMixError
from .runs import read_report
from .tensors import read_tensors

if TYPE_CHECKING:
    import pandas
    import torch

_METRICS = ("accuracy", "meanRecall", "minRecall", "gMean", "hMean", "headRecall", "tailRecall", "minCoverage")


@dataclass(frozen=True)
class Result:
    """A finished run: the tuned head and what it is worth.

    Attributes:
        weight: [K, d] float32, of the round that was best on validation; rows are classes, as in torch.nn.Linear.
        bias: [K] float32.
        report: report.json as a dict, with everything below and more.
        classes: names of the K classes, or None where only numbers are known.
        directory: the run's output directory, with report.html. Where `fit` was given no `output` it goes away with
            this object; `save` keeps it.
    """

    weight: npt.NDArray[np.float32] = field(repr=False)
    bias: npt.NDArray[np.float32] = field(repr=False)
    report: dict[str, Any] = field(repr=False)
    classes: tuple[str, ...] | None
    directory: pathlib.Path
    _temporary: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """`{"before": ..., "after": ...}`, each `{"validation": ..., "test": ...}` (test only where there was one) of
        accuracy, meanRecall, minRecall, gMean, hMean, headRecall, tailRecall, minCoverage, and perClassRecall [K]."""
        return {"before": self.report["before"], "after": self.report["after"]}

    @property
    def page(self) -> pathlib.Path:
        """The report for eyes: open it in a browser."""
        return self.directory / "report.html"

    def linear(self) -> torch.nn.Linear:
        """The tuned head as a torch layer from d features to K logits."""
        import torch

        classes, dimension = self.weight.shape
        layer = torch.nn.Linear(dimension, classes)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(self.weight))
            layer.bias.copy_(torch.from_numpy(self.bias))
        return layer

    def logits(self, features: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Logits [N, K] of features [N, d], computed with numpy."""
        scores: npt.NDArray[np.float32] = np.asarray(features, np.float32) @ self.weight.T + self.bias
        return scores

    def predict(self, features: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Class numbers [N] of features [N, d]."""
        numbers: npt.NDArray[np.int64] = np.argmax(self.logits(features), axis=1)
        return numbers

    def frame(self) -> pandas.DataFrame:
        """A row a class: training samples, and recall before and after on every split. Needs pandas."""
        import pandas

        columns: dict[str, Any] = {"training samples": self.report["trainCounts"]}
        for split in self._splits:
            for time in ("before", "after"):
                columns[f"{split} {time}"] = self.report[time][split]["perClassRecall"]
        return pandas.DataFrame(columns, index=pandas.Index(self._names, name="class"))

    def save(self, directory: str | os.PathLike[str]) -> Result:
        """Copies the run's output directory to a new place and returns the result as it is there.

        Raises:
            SelMixError: something is there already.
        """
        target = pathlib.Path(directory)
        if target.exists():
            raise SelMixError(f"{target} is there already", "choose another directory")
        shutil.copytree(self.directory, target)
        return Result(self.weight, self.bias, self.report, self.classes, target)

    @property
    def _splits(self) -> list[str]:
        return [split for split in ("validation", "test") if self.report["after"].get(split)]

    @property
    def _names(self) -> Sequence[str]:
        return self.classes or [str(number) for number in range(self.report["classes"])]

    def __str__(self) -> str:
        heading = f"{'':14}" + "".join(f"{split:>11} {'before':>7}{'after':>8}" for split in self._splits)
        lines = [heading]
        for metric in _METRICS:
            pairs = self._pairs(metric)
            if pairs:
                lines.append(f"{metric:14}" + "".join(f"{'':11}{before:8.4f}{after:8.4f}" for before, after in pairs))
        return "\n".join(line.rstrip() for line in lines)

    def _pairs(self, metric: str) -> list[tuple[float, float]]:
        """Before and after of a metric by split; empty where a split has no such metric."""
        values = [tuple(self.report[time][split].get(metric) for time in ("before", "after")) for split in self._splits]
        return [] if any(None in pair for pair in values) else [(float(before), float(after)) for before, after in values]

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        head = "".join(f"<th>{split} before</th><th>after</th>" for split in self._splits)
        rows = ""
        for metric in _METRICS:
            pairs = self._pairs(metric)
            if pairs:
                cells = "".join(f"<td>{value:.4f}</td>" for pair in pairs for value in pair)
                rows += f"<tr><th>{html.escape(metric)}</th>{cells}</tr>"
        name = html.escape(str(self.report["name"]))
        return f"<table><caption>{name}: {html.escape(str(self.report['objective']))}</caption><tr><th></th>{head}</tr>{rows}</table>"


def load(run: str | os.PathLike[str]) -> Result:
    """The result of a run that is over, from its output directory.

    Raises:
        SelMixError: there is no run, it goes on, or its files are damaged.
    """
    return read_result(pathlib.Path(run), None, None)


def read_result(
    directory: pathlib.Path, classes: Sequence[str] | None, temporary: tempfile.TemporaryDirectory[str] | None
) -> Result:
    """The result in an output directory.

    Args:
        directory: `output` of the run.
        classes: names of the classes; None to take those in the report, where it has them.
        temporary: what removes the directory when the result goes.
    """
    report = read_report(directory)
    head = read_tensors(directory / "head.safetensors")
    weight = head["weight"].astype(np.float32)
    bias = head["bias"].astype(np.float32) if "bias" in head else np.zeros(len(weight), np.float32)
    names = classes or report.get("classNames")
    return Result(weight, bias, report, None if names is None else tuple(str(name) for name in names), directory, temporary)

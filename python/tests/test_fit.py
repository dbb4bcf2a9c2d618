"""`fit` gives what the program gives, from any arrays, and says what is wrong with them."""

from __future__ import annotations

import json
import pathlib
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY, Digits, recalls

import selmix


def test_result_is_that_of_the_command_line(finished: selmix.Result, tmp_path: pathlib.Path) -> None:
    """The arrays of the bundled job, through Python and through its own file, give the same head to the last bit."""
    job = REPOSITORY / "cluster" / "digits-lt" / "min-recall.yaml"
    command = [str(selmix.find_program()), "train", str(job), "--json", "--quiet", "--set", "selmix.rounds=3"]
    output = subprocess.run([*command, "--set", f"output={tmp_path / 'run'}"], check=True, capture_output=True).stdout
    assert finished.report["headDigest"] == json.loads(output)["headDigest"]


def test_reported_recalls_are_those_of_the_returned_head(finished: selmix.Result, digits: Digits) -> None:
    X, y = digits.test
    assert recalls(y, finished.predict(X)) == pytest.approx(finished.metrics["after"]["test"]["perClassRecall"])
    assert finished.metrics["after"]["validation"]["minRecall"] > finished.metrics["before"]["validation"]["minRecall"]
    assert finished.weight.shape == (10, 64) and finished.bias.shape == (10,)
    assert finished.weight.dtype == finished.bias.dtype == np.float32


def test_scikit_learn_reports_the_same(finished: selmix.Result, digits: Digits) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    X, y = digits.test
    report = metrics.classification_report(y, finished.predict(X), output_dict=True)
    assert [report[str(k)]["recall"] for k in range(10)] == pytest.approx(finished.metrics["after"]["test"]["perClassRecall"])
    assert report["accuracy"] == pytest.approx(finished.metrics["after"]["test"]["accuracy"])


def test_a_run_without_output_leaves_nothing(fit_digits: Callable[..., selmix.Result], tmp_path: pathlib.Path) -> None:
    result = fit_digits(test=None, rounds=1)
    directory = result.directory
    kept = result.save(tmp_path / "kept")
    assert directory.is_dir() and "test" not in result.metrics["after"] or result.metrics["after"]["test"] is None
    del result
    assert not directory.exists()
    assert (kept.directory / "report.html").is_file() and np.array_equal(selmix.load(kept.directory).weight, kept.weight)
    with pytest.raises(selmix.SelMixError, match="there already"):
        kept.save(tmp_path / "kept")


@pytest.mark.parametrize("convert", [np.float64, np.float16, lambda X: X.tolist()], ids=["float64", "float16", "lists"])
def test_other_numbers_work(convert: Callable[[Any], Any], fit_digits: Callable[..., selmix.Result], digits: Digits) -> None:
    X, y = digits.train
    result = fit_digits(train=(convert(X) if not isinstance(convert, type) else X.astype(convert), y.astype(np.int32)), rounds=1)
    assert result.metrics["after"]["validation"]["minRecall"] > 0.3


def test_labels_may_be_names(fit_digits: Callable[..., selmix.Result], digits: Digits, finished: selmix.Result) -> None:
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    named = {split: (X, names[y]) for split, (X, y) in vars(digits).items() if split != "head"}
    result = fit_digits(**named, classes=names)
    assert result.report["headDigest"] == finished.report["headDigest"]
    assert result.classes == tuple(names)
    with pytest.raises(selmix.SelMixError, match="their order is not known"):
        fit_digits(**named)
    with pytest.raises(selmix.SelMixError, match="'nine', which is not among"):
        fit_digits(**named, classes=[*names[:-1], "ten"])


def test_settings_have_three_spellings(fit_digits: Callable[..., selmix.Result]) -> None:
    spellings: list[dict[str, Any]] = [
        {"steps_per_round": 7, "learning_rate": 1e-3, "seed": 5},
        {"selmix__stepsPerRound": 7, "optimizer__learningRate": 1e-3, "seed": 5},
        {"selmix": {"stepsPerRound": np.int64(7)}, "optimizer": {"learningRate": np.float64(1e-3)}, "seed": 5},
    ]
    digests = {fit_digits(**spelling).report["weightsDigest"] for spelling in spellings}
    assert len(digests) == 1
    assert fit_digits(objective={"name": "h-mean"}, rounds=1).report["objective"] == "h-mean"


def test_a_run_is_not_overwritten(fit_digits: Callable[..., selmix.Result], finished: selmix.Result) -> None:
    with pytest.raises(selmix.SelMixError, match="holds a run already") as raised:
        fit_digits(output=finished.directory)
    assert raised.value.status == 1


def test_the_inputs_stay_beside_the_run(finished: selmix.Result, tmp_path: pathlib.Path) -> None:
    """The job in `inputs` runs again as it is, also when the directory has been moved."""
    moved = finished.save(tmp_path / "moved").directory
    command = [str(selmix.find_program()), "train", str(moved / "inputs" / "job.yaml"), "--json", "--quiet"]
    output = subprocess.run([*command, "--set", f"output={tmp_path / 'again'}"], check=True, capture_output=True).stdout
    assert json.loads(output)["headDigest"] == finished.report["headDigest"]


def test_results_are_readable(finished: selmix.Result) -> None:
    assert "minRecall" in str(finished)
    assert "<table>" in finished._repr_html_()
    frame = pytest.importorskip("pandas") and finished.frame()
    assert frame.loc["digit 8", "validation after"] == finished.metrics["after"]["validation"]["perClassRecall"][8]


def test_going_on_from_a_result(fit_digits: Callable[..., selmix.Result], finished: selmix.Result) -> None:
    result = fit_digits(head=finished, rounds=1)
    assert result.metrics["before"] == finished.metrics["after"]


X = np.zeros((4, 3), np.float32)
y = np.array([0, 0, 1, 1])
HEAD = (np.zeros((2, 3)), np.zeros(2))
NAN = np.full((4, 3), np.nan)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": X[:, 0]}, r"X has shape \(4,\); it must be a matrix"),
        ({"X": X.reshape(4, 3, 1)}, "must be a matrix"),
        ({"X": NAN}, "X has a number that is not finite"),
        ({"X": np.full((4, 3), 1e39)}, "not finite in float32"),
        ({"X": np.full((4, 3), "a")}, "X has elements of type"),
        ({"y": y[:3]}, "there are 4 samples"),
        ({"y": y + 0.5}, "y has elements of type float64"),
        ({"y": y + 1}, "2"),
        ({"validation": X}, "validation is a ndarray"),
        ({"validation": (X[:, :2], y)}, "validation features have 2"),
        ({"head": (np.zeros((3, 2)), np.zeros(3))}, "looks transposed"),
        ({"head": (np.zeros((2, 3)), np.zeros(3))}, "the head's bias has shape"),
        ({"head": 3}, "the head is a int"),
        ({"classes": ["a"]}, "there are 1 names"),
        ({"rounds": 0}, "rounds"),
        ({"rounds": "many"}, "rounds"),
        ({"rounds": object()}, "the setting `rounds` is <object"),
        ({"objective": "min-recal"}, "min-recal"),
        ({"learning_rat": 1}, "unknown key `learningRat`"),
        ({"output_": 1, "data": 1}, "`data` is no setting"),
        ({"rounds": 1, "selmix__rounds": 1}, "set twice"),
    ],
)
def test_errors_say_what_is_wrong(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"X": X, "y": y, "validation": (X, y), "head": HEAD, **change}
    with pytest.raises(selmix.SelMixError, match=message) as raised:
        selmix.fit(arguments.pop("X"), arguments.pop("y"), **arguments)
    assert raised.value.status in (2, 3)
    assert raised.value.hint or "must be" in raised.value.message

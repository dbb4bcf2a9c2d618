"""Loggers feed MLflow and Weights & Biases, both without a server."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

import selmix
from selmix import loggers


class Recorder:
    """A logger that keeps what it is given."""

    def __init__(self) -> None:
        self.rounds: list[int] = []
        self.results: list[selmix.Result] = []

    def __call__(self, latest: selmix.Round) -> None:
        self.rounds.append(latest.number)

    def finish(self, result: selmix.Result) -> None:
        self.results.append(result)


def test_a_logger_gets_rounds_and_result(finished: selmix.Result, fit_digits: Callable[..., selmix.Result]) -> None:
    recorder = Recorder()
    assert loggers.log_run(finished.directory, recorder) is recorder.results[0]
    assert recorder.rounds == [0, 1, 2, 3]
    during = Recorder()
    fit_digits(progress=during)
    assert during.rounds == recorder.rounds


def test_mlflow_has_rounds_settings_and_files(
    finished: selmix.Result, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow: Any = pytest.importorskip("mlflow")
    # The store of files is the one that needs no server; MLflow wants to be asked for it.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    with mlflow.start_run() as run:
        loggers.log_run(finished.directory, loggers.MLflowLogger())
    client = mlflow.MlflowClient()
    history = client.get_metric_history(run.info.run_id, "selmix/objective")
    assert [each.step for each in history] == [0, 1, 2, 3]
    logged = client.get_run(run.info.run_id).data
    assert logged.metrics["selmix/test/minRecall/after"] == finished.metrics["after"]["test"]["minRecall"]
    assert logged.params["selmix.objective"] == "min-recall"
    assert {each.path for each in client.list_artifacts(run.info.run_id, "selmix")} >= {"selmix/report.html", "selmix/report.json"}


def test_wandb_has_rounds_settings_and_files(
    finished: selmix.Result, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb: Any = pytest.importorskip("wandb")
    run = wandb.init(mode="offline", dir=tmp_path, project="selmix", settings=wandb.Settings(silent=True))
    logged: list[dict[str, Any]] = []
    log = run.log

    def record(values: dict[str, Any]) -> None:
        logged.append(values)
        log(values)

    monkeypatch.setattr(run, "log", record)
    loggers.log_run(finished.directory, loggers.WandbLogger(run))
    assert [each["selmix/round"] for each in logged] == [0, 1, 2, 3]
    assert run.summary["selmix/test/minRecall/after"] == finished.metrics["after"]["test"]["minRecall"]
    assert run.config["selmix.objective"] == "min-recall"
    run.finish()

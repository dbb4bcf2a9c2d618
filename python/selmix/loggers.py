"""Feeds trackers of experiments from a run: during `fit`, from a run that goes on, or from one that is over.

    selmix.fit(..., progress=MLflowLogger())      # every round as it ends
    log_run("runs/mine", WandbLogger())           # any run of the program, wherever it was started
"""

from __future__ import annotations

import os
from typing import Any, Protocol

from .result import Result, load
from .runs import Round, follow


class Logger(Protocol):
    """What takes rounds and results."""

    def __call__(self, latest: Round) -> None:
        """Takes a round."""

    def finish(self, result: Result) -> None:
        """Takes the end of a run: what it came to, and its files."""


def log_run(run: str | os.PathLike[str], logger: Logger, *, wait: bool = True) -> Result | None:
    """Logs every round of a run, of one that goes on as they come, and then its end.

    Args:
        run: the output directory.
        logger: MLflowLogger, WandbLogger, or anything like them.
        wait: False to log what is there now.

    Returns:
        The result; None of a run that is not over (which happens with `wait=False`, or where the run was killed).

    Raises:
        SelMixError: the directory holds no run.
    """
    for each in follow(run, wait=wait):
        logger(each)
    if not os.path.exists(os.path.join(run, "report.json")):
        return None
    result = load(run)
    logger.finish(result)
    return result


def _summary(result: Result) -> dict[str, float]:
    """Figures before and after, as `test/minRecall/after`."""
    return {
        f"{split}/{metric}/{time}": float(value)
        for time, splits in result.metrics.items()
        for split, metrics in splits.items()
        if metrics
        for metric, value in metrics.items()
        if isinstance(value, (int, float))
    }


def _settings(result: Result) -> dict[str, Any]:
    keys = ("name", "objective", "policy", "rounds", "stepsPerRound", "batch", "shards", "precision", "seed", "workers", "headDigest")
    return {key: result.report[key] for key in keys if key in result.report}


class MLflowLogger:
    """Logs to MLflow: metrics `selmix/...` by round, settings as parameters, and the run's files as artifacts.

    Args:
        run_id: of the MLflow run; None for the one that is active, or a new one.
    """

    def __init__(self, run_id: str | None = None) -> None:
        import mlflow

        self._client = mlflow.MlflowClient()
        self._id = run_id or (mlflow.active_run() or mlflow.start_run()).info.run_id

    def __call__(self, latest: Round) -> None:
        for key, value in {"objective": latest.objective, **latest.figures}.items():
            self._client.log_metric(self._id, f"selmix/{key}", value, step=latest.number)

    def finish(self, result: Result) -> None:
        for key, value in _summary(result).items():
            self._client.log_metric(self._id, f"selmix/{key}", value)
        for key, setting in _settings(result).items():
            self._client.log_param(self._id, f"selmix.{key}", setting)
        for file in ("report.json", "report.html", "head.safetensors"):
            self._client.log_artifact(self._id, str(result.directory / file), "selmix")


class WandbLogger:
    """Logs to Weights & Biases: metrics `selmix/...` by round, settings as configuration, figures as the summary, and the head
    with the report as an artifact.

    Args:
        run: a run of wandb; None for the one that is active, or a new one.
    """

    def __init__(self, run: Any = None) -> None:
        import wandb

        self._wandb = wandb
        self._run = run or wandb.run or wandb.init()
        self._run.define_metric("selmix/round")
        self._run.define_metric("selmix/*", step_metric="selmix/round")

    def __call__(self, latest: Round) -> None:
        values = {"round": latest.number, "objective": latest.objective, **latest.figures}
        self._run.log({f"selmix/{key}": value for key, value in values.items()})

    def finish(self, result: Result) -> None:
        self._run.summary.update({f"selmix/{key}": value for key, value in _summary(result).items()})
        self._run.config.update({f"selmix.{key}": value for key, value in _settings(result).items()}, allow_val_change=True)
        artifact = self._wandb.Artifact(f"selmix-{self._run.id}", type="model")
        for file in ("report.json", "report.html", "head.safetensors"):
            artifact.add_file(str(result.directory / file))
        self._run.log_artifact(artifact)

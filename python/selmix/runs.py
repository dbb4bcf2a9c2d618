"""Reads what a run leaves in its output directory, while it goes on and afterwards."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import SelMixError

_FIGURES = (
    "accuracy", "meanRecall", "minRecall", "gMean", "hMean", "headRecall", "tailRecall", "minCoverage", "loss", "expectedGain",
    "largestGain", "positivePairs",
)


@dataclass(frozen=True)
class Round:
    """What a validation between two rounds of training found out.

    Attributes:
        number: how many rounds of training went before; 0 is the head as it was brought.
        planned: how many rounds of training the run has.
        objective: the value of the run's objective on validation.
        figures: accuracy, meanRecall, minRecall, gMean, hMean, headRecall, tailRecall, minCoverage on validation, the
            mean loss of the round's steps, and the gains that the next round's class pairs were drawn by.
    """

    number: int
    planned: int
    objective: float
    figures: dict[str, float]


class EventLog:
    """The rounds in `events.jsonl`, which a run writes as it goes on."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        self._path = directory / "events.jsonl"
        self._offset = 0
        self._planned: int | None = None
        #: How the run ended, once it has: finished, converged, interrupted or failed.
        self.outcome: str | None = None

    def new_rounds(self) -> list[Round]:
        """The rounds since the last call; none as long as there is no log."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        # A last line without an end is still being written.
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        rounds = []
        for line in whole.splitlines():
            # Of thousands of lines a round, nearly all are of steps: they are not parsed.
            if b'"validated"' in line or b'"finished"' in line or b'"started"' in line:
                rounds += self._take(json.loads(line))
        return rounds

    def _take(self, event: dict[str, Any]) -> list[Round]:
        if event.get("event") == "started":
            self.outcome = None
        if event.get("event") == "finished":
            self.outcome = str(event.get("outcome", "finished"))
        if event.get("event") != "validated":
            return []
        if self._planned is None:
            # run.json is there before the first validation.
            self._planned = int(json.loads((self._directory / "run.json").read_bytes())["job"]["selmix"]["rounds"])
        figures = {key: float(event[key]) for key in _FIGURES if key in event}
        return [Round(int(event["round"]), self._planned, float(event["objective"]), figures)]


def follow(run: str | os.PathLike[str], *, wait: bool = True) -> Iterator[Round]:
    """The rounds of a run, from its first; of one that goes on, each as soon as it is there.

    A run that was resumed repeats the rounds after its last checkpoint; they come once.

    Args:
        run: the output directory.
        wait: False to end with what is there now.

    Raises:
        SelMixError: the directory holds no run.
    """
    directory = _directory(run)
    log = EventLog(directory)
    last = -1
    while True:
        # Asked first, so that what a run writes at its very end is read once more below.
        goes_on = wait and _is_held(directory)
        for each in log.new_rounds():
            if each.number > last:
                last = each.number
                yield each
        if not goes_on or log.outcome is not None:
            return
        time.sleep(0.2)


def _is_held(directory: pathlib.Path) -> bool:
    """Whether a process is at work on the run: it holds the directory's lock as long as it lives."""
    try:
        with (directory / ".lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _directory(run: str | os.PathLike[str]) -> pathlib.Path:
    directory = pathlib.Path(run)
    if not (directory / "run.json").is_file():
        raise SelMixError(f"{directory} holds no run", "name the `output` of a run, which has a run.json")
    return directory


def read_report(directory: pathlib.Path) -> dict[str, Any]:
    """report.json of a run.

    Raises:
        SelMixError: it is not there, for example because the run goes on.
    """
    path = directory / "report.json"
    try:
        report: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        _directory(directory)
        raise SelMixError(
            f"the run in {directory} has no report yet",
            "wait until it ends; selmix.follow reads its rounds as they come",
        ) from error
    except ValueError as error:
        raise SelMixError(f"{path} is damaged", "make it again with `selmix train --resume`, or run again") from error
    return report

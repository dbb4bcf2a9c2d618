"""Progress is shown where somebody looks, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

import selmix
from selmix.progress import listener
from selmix.runs import Round

ROUND = Round(2, 5, 0.5, {})


def test_quiet_where_nobody_looks(capfd: pytest.CaptureFixture[str], fit_digits: Callable[..., selmix.Result]) -> None:
    fit_digits(rounds=1)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    fit_digits(rounds=1, progress=True)
    assert "round 1/1  min-recall" in capfd.readouterr().err


def test_a_function_gets_every_round(fit_digits: Callable[..., selmix.Result]) -> None:
    rounds: list[Round] = []
    result = fit_digits(progress=rounds.append)
    assert [each.number for each in rounds] == [0, 1, 2, 3]
    assert max(each.objective for each in rounds) == result.metrics["after"]["validation"]["minRecall"]


def test_a_terminal_gets_one_line() -> None:
    code = (
        "from selmix.progress import listener; from selmix.runs import Round\n"
        "show, close = listener(None, 'min-recall')\n"
        "show(Round(1, 5, .25, {})); show(Round(2, 5, .5, {})); close()"
    )
    leader, follower = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=follower, check=True)
    os.close(follower)
    text = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "\n" not in text and "round 2/5  min-recall 0.5000 (best 0.5000)" in text and text.endswith("\r\x1b[K")


def test_a_notebook_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the interface of IPython that notebooks have: a display with an id that is updated."""
    shown: list[str] = []

    class Handle:
        def update(self, page: str) -> None:
            shown.append(page)

    def display(page: str, display_id: bool) -> Handle:
        assert display_id
        shown.append(page)
        return Handle()

    ipython: Any = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display, ipython.display.HTML = display, str
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    show, close = listener(None, "min-recall")
    show(ROUND)
    show(Round(3, 5, 0.25, {}))
    close()
    assert '<progress value="2" max="5">' in shown[0] and "0.2500 (best 0.5000)" in shown[1]

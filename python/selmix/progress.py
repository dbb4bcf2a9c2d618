"""Shows how far a run is: a line that is written over in a terminal, a bar in a notebook."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from .runs import Round

#: Called with every round as it ends.
Listener: TypeAlias = Callable[[Round], None]


def listener(progress: bool | Listener | None, objective: str) -> tuple[Listener, Callable[[], None]]:
    """What is called with every round, and what is called at the end.

    Args:
        progress: a function of one's own; True and False to show and not to show; None to show where somebody looks, in a
            terminal or a notebook.
        objective: what the values of rounds are called.
    """
    if callable(progress):
        return progress, _nothing
    notebook = _notebook_display() if progress is not False else None
    if notebook is not None:
        return _NotebookBar(notebook, objective).show, _nothing
    if progress is True or (progress is None and sys.stderr is not None and sys.stderr.isatty()):
        line = _Line(objective)
        return line.show, line.close
    return (lambda _round: None), _nothing


def _nothing() -> None:
    pass


class _Line:
    """One line on standard error."""

    def __init__(self, objective: str) -> None:
        self._objective = objective
        self._best = float("-inf")

    def show(self, latest: Round) -> None:
        self._best = max(self._best, latest.objective)
        text = f"selmix: round {latest.number}/{latest.planned}  {self._objective} {latest.objective:.4f} (best {self._best:.4f})"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text}")
        else:
            sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class _NotebookBar:
    """A bar and the latest figures, in the output of a cell."""

    def __init__(self, display: Any, objective: str) -> None:
        self._display = display
        self._objective = objective
        self._best = float("-inf")
        self._handle: Any = None

    def show(self, latest: Round) -> None:
        from IPython.display import HTML

        self._best = max(self._best, latest.objective)
        bar = f'<progress value="{latest.number}" max="{latest.planned}"></progress>'
        text = f"round {latest.number}, {self._objective} {latest.objective:.4f} (best {self._best:.4f})"
        page = HTML(f"{bar} {html.escape(text)}")
        if self._handle is None:
            self._handle = self._display(page, display_id=True)
        else:
            self._handle.update(page)


def _notebook_display() -> Any:
    """IPython's `display` where a notebook runs this; None elsewhere, in IPython's terminal too."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display

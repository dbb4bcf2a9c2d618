"""The one exception of this package."""

from __future__ import annotations

from collections.abc import Iterable


class SelMixError(Exception):
    """What went wrong, what to do about it, and the exit status that the program has for it.

    Attributes:
        message: what is wrong and where, in a sentence.
        hint: what to do about it, or None where nothing general can be said.
        status: 1 the run failed, 2 wrong usage, 3 wrong job file or data, 4 cluster trouble, 130 interrupted. Errors
            that are found before the program starts have the status that it would have given.
    """

    FAILED = 1
    USAGE = 2
    INVALID_INPUT = 3
    CLUSTER = 4
    INTERRUPTED = 130

    def __init__(self, message: str, hint: str | None = None, status: int = INVALID_INPUT) -> None:
        super().__init__(message, hint, status)
        self.message = message
        self.hint = hint
        self.status = status

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"

    @classmethod
    def from_output(cls, lines: Iterable[str], status: int) -> SelMixError:
        """The error that the program reported on standard error, in its `error:` and `hint:` lines.

        A program that a signal ended (a negative status) or that wrote no such line is reported with its last line.
        """
        written = [line.rstrip("\n") for line in lines if line.strip()]
        message = next((line.removeprefix("error: ") for line in written if line.startswith("error: ")), None)
        hint = next((line.removeprefix("hint: ") for line in written if line.startswith("hint: ")), None)
        if message is None:
            end = f"signal {-status} ended it" if status < 0 else f"it ended with status {status}"
            message = f"selmix reported no error, but {end}" + (f": {written[-1]}" if written else "")
        return cls(message, hint, cls.FAILED if status < 0 else status)

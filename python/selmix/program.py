"""Finds the program `selmix` and runs it.

Everything this package does beyond converting arrays is done by that program, as a process of its own: it brings its
worker processes along, it survives their deaths, and an error in it cannot end the interpreter. The price is a start of a
few tenths of a second and one copy of the data in a file.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from .errors import SelMixError

_ENVIRONMENT = "SELMIX"
_POLL_SECONDS = 0.05


def find_program() -> pathlib.Path:
    """The path of the program: `$SELMIX`, the one that came in this package's wheel, or `selmix` on the PATH, in this order.

    Raises:
        SelMixError: there is none, or `$SELMIX` names no executable file (status 2).
    """
    named = os.environ.get(_ENVIRONMENT)
    if named:
        # As a shell would: a bare name is looked up, a path is taken.
        found = shutil.which(named)
        if found is None:
            raise SelMixError(
                f"the environment variable {_ENVIRONMENT} is {named}, which is no executable file",
                "let it name the program, such as /usr/bin/selmix, or unset it",
                SelMixError.USAGE,
            )
        return pathlib.Path(found).absolute()
    bundled = pathlib.Path(__file__).parent / "program" / "bin" / "selmix"
    if bundled.is_file():
        return bundled
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        candidate = pathlib.Path(folder or ".") / "selmix"
        if os.access(candidate, os.X_OK) and candidate.is_file() and not _is_own_script(candidate):
            return candidate.absolute()
    raise SelMixError(
        "the program `selmix` is not there",
        f"install the wheel that brings it along, put it on the PATH, or let {_ENVIRONMENT} name it",
        SelMixError.USAGE,
    )


def _is_own_script(path: pathlib.Path) -> bool:
    """Whether this is the script that pip made for `main` below: to run it would be to run ourselves for ever."""
    with path.open("rb") as file:
        return b"selmix.program" in file.read(1024)


def main() -> None:
    """The command `selmix` of an installed package: becomes the program itself."""
    try:
        program = find_program()
    except SelMixError as error:
        sys.exit(f"error: {error}")
    os.execv(program, [str(program), *sys.argv[1:]])


def run(arguments: Sequence[str], while_running: Callable[[], None] = lambda: None) -> str:
    """Runs the program to its end.

    Args:
        arguments: what follows `selmix` on a command line.
        while_running: called some twenty times a second until the program has ended.

    Returns:
        What the program wrote to standard output.

    Raises:
        SelMixError: the program ended with another status than 0.
        KeyboardInterrupt: passed on to the program, which is then waited for; a run leaves what was done.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [str(find_program()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            # Ctrl-C in a terminal reaches a whole session. The program takes a second one as "at once", so it must get
            # the one that is passed on below and no other.
            start_new_session=True,
        )
        try:
            while True:
                try:
                    process.wait(_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    while_running()
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        while_running()
        if process.returncode != 0:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").splitlines()
            raise SelMixError.from_output(lines, process.returncode)
        output.seek(0)
        return output.read().decode()


def run_json(arguments: Sequence[str], while_running: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Runs a command with `--json` and returns the object that it printed; raises as `run` does."""
    answer: dict[str, Any] = json.loads(run([*arguments, "--json"], while_running))
    return answer

"""The program is found where it is, and its end is understood."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import textwrap

import pytest

import selmix
from selmix.errors import SelMixError
from selmix.program import find_program, run, run_json


def test_versions_agree() -> None:
    text = run(["--version"])
    assert re.search(rf"\b{re.escape(selmix.__version__)}\b", text)


def test_environment_names_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELMIX", "/nowhere/selmix")
    with pytest.raises(SelMixError, match="no executable file") as raised:
        find_program()
    assert raised.value.status == SelMixError.USAGE


def test_path_is_searched_but_for_our_own_script(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """The script that pip makes for the command `selmix` runs this package: it is no program."""
    program = find_program()
    monkeypatch.delenv("SELMIX")
    for name in ("script", "program"):
        (tmp_path / name).mkdir()
    script = tmp_path / "script" / "selmix"
    script.write_text(f"#!{sys.executable}\nfrom selmix.program import main\nmain()\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "script"))
    with pytest.raises(SelMixError, match="is not there"):
        find_program()
    (tmp_path / "program" / "selmix").symlink_to(program)
    monkeypatch.setenv("PATH", f"{tmp_path / 'script'}:{tmp_path / 'program'}")
    assert find_program() == tmp_path / "program" / "selmix"


def test_the_command_becomes_the_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from selmix.program import main; main()", "train", "missing.yaml"], capture_output=True, text=True
    )
    assert ended.returncode == 3
    assert ended.stderr.startswith("error: ")


def test_errors_have_message_hint_and_status() -> None:
    with pytest.raises(SelMixError) as raised:
        run_json(["train", "missing.yaml"])
    assert "missing.yaml" in raised.value.message
    assert raised.value.status == SelMixError.INVALID_INPUT
    with pytest.raises(SelMixError) as raised:
        run(["trian"])
    assert raised.value.status == SelMixError.USAGE and raised.value.hint


def test_errors_without_their_lines() -> None:
    error = SelMixError.from_output(["Segmentation fault"], -11)
    assert error.status == 1 and "signal 11" in error.message and "Segmentation fault" in error.message
    assert str(SelMixError("what", "do")) == "what\nhint: do" and str(SelMixError("what")) == "what"


def test_an_interrupt_stops_the_run_and_resume_goes_on(tmp_path: pathlib.Path) -> None:
    """Ctrl-C reaches Python alone, as in a notebook; the run ends in order, and goes on to the same bytes."""
    script = textwrap.dedent(
        """
        import os, pathlib, signal, sys
        sys.path.insert(0, sys.argv[1])
        import selmix
        from selmix.tensors import read_tensors

        folder = pathlib.Path(sys.argv[1]).parent / "cluster" / "digits-lt"
        data, head = read_tensors(folder / "digits.safetensors"), read_tensors(folder / "head.safetensors")
        def stop(latest):
            if latest.number >= 2: os.kill(os.getpid(), signal.SIGINT)
        def fit(output, **more):
            return selmix.fit(data["train.features"], data["train.labels"],
                validation=(data["validation.features"], data["validation.labels"]),
                head=(head["weight"], head["bias"]), output=output, rounds=12, steps_per_round=400, workers=2, **more)
        stopped = pathlib.Path(sys.argv[2]) / "stopped"
        try:
            fit(stopped, progress=stop)
            sys.exit("the run was not stopped")
        except KeyboardInterrupt:
            assert not selmix.runs._is_held(stopped), "the program goes on"
        try:
            fit(stopped)
            sys.exit("an unfinished run was overwritten")
        except selmix.SelMixError as error:
            assert "resume=True" in error.hint
        resumed = fit(stopped, resume=True)
        whole = fit(pathlib.Path(sys.argv[2]) / "whole")
        assert resumed.report["weightsDigest"] == whole.report["weightsDigest"]
        """
    )
    package = pathlib.Path(selmix.__file__).resolve().parents[1]
    ended = subprocess.run([sys.executable, "-c", script, str(package), str(tmp_path)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr

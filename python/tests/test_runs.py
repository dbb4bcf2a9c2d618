"""Runs are read while they go on and afterwards; files of others and damage are errors."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import numpy as np
import pytest
from conftest import REPOSITORY

import selmix
from selmix.tensors import Tensor, read_tensors, write_tensors


def test_rounds_of_a_finished_run(finished: selmix.Result) -> None:
    rounds = list(selmix.follow(finished.directory))
    assert [each.number for each in rounds] == [0, 1, 2, 3]
    assert {each.planned for each in rounds} == {3}
    best = max(each.objective for each in rounds)
    assert best == finished.metrics["after"]["validation"]["minRecall"]
    figures = next(each.figures for each in rounds if each.objective == best)
    assert figures["accuracy"] == finished.metrics["after"]["validation"]["accuracy"]


def test_a_running_run_is_followed_to_its_end(tmp_path: pathlib.Path) -> None:
    job = REPOSITORY / "cluster" / "digits-lt" / "h-mean.yaml"
    command = [str(selmix.find_program()), "train", str(job), "--quiet", "--set", f"output={tmp_path / 'run'}"]
    process = subprocess.Popen(
        [*command, "--set", "selmix.rounds=8", "--set", "selmix.stepsPerRound=300"], stdout=subprocess.DEVNULL
    )
    try:
        while not (tmp_path / "run" / "run.json").exists():
            assert process.poll() is None
        seen: list[int] = []
        for each in selmix.follow(tmp_path / "run"):
            if not seen:
                # The first round comes while the others are still to be done.
                assert process.poll() is None
                with pytest.raises(selmix.SelMixError, match="no report yet"):
                    selmix.load(tmp_path / "run")
            seen.append(each.number)
    finally:
        assert process.wait() == 0
    assert seen == list(range(9))


def test_a_resumed_run_repeats_no_round(finished: selmix.Result, tmp_path: pathlib.Path) -> None:
    directory = shutil.copytree(finished.directory, tmp_path / "run")
    events = (directory / "events.jsonl").read_text().splitlines(keepends=True)
    validated = [line for line in events if '"validated"' in line]
    # As a restart after round 2 leaves it, with a last line that is being written.
    (directory / "events.jsonl").write_text("".join([*validated[:3], *validated[2:]]) + validated[0][:40])
    assert [each.number for each in selmix.follow(directory)] == [0, 1, 2, 3]


def test_what_is_no_run_is_an_error(finished: selmix.Result, tmp_path: pathlib.Path) -> None:
    for read in (selmix.load, lambda path: list(selmix.follow(path))):
        with pytest.raises(selmix.SelMixError, match="holds no run"):
            read(tmp_path)
    directory = shutil.copytree(finished.directory, tmp_path / "run")
    (directory / "report.json").write_text("{")
    with pytest.raises(selmix.SelMixError, match="is damaged"):
        selmix.load(directory)


def test_tensors_survive_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "tensors.safetensors"
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_tensors(path, {"a": Tensor("F32", matrix.T), "b": Tensor("I64", np.array([3, 4])), "empty": Tensor("F32", matrix[:0])})
    read = read_tensors(path)
    assert np.array_equal(read["a"], matrix.T) and np.array_equal(read["b"], [3, 4]) and read["empty"].shape == (0, 3)
    reference = pytest.importorskip("safetensors.numpy")
    assert np.array_equal(reference.load_file(path)["a"], matrix.T)
    data = path.read_bytes()
    for damage in (data[:4], data[:40], data[:-4], b"\xff" * 64):
        path.write_bytes(damage)
        with pytest.raises(selmix.SelMixError, match="no .safetensors file"):
            read_tensors(path)

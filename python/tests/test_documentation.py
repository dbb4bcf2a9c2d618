"""The tutorial and the README's Python run as they are printed."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
from typing import Any

import pytest
from conftest import REPOSITORY, Digits

import selmix


def blocks(page: str, languages: str) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks of a page."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    return re.findall(rf"^```({languages})\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_tutorial_makes_the_worst_class_better(tmp_path: pathlib.Path) -> None:
    for module in ("torch", "torchvision", "timm", "sklearn", "PIL"):
        pytest.importorskip(module)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "selmix").symlink_to(selmix.find_program())
    package = pathlib.Path(selmix.__file__).resolve().parents[1]
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}
    for language, text in blocks("docs/tutorial.md", "python|sh"):
        command = [sys.executable, "-c", text] if language == "python" else ["bash", "-euc", text]
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, f"{text}\n{ended.stdout}\n{ended.stderr}"
        if "classification_report(" in text:
            printed = ended.stdout
    result = selmix.load(tmp_path / "runs" / "photos")
    before, after = (result.metrics[time]["test"] for time in ("before", "after"))
    assert after["minRecall"] > before["minRecall"]
    # scikit-learn's report of the tuned network has the same recalls, to its two digits.
    recalls = [float(row.split()[2]) for row in printed.splitlines() if re.match(r" +[a-z]+ +[01]\.\d\d +[01]\.\d\d +[01]\.\d\d +\d+$", row)]
    assert recalls[:10] == pytest.approx(after["perClassRecall"], abs=0.0051)
    assert (tmp_path / "comparison.html").is_file() and (tmp_path / "tuned.pt").is_file()


@pytest.mark.parametrize("page", ["README.md", "python/README.md"])
def test_the_readmes_first_python_runs(page: str, digits: Digits) -> None:
    torch: Any = pytest.importorskip("torch")

    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(64, 10)

        def forward(self, X: Any) -> Any:
            return self.fc(X)

    def loader(split: tuple[Any, Any]) -> list[tuple[Any, Any]]:
        return [(torch.from_numpy(split[0]), torch.from_numpy(split[1]))]

    model = Network()
    names = [f"digit {number}" for number in range(10)]
    given: dict[str, Any] = {"model": model, "train_loader": loader(digits.train), "validation_loader": loader(digits.validation), "names": names}
    (_, text), *_ = blocks(page, "python")
    exec(text, given)
    assert given["result"].weight.tolist() == model.fc.weight.tolist()

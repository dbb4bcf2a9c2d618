"""Tensors and layers of torch go in, and come out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Digits, recalls

import selmix

torch: Any = pytest.importorskip("torch")


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(32, 10))


def batches(split: tuple[Any, Any], size: int = 50) -> list[tuple[Any, Any]]:
    X, y = torch.from_numpy(split[0]), torch.from_numpy(split[1])
    return list(zip(X.split(size), y.split(size), strict=True))


def test_tensors_give_the_same_as_arrays(fit_digits: Callable[..., selmix.Result], digits: Digits, finished: selmix.Result) -> None:
    tensors = {
        split: (torch.from_numpy(X).requires_grad_(), torch.from_numpy(y)) for split, (X, y) in vars(digits).items() if split != "head"
    }
    layer = torch.nn.Linear(64, 10)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(digits.head[0]))
        layer.bias.copy_(torch.from_numpy(digits.head[1]))
    assert fit_digits(**tensors, head=layer).report["headDigest"] == finished.report["headDigest"]


def test_bfloat16_stays_bfloat16(fit_digits: Callable[..., selmix.Result], digits: Digits) -> None:
    X, y = digits.train
    rounded = torch.from_numpy(X).bfloat16()
    result = fit_digits(train=(rounded, y), rounds=1)
    assert result.report["headDigest"] == fit_digits(train=(rounded.float(), y), rounds=1).report["headDigest"]
    header = (result.directory / "inputs" / "data.safetensors").read_bytes()[8:2000]
    assert b'"train.features": {"dtype": "BF16"' in header
    rounded[0, 0] = float("nan")
    with pytest.raises(selmix.SelMixError, match="not finite"):
        fit_digits(train=(rounded, y))


def test_the_layer_computes_as_reported(finished: selmix.Result, digits: Digits) -> None:
    X, y = digits.test
    predicted = finished.linear()(torch.from_numpy(X)).argmax(1).numpy()
    assert recalls(y, predicted) == pytest.approx(finished.metrics["after"]["test"]["perClassRecall"])


def test_from_a_network_and_back(digits: Digits) -> None:
    """Features are those that enter the head, without dropout; the network with the tuned head is as good as reported."""
    model = network().train()
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        for X, y in batches(digits.train):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(X), y).backward()
            optimiser.step()
    X, y = selmix.extract(model, batches(digits.train))
    assert X.shape == (len(digits.train[1]), 32) and np.array_equal(y, digits.train[1])
    assert model.training and not model[3]._forward_pre_hooks
    data: dict[str, Any] = {split: selmix.extract(model, batches(getattr(digits, split)), head="3") for split in ("validation", "test")}
    result = selmix.fit(X, y, **data, head=model[3], rounds=5, selmix={"keep": "last"}, workers=2)
    before = copy.deepcopy(model.state_dict())
    assert selmix.apply(result.directory, model, head="3") is model
    assert [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])] == ["3.weight", "3.bias"]
    with torch.no_grad():
        predicted = model.eval()(torch.from_numpy(digits.test[0])).argmax(1).numpy()
    assert recalls(digits.test[1], predicted) == pytest.approx(result.metrics["after"]["test"]["perClassRecall"])


def test_batches_may_be_dicts(digits: Digits) -> None:
    class Named(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = network()

        def forward(self, pixels: Any) -> Any:
            return self.layers(pixels)

    named = [{"pixels": X, "labels": y} for X, y in batches(digits.test)]
    X, y = selmix.extract(Named(), named)
    assert np.allclose(X, selmix.extract(network(), batches(digits.test))[0]) and np.array_equal(y, digits.test[1])


def test_errors_say_what_does_not_fit(finished: selmix.Result) -> None:
    linear = torch.nn.Linear
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: selmix.apply(finished, torch.nn.ReLU()), "has no torch.nn.Linear"),
        (lambda: selmix.apply(finished, network()), r"is \(10, 32\), and the tuned head \(10, 64\)"),
        (lambda: selmix.apply(finished, network(), head="1"), "`1` is no torch.nn.Linear"),
        (lambda: selmix.apply(finished, linear(64, 10, bias=False)), "has no bias"),
        (lambda: selmix.extract(network(), []), "there is no batch"),
        (lambda: selmix.extract(network(), [torch.zeros(3, 64)]), "without labels"),
        (lambda: selmix.extract(network(), [(torch.zeros(2, 3, 64), torch.zeros(2))]), "one vector a sample"),
    ]
    for call, message in cases:
        with pytest.raises(selmix.SelMixError, match=message):
            call()

"""What the callbacks of training frameworks share: from a trained network and its loaders to the tuned network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .fitting import fit
from .heads import apply, extract, find_head
from .result import Result

if TYPE_CHECKING:
    import torch


def tune(
    model: torch.nn.Module,
    train: Iterable[Any],
    validation: Iterable[Any],
    *,
    head: str | None = None,
    objective: str | Mapping[str, Any] = "min-recall",
    **settings: Any,
) -> Result:
    """Tunes the last layer of a network in place, on the features of its own data loaders.

    Args:
        model: the network; its head is replaced by the tuned one.
        train: batches of training samples, as `extract` takes them. Augmentation is used as it comes.
        validation: batches of validation samples. They choose the best round: figures on them are optimistic.
        head: name of the last layer; None to find it.
        objective: as in `fit`, as are the settings.

    Raises:
        SelMixError: as `extract`, `fit` and `apply` do.
    """
    name, layer = find_head(model, head)
    features, labels = extract(model, train, head=name)
    held_out = extract(model, validation, head=name)
    result = fit(features, labels, validation=held_out, head=layer, objective=objective, **settings)
    apply(result, model, head=name)
    return result

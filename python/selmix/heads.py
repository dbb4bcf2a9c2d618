"""The last linear layer of a network: finding it, the features that enter it, and putting a tuned one back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from .arrays import ArrayLike, floats
from .errors import SelMixError
from .result import Result, load
from .tensors import Tensor

if TYPE_CHECKING:
    import torch

#: A head as `fit` takes it: (weight [K, d], bias [K] or None), a torch.nn.Linear, or a Result to go on from.
Head: TypeAlias = "tuple[ArrayLike, ArrayLike | None] | torch.nn.Linear | Result"

_Model = TypeVar("_Model", bound=Any)


def head_tensors(head: Any, dimension: int, classes: Sequence[str] | None) -> dict[str, Tensor]:
    """`weight` [K, d] and, where there is one, `bias` [K] of a head in any of its forms.

    Raises:
        SelMixError: it is no head, or not one for features of this dimension and these classes.
    """
    if isinstance(head, Result) or hasattr(head, "weight"):
        weight, bias = head.weight, head.bias
    elif isinstance(head, Sequence) and len(head) == 2:
        weight, bias = head
    else:
        raise SelMixError(
            f"the head is a {type(head).__name__}", "give (weight, bias), a torch.nn.Linear, or the Result of another run"
        )
    tensors = {"weight": floats(weight, "the head's weight", 2)}
    if bias is not None:
        tensors["bias"] = floats(bias, "the head's bias", 1)
    rows, columns = tensors["weight"].shape
    if columns != dimension:
        swapped = "; it looks transposed, as scikit-learn and Keras differ in this" if rows == dimension else ""
        raise SelMixError(
            f"the head's weight has shape {(rows, columns)}, and features have {dimension} numbers{swapped}",
            "weight is [classes, features], as torch.nn.Linear stores it",
        )
    if bias is not None and tensors["bias"].shape != (rows,):
        raise SelMixError(
            f"the head's bias has shape {tensors['bias'].shape}, and its weight {rows} rows", "bias has one number a class"
        )
    if classes is not None and len(classes) != rows:
        raise SelMixError(f"there are {len(classes)} names of classes, and the head has {rows} rows", "name every row, in order")
    return tensors


def find_head(model: torch.nn.Module, name: str | None = None) -> tuple[str, torch.nn.Linear]:
    """The name and the layer that is the head of a network.

    Args:
        name: where it is, such as "fc" or "classifier.2"; None for the last torch.nn.Linear in the order of definition.

    Raises:
        SelMixError: there is no such layer, or it is not linear.
    """
    import torch

    layers = {path: module for path, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    if not layers:
        raise SelMixError(f"{type(model).__name__} has no torch.nn.Linear", "selmix tunes a last layer that is linear")
    if name is None:
        name = list(layers)[-1]
    if name not in layers:
        raise SelMixError(f"`{name}` is no torch.nn.Linear of {type(model).__name__}", f"the last ones are {', '.join(list(layers)[-3:])}")
    return name, layers[name]


def extract(
    model: torch.nn.Module, batches: Iterable[Any], *, head: str | None = None, device: Any = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Features and labels of a data set, as `fit` takes them: what enters the head, and what the batches say.

    The model is run in evaluation mode without gradients, and left in the mode it was in.

    Args:
        model: a network that ends in a linear layer.
        batches: a DataLoader of (inputs, labels), or of dicts with "labels" or "label" whose other entries are the
            model's arguments by name (as those of Hugging Face).
        head: name of the last layer; None to find it.
        device: where to compute; None for where the head is.

    Returns:
        [N, d] and [N], in the order of the batches.

    Raises:
        SelMixError: batches of another form, no sample, or a head that is not entered once a batch by a vector a sample.
    """
    import torch

    name, layer = find_head(model, head)
    device = layer.weight.device if device is None else device
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0].detach()))
    training = model.training
    features: list[npt.NDArray[np.float32]] = []
    labels: list[npt.NDArray[np.int64]] = []
    try:
        model.eval()
        with torch.no_grad():
            for batch in batches:
                arguments, named, target = _parts(batch)
                seen.clear()
                model(*(_moved(each, device) for each in arguments), **{key: _moved(value, device) for key, value in named.items()})
                if len(seen) != 1 or seen[0].shape[:-1] != (len(target),):
                    shapes = ", ".join(str(tuple(each.shape)) for each in seen) or "nothing"
                    raise SelMixError(
                        f"the layer `{name}` got {shapes} for {len(target)} samples",
                        "the head must see one vector a sample, once a batch; name another layer with head=",
                    )
                features.append(seen[0].float().cpu().numpy())
                labels.append(np.asarray(target.cpu() if isinstance(target, torch.Tensor) else target).astype(np.int64))
    finally:
        hook.remove()
        model.train(training)
    if not features:
        raise SelMixError("there is no batch to take features of", "give a data loader that is not empty")
    return np.concatenate(features), np.concatenate(labels)


def _parts(batch: Any) -> tuple[Sequence[Any], dict[str, Any], Any]:
    """Positional and named arguments of the model, and the labels."""
    if hasattr(batch, "items"):
        named = dict(batch.items())
        for key in ("labels", "label"):
            if key in named:
                target = named.pop(key)
                return (), named, target
    elif isinstance(batch, (tuple, list)) and len(batch) == 2:
        return (batch[0],), {}, batch[1]
    raise SelMixError(f"a batch is a {type(batch).__name__} without labels", "give (inputs, labels), or a dict with `labels`")


def _moved(value: Any, device: Any) -> Any:
    return value.to(device) if hasattr(value, "to") else value


def apply(run: Result | str | os.PathLike[str], model: _Model, *, head: str | None = None) -> _Model:
    """Puts a tuned head into a network, in place.

    Args:
        run: a Result, or the output directory of a run that is over.
        model: the network that the features came from (or the layer itself).
        head: name of its last layer; None to find it.

    Returns:
        The model.

    Raises:
        SelMixError: the layer has another shape, or no bias where the tuned head has one. The model is then as it was.
    """
    import torch

    result = run if isinstance(run, Result) else load(run)
    name, layer = find_head(model, head)
    if tuple(layer.weight.shape) != result.weight.shape:
        raise SelMixError(
            f"the layer `{name}` is {tuple(layer.weight.shape)}, and the tuned head {result.weight.shape}",
            "give the network that the features came from, or name its layer with head=",
        )
    if layer.bias is None and bool(result.bias.any()):
        raise SelMixError(f"the layer `{name}` has no bias, and the tuned head has one", "give the layer a bias first")
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(result.weight))
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(result.bias))
    return model

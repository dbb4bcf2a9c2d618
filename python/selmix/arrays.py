"""From the arrays that people have (numpy, torch, lists) to what the program reads."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import SelMixError
from .tensors import Tensor

#: Anything that numpy can turn into an array, and tensors of torch on any device.
ArrayLike = Any
#: Names of classes in the order of their numbers.
Names = Sequence[str]


def is_torch(value: object) -> bool:
    """Whether this is a tensor of torch. Asked without importing torch, which takes seconds."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def floats(value: ArrayLike, name: str, dimensions: int) -> Tensor:
    """A tensor of float32, or of float16 or bfloat16 where that is what the value has.

    Whole numbers and float64 become float32.

    Raises:
        SelMixError: another number of dimensions, no numbers, or a number that is not finite.
    """
    kind = "F32"
    if is_torch(value):
        value = value.detach().cpu().contiguous()
        torch = sys.modules["torch"]
        if value.dtype == torch.bfloat16:
            if not bool(torch.isfinite(value).all()):
                raise _not_finite(name)
            kind, array = "BF16", value.view(torch.int16).numpy().view("<u2")
        else:
            array = value.numpy()
    else:
        array = np.asarray(value)
    if array.ndim != dimensions:
        wanted = {1: "a vector", 2: "a matrix"}[dimensions]
        raise SelMixError(f"{name} has shape {array.shape}; it must be {wanted}", _shape_hint(array.ndim, dimensions))
    if kind == "BF16":
        return Tensor(kind, array)
    if array.dtype.kind not in "fiub":
        raise SelMixError(f"{name} has elements of type {array.dtype}", "give numbers")
    if array.dtype == np.float16:
        kind = "F16"
    else:
        # Beyond float32 a number becomes infinite, and is reported as such.
        with np.errstate(over="ignore"):
            array = array.astype(np.float32, copy=False)
    if not bool(np.isfinite(array).all()):
        raise _not_finite(name)
    return Tensor(kind, array)


def _shape_hint(have: int, want: int) -> str | None:
    if want == 2 and have > 2:
        return "features are what enters the last linear layer, a vector a sample; selmix.extract gets them from a network"
    return "reshape it with .reshape(-1, 1) if it is one number a sample" if want == 2 and have == 1 else None


def _not_finite(name: str) -> SelMixError:
    return SelMixError(f"{name} has a number that is not finite in float32", "look for NaN and infinity, and for features far off scale")


def labels(value: ArrayLike, name: str, samples: int, classes: Names | None) -> npt.NDArray[np.int64]:
    """Class numbers [N] from class numbers or, where `classes` has them, from class names.

    Raises:
        SelMixError: the wrong shape or number, an unknown name, or something that is neither.
    """
    array = np.asarray(value.detach().cpu().numpy() if is_torch(value) else value)
    if array.ndim != 1 or len(array) != samples:
        raise SelMixError(f"{name} has shape {array.shape}, and there are {samples} samples", "give one label a sample")
    if array.dtype.kind in "OSU":
        return _numbers(array, name, classes)
    if array.dtype.kind not in "iub" and not (array.dtype.kind == "f" and bool((array == np.floor(array)).all())):
        raise SelMixError(f"{name} has elements of type {array.dtype}", "labels are whole numbers from 0, or names of `classes`")
    return array.astype(np.int64)


def _numbers(array: npt.NDArray[Any], name: str, classes: Names | None) -> npt.NDArray[np.int64]:
    if classes is None:
        raise SelMixError(f"{name} has names, and their order is not known", "name all classes in the order of the head's rows: classes=[...]")
    number = {each: index for index, each in enumerate(classes)}
    try:
        return np.array([number[str(each)] for each in array], np.int64)
    except KeyError as error:
        raise SelMixError(f"{name} has {error.args[0]!r}, which is not among the {len(classes)} classes", "give the names as `classes` has them") from error

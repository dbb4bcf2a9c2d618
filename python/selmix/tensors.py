"""Reads and writes .safetensors files, as far as the program needs them.

The format is a length, a JSON table of contents and raw little-endian bytes, so this is shorter than a dependency on it.
"""

from __future__ import annotations

import json
import os
import pathlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import SelMixError

_TYPES: dict[str, np.dtype[np.generic]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    # numpy has no bfloat16; its bits are kept as they are.
    "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
}


@dataclass(frozen=True)
class Tensor:
    """An array with the name that .safetensors has for its element type."""

    type: str
    array: npt.NDArray[np.generic]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape


def write_tensors(path: pathlib.Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes the tensors to a .safetensors file, aside first and then renamed, so that no half a file is ever there."""
    contents: dict[str, object] = {}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.array.nbytes
        contents[name] = {"dtype": tensor.type, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    header = json.dumps(contents).encode()
    # Tensors then begin at a multiple of eight bytes and can be mapped.
    header += b" " * (-len(header) % 8)
    aside = path.with_name(f".{path.name}.partial")
    with aside.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for tensor in tensors.values():
            # Straight from the array's memory: features may fill much of the machine's.
            np.ascontiguousarray(tensor.array, _TYPES[tensor.type]).tofile(file)
    os.replace(aside, path)


def read_tensors(path: pathlib.Path) -> dict[str, npt.NDArray[np.generic]]:
    """The tensors of a .safetensors file by name.

    Raises:
        SelMixError: the file is missing or damaged, or holds an element type that numpy does not know.
    """
    try:
        data = path.read_bytes()
        (size,) = struct.unpack_from("<Q", data)
        contents = json.loads(data[8 : 8 + size])
        contents.pop("__metadata__", None)
        tensors: dict[str, npt.NDArray[np.generic]] = {}
        for name, entry in contents.items():
            begin, end = entry["data_offsets"]
            kind = _TYPES[entry["dtype"]]
            tensors[name] = np.frombuffer(data[8 + size + begin : 8 + size + end], kind).reshape(entry["shape"]).copy()
        return tensors
    except OSError as error:
        raise SelMixError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise SelMixError(f"{path} is no .safetensors file that selmix wrote", "bring the file back, or run again") from error

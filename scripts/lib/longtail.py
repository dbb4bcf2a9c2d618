"""What the scripts that make the bundled long-tailed data sets share: class sizes, tensor files, the head's scores."""

import json
import struct

import numpy as np

TYPES = {np.dtype("<f2"): "F16", np.dtype("<f4"): "F32", np.dtype("<i8"): "I64", np.dtype("u1"): "U8"}


def class_sizes(classes, largest, imbalance, smallest=2):
    """n_k = n_0 * imbalance^(-k/(K-1)), rounded, at least `smallest`."""
    return [max(smallest, round(largest * imbalance ** (-k / (classes - 1)))) for k in range(classes)]


def write_safetensors(path, tensors):
    """8-byte little-endian header length, JSON header padded with spaces to a multiple of 8, data."""
    header, chunks, offset = {}, [], 0
    # Wider types first, so that every tensor is aligned to its own element.
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": TYPES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def recalls(weight, bias, features, labels):
    predicted = np.argmax(features @ weight.T + bias, axis=1)
    return np.array([np.mean(predicted[labels == k] == k) for k in range(len(weight))])


def print_scores(name, weight, bias, features, labels):
    """Sizes of classes and what the head reaches on one split, for the README beside the files."""
    r = recalls(weight, bias, features, labels)
    h = len(r) / np.sum(1 / r) if r.min() > 0 else 0.0
    g = np.exp(np.mean(np.log(r))) if r.min() > 0 else 0.0
    print(f"{name}: {len(labels)} samples, per class {np.bincount(labels, minlength=len(r)).tolist()}")
    print(f"  mean recall {r.mean():.3f}  min {r.min():.3f}  g-mean {g:.3f}  h-mean {h:.3f}")
    print("  recall " + " ".join(f"{value:.2f}" for value in r))

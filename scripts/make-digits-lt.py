#!/usr/bin/env python3
"""Makes the small real data set of the quickstart, cluster/digits-lt.

The 1797 8x8 images of scikit-learn's digits (UCI, CC BY 4.0) are split into a long-tailed training set and
a validation and a test set that share the rest. A 64-64-64-10 ReLU network is trained on the long-tailed set
with plain cross-entropy. The activations of its last hidden layer are the features, its last layer is the head.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scikit-learn
    /tmp/venv/bin/python scripts/make-digits-lt.py            # writes cluster/digits-lt/*.safetensors
    /tmp/venv/bin/python scripts/make-digits-lt.py --semi     # writes cluster/digits-semi/*.safetensors

With --semi, a tenth of the training samples (at least 2 a class) keep their labels; the others become
`unlabeled.features`, and the network never sees their labels.

The same seeds give the same split everywhere. The features and the head can differ in their last bits on a
machine whose linear algebra library adds in another order.
"""

import argparse
import pathlib
import sys

import numpy as np
from sklearn.datasets import load_digits

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from longtail import class_sizes, print_scores, write_safetensors

CLASSES = 10


def split(labels, sizes, seed):
    """Indices of training, validation and test; within each class the rest is halved."""
    random = np.random.default_rng(seed)
    train, validation, test = [], [], []
    for k in range(CLASSES):
        members = random.permutation(np.flatnonzero(labels == k))
        rest = members[sizes[k]:]
        train.append(members[:sizes[k]])
        validation.append(rest[0::2])
        test.append(rest[1::2])
    return [np.sort(np.concatenate(part)) for part in (train, validation, test)]


def keep_labels(train, labels, fraction):
    """Splits training indices into labelled ones, at least 2 a class, and unlabelled ones."""
    kept = [np.flatnonzero(labels[train] == k) for k in range(CLASSES)]
    kept = np.concatenate([members[:max(2, round(fraction * len(members)))] for members in kept])
    return np.sort(train[kept]), np.sort(np.delete(train, kept))


def forward(parameters, x):
    """Activations of every layer; the last entry holds the logits."""
    activations = [x]
    for i, (weight, bias) in enumerate(parameters):
        x = x @ weight.T + bias
        if i + 1 < len(parameters):
            x = np.maximum(x, 0)
        activations.append(x)
    return activations


def train_network(x, y, arguments):
    """SGD with momentum, cosine schedule and weight decay on plain cross-entropy. float64."""
    random = np.random.default_rng(arguments.network_seed)
    widths = [x.shape[1], arguments.width, arguments.width, CLASSES]
    parameters = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        weight = random.normal(0, np.sqrt(2 / fan_in), (fan_out, fan_in))
        parameters.append([weight, np.zeros(fan_out)])
    velocity = [[np.zeros_like(p) for p in layer] for layer in parameters]

    batches = -(-len(x) // arguments.batch)
    total, step = arguments.epochs * batches, 0
    for _ in range(arguments.epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x), arguments.batch):
            chosen = order[start:start + arguments.batch]
            activations = forward(parameters, x[chosen])
            logits = activations[-1] - activations[-1].max(axis=1, keepdims=True)
            delta = np.exp(logits)
            delta /= delta.sum(axis=1, keepdims=True)
            delta[np.arange(len(chosen)), y[chosen]] -= 1
            delta /= len(chosen)
            rate = arguments.learning_rate / 2 * (1 + np.cos(np.pi * step / total))
            step += 1
            for i in reversed(range(len(parameters))):
                weight, bias = parameters[i]
                gradients = [delta.T @ activations[i] + arguments.weight_decay * weight, delta.sum(axis=0)]
                delta = (delta @ weight) * (activations[i] > 0)
                for j in range(2):
                    velocity[i][j] = arguments.momentum * velocity[i][j] + gradients[j]
                    parameters[i][j] = parameters[i][j] - rate * velocity[i][j]
    return parameters


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--semi", action="store_true", help="keep the labels of a tenth of the training samples")
    parser.add_argument("--output", type=pathlib.Path, help="default: cluster/digits-lt or cluster/digits-semi")
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--network-seed", type=int, default=0)
    parser.add_argument("--largest", type=int, help="training samples of class 0; default 78, with --semi 100")
    parser.add_argument("--imbalance", type=float, help="default 50, with --semi 10")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    arguments = parser.parse_args()
    arguments.output = arguments.output or root / "cluster" / ("digits-semi" if arguments.semi else "digits-lt")
    arguments.largest = arguments.largest or (100 if arguments.semi else 78)
    arguments.imbalance = arguments.imbalance or (10 if arguments.semi else 50)

    digits = load_digits()
    images, labels = digits.data / 16, digits.target
    sizes = class_sizes(CLASSES, arguments.largest, arguments.imbalance)
    parts = dict(zip(("train", "validation", "test"), split(labels, sizes, arguments.split_seed)))

    unlabeled = None
    if arguments.semi:
        parts["train"], unlabeled = keep_labels(parts["train"], labels, 0.1)

    parameters = train_network(images[parts["train"]], labels[parts["train"]], arguments)
    weight, bias = (p.astype("<f4") for p in parameters[-1])

    tensors = {}
    for name, indices in parts.items():
        tensors[f"{name}.features"] = forward(parameters, images[indices])[-2].astype("<f4")
        tensors[f"{name}.labels"] = labels[indices].astype("<i8")
    if unlabeled is not None:
        tensors["unlabeled.features"] = forward(parameters, images[unlabeled])[-2].astype("<f4")
        print(f"unlabeled: {len(unlabeled)} samples")
    arguments.output.mkdir(parents=True, exist_ok=True)
    write_safetensors(arguments.output / "digits.safetensors", tensors)
    write_safetensors(arguments.output / "head.safetensors", {"weight": weight, "bias": bias})

    for name in parts:
        print_scores(name, weight, bias, tensors[f"{name}.features"], tensors[f"{name}.labels"])


if __name__ == "__main__":
    main()

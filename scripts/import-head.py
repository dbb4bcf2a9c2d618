#!/usr/bin/env python3
"""Puts a head that selmix tuned back into the checkpoint that its features came from.

    scripts/import-head.py --checkpoint resnet50.pth --head imagenet-lt/run/head.safetensors --output tuned.pth

The classifier is found by its shape, or named with --layer. Everything else in the checkpoint stays as it is.
"""

import argparse
import os
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from checkpoint import holder, read_checkpoint


def fail(message, hint):
    sys.exit(f"error: {message}\nhint: {hint}")


def find_weight(state, shape, layer):
    """The name of the classifier's weight."""
    if layer is not None:
        names = [name for name in (f"{layer}.weight", f"module.{layer}.weight") if name in state]
    else:
        names = [name for name, tensor in state.items() if name.endswith(".weight") and tensor.shape == shape]
    if len(names) == 1 and state[names[0]].shape == shape:
        return names[0]
    if layer is not None:
        found = f"of shape {tuple(state[names[0]].shape)}" if names else "not in the checkpoint"
        fail(f"the layer {layer} is {found}, and the head is {tuple(shape)}", "give the checkpoint of the export")
    fail(f"{len(names)} weights of the checkpoint have the head's shape {tuple(shape)}: {', '.join(names) or 'none'}",
         "name the classifier with --layer, or give the checkpoint of the export")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--head", type=pathlib.Path, required=True, help="a .safetensors file of weight and bias")
    parser.add_argument("--layer", help="the classifier's name; default: found by its shape")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the checkpoint to write")
    arguments = parser.parse_args()

    if arguments.output.exists():
        fail(f"{arguments.output} is there already", "choose another --output")
    if not arguments.head.is_file():
        fail(f"there is no head {arguments.head}", "a run leaves it in its output directory")
    head = load_file(arguments.head)
    if set(head) != {"weight", "bias"}:
        fail(f"{arguments.head} holds {', '.join(head)}", "a head has weight and bias")
    checkpoint = read_checkpoint(arguments.checkpoint)
    state = holder(checkpoint)
    weight = find_weight(state, head["weight"].shape, arguments.layer)
    bias = weight.removesuffix("weight") + "bias"
    if bias not in state and head["bias"].any():
        fail(f"the checkpoint has no {bias}, and the tuned head has a bias", "give the classifier of the model a bias")
    for name, tensor in ((weight, head["weight"]), (bias, head["bias"])):
        if name in state:
            state[name] = tensor.to(state[name].dtype)

    aside = arguments.output.with_name(f".{arguments.output.name}.partial")
    try:
        if arguments.output.suffix == ".safetensors":
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, aside)
        else:
            torch.save(checkpoint, aside)
        os.replace(aside, arguments.output)
    finally:
        aside.unlink(missing_ok=True)
    print(f"{arguments.output}: {weight} {tuple(head['weight'].shape)} and its bias come from {arguments.head}")


if __name__ == "__main__":
    main()

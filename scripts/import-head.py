#!/usr/bin/env python3
"""Puts a head that selmix tuned back into the checkpoint that its features came from.

    scripts/import-head.py --checkpoint resnet50.pth --head imagenet-lt/run/head.safetensors --output tuned.pth

The classifier is the one that export-features.py wrote to export.json, where that lies beside the run; else it is found by its
shape, or named with --layer. Everything else in the checkpoint stays as it is, the names of its tensors too.
"""

import argparse
import json
import os
import pathlib
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from checkpoint import State, fail, holds_unknown, read_checkpoint


def exported_layer(head):
    """The layer that the features of this head's run entered; None where that is not known."""
    for folder in (head.resolve().parent, *head.resolve().parents[1:3]):
        try:
            return json.loads((folder / "export.json").read_text())["layer"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def choose_layer(arguments):
    """The layer by name, if it is named anywhere."""
    exported = exported_layer(arguments.head)
    if arguments.layer and exported and arguments.layer != exported:
        print(f"warning: the features of {arguments.head} were exported for the layer {exported}, and --layer is "
              f"{arguments.layer}: another layer than the one that was tuned", file=sys.stderr)
    return arguments.layer or exported


def find_weight(state, shape, layer):
    """The name of the classifier's weight."""
    names = [name for name, tensor in state.tensors().items() if name.endswith(".weight") or name == "weight"]
    if layer is not None:
        names = [name for name in names if name == f"{layer}.weight" or name.endswith(f".{layer}.weight")]
        if not names:
            fail(f"the layer {layer} is not in the checkpoint", "give the checkpoint of the export, or another --layer")
    fitting = [name for name in names if state[name].shape == shape]
    if len(fitting) == 1:
        return fitting[0]
    if layer is not None and not fitting:
        fail(f"the layer {layer} is of shape {tuple(state[names[0]].shape)}, and the head is {tuple(shape)}",
             "give the checkpoint of the export")
    fail(f"{len(fitting)} weights of the checkpoint have the head's shape {tuple(shape)}: {', '.join(fitting) or 'none'}",
         "name the classifier with --layer, or give the checkpoint of the export")


def place(state, weight, head):
    """Puts the head's tensors in their places; what there is to say about the bias."""
    bias = weight.removesuffix("weight") + "bias"
    state.set(weight, head["weight"].to(state[weight].dtype))
    tuned = head.get("bias")
    if bias in state.places:
        own = state[bias]
        state.set(bias, torch.zeros_like(own) if tuned is None else tuned.to(own.dtype))
        return "its bias is 0 now, as the head was tuned without one" if tuned is None else None
    if tuned is None or not tuned.any():
        return None
    state.add_beside(bias, tuned.to(state[weight].dtype), weight)
    return (f"the checkpoint had no {bias}, and the tuned head has a bias: it was added, so make the layer with bias=True. "
            "Leave head.bias out of the job file to tune without one")


def save(checkpoint, state, arguments, unknown):
    aside = arguments.output.with_name(f".{arguments.output.name}.partial")
    try:
        if arguments.output.suffix == ".safetensors":
            metadata = None
            if arguments.checkpoint.suffix == ".safetensors":
                with safe_open(arguments.checkpoint, "pt") as file:
                    metadata = file.metadata()
            # Tensors that share memory cannot be saved as they are.
            tensors = {own: container[own].contiguous().clone() for container, own in state.places.values()}
            save_file(tensors, aside, metadata=metadata)
        else:
            if unknown and isinstance(checkpoint, dict):
                for key in [key for key, value in checkpoint.items() if holds_unknown(value)]:
                    print(f"warning: `{key}` is left out, as it holds objects of {', '.join(unknown)}", file=sys.stderr)
                    del checkpoint[key]
            torch.save(checkpoint, aside)
        os.replace(aside, arguments.output)
    finally:
        aside.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--head", type=pathlib.Path, required=True, help="a .safetensors file of weight and bias")
    parser.add_argument("--state", help="where in the checkpoint the state dict is, such as model or state_dict_ema")
    parser.add_argument("--layer", help="the classifier's name; default: that of export.json, or found by its shape")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the checkpoint to write")
    arguments = parser.parse_args()

    if arguments.output.exists():
        fail(f"{arguments.output} is there already", "choose another --output")
    if not arguments.head.is_file():
        fail(f"there is no head {arguments.head}", "a run leaves it in its output directory")
    try:
        head = load_file(arguments.head)
    except Exception as error:
        fail(f"{arguments.head} is no .safetensors file: {error}", "a run leaves head.safetensors in its output directory")
    if "weight" not in head or set(head) - {"weight", "bias"}:
        fail(f"{arguments.head} holds {', '.join(head)}", "a head has a weight and perhaps a bias")
    checkpoint, unknown = read_checkpoint(arguments.checkpoint)
    state = State(checkpoint, arguments.state)
    weight = find_weight(state, head["weight"].shape, choose_layer(arguments))
    remark = place(state, weight, head)
    save(checkpoint, state, arguments, unknown)
    what = "comes" if "bias" not in head else "and its bias come"
    print(f"{arguments.output}: {weight} {tuple(head['weight'].shape)} {what} from {arguments.head}")
    if remark:
        print(remark)


if __name__ == "__main__":
    main()

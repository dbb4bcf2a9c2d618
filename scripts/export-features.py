#!/usr/bin/env python3
"""Turns images and a trained network into what selmix reads: features, labels, the network's own head, and a job file.

The features are what enters the network's last linear layer; that layer is the head. They are written in a stream, so
that the data set may be larger than memory. The accuracy of the whole network is printed and kept in export.json:
`selmix evaluate` on the exported files gives the same. A network whose output is not what that layer gives (a distilled one
with two heads) is refused.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch torchvision timm safetensors
    scripts/export-features.py --model resnet50 --checkpoint resnet50.pth --output imagenet-lt \\
        --root /data/imagenet --train ImageNet_LT_train.txt --validation ImageNet_LT_val.txt --test ImageNet_LT_test.txt
    scripts/export-features.py --model timm:resnext50_32x4d --checkpoint model.safetensors --output birds \\
        --train birds/train --validation birds/val

A split is a folder with one folder of images a class (classes in the order of their names, as torchvision's ImageFolder,
hidden folders and files left out), or a list file with lines `path label`, the paths relative to --root. scripts/import-head.py puts a tuned head back.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import struct
import sys
import tempfile

import numpy as np
import torch
from torchvision import models, transforms

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
from checkpoint import State, read_checkpoint
from images import DamagedImage, check_images, fail, open_split

FLOATS = {"float32": ("F32", np.dtype("<f4")), "float16": ("F16", np.dtype("<f2"))}


def find_layer(model, name):
    """The last linear layer, or the one that is named."""
    linear = [(n, m) for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    if name is None and linear:
        return linear[-1]
    for candidate, module in linear:
        if candidate == name:
            return candidate, module
    fail(f"the model has no linear layer {name or ''}".rstrip(), f"it has {', '.join(n for n, _ in linear) or 'none'}")


def make_model(arguments, state):
    """The network with the checkpoint's weights; its number of classes follows from the checkpoint."""
    library, _, name = arguments.model.rpartition(":")

    def build(classes):
        if library == "timm":
            import timm

            return timm.create_model(name, pretrained=False, num_classes=classes)
        if library not in ("", "torchvision"):
            fail(f"unknown library {library}", "write NAME for torchvision, or timm:NAME")
        return models.get_model(name, weights=None, num_classes=classes)

    try:
        small = build(2)
        layer, _ = find_layer(small, arguments.layer)
    except (ValueError, RuntimeError) as error:
        fail(f"the model {arguments.model} cannot be made: {error}", "write NAME for torchvision, or timm:NAME")
    state = state.of_network(small.state_dict())
    if f"{layer}.weight" not in state:
        fail(f"{arguments.checkpoint} has no tensor {layer}.weight", "does --model belong to this checkpoint?")
    model = build(state[f"{layer}.weight"].shape[0])
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        fail(f"{arguments.checkpoint} does not fit {arguments.model}: {str(error).splitlines()[-1].strip()}",
             "give the model that the checkpoint was saved from")
    model.eval()
    return model, *find_layer(model, layer)


def lay_out(tensors):
    """The header of a safetensors file of (name, type, shape), and where each tensor begins; wider elements first."""
    sizes = {"I64": 8, "F32": 4, "F16": 2}
    header, offsets, offset = {}, {}, 0
    for name, kind, shape in sorted(tensors, key=lambda tensor: (-sizes[tensor[1]], tensor[0])):
        end = offset + sizes[kind] * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, end]}
        offsets[name], offset = offset, end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = 8 + len(text)
    return struct.pack("<Q", len(text)) + text, {name: start + offset for name, offset in offsets.items()}, start + offset


def logits_of(output):
    """The logits in what a network returns: a tensor, or the first one in a tuple or a mapping."""
    while not isinstance(output, torch.Tensor):
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output


def compare(logits, features, layer, labels):
    """Refuses a network whose output is not what its layer makes of the features: tuning that layer would tune another
    network. One that only scales its logits decides alike, and is let through.
    """
    own = layer(features)
    if own.shape == logits.shape:
        difference = (own - logits).abs().amax(1)
        scale = 1e-3 * logits.abs().amax(1).clamp(min=1)
        if not (own.argmax(1) != logits.argmax(1))[difference > scale].any():
            return
    network = (logits.argmax(1).cpu() == labels).float().mean()
    head = (own.argmax(1).cpu() == labels).float().mean()
    fail(f"the network's output is not what this layer gives: on the first images the network's accuracy is {network:.4f}, "
         f"the layer's alone {head:.4f}",
         "it has more than one head (distilled networks), or changes their output: tuning one layer would not tune it; "
         "choose --layer, or export a network with one head")


@torch.no_grad()
def export(model, layer, loader, file, position, dtype, device, name, total):
    """Streams the features of one split to its place in the file; the network's own accuracy."""
    captured = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
    file.seek(position)
    right = done = 0
    try:
        for images, labels in loader:
            captured.clear()
            logits = logits_of(model(images.to(device)))
            if not captured:
                fail("the network does not use the layer", "choose another --layer")
            features = captured[0]
            if len(captured) != 1 or features.shape != (len(labels), layer.in_features):
                fail(f"the layer sees {len(captured)} inputs of shape {tuple(features.shape)} for {len(labels)} images",
                     "choose the --layer that classifies whole images")
            values = features.float().cpu().numpy().astype(dtype)
            if not np.isfinite(values).all():
                fail(f"the features of {name} are not finite", "check the checkpoint; float16 ends at 65504")
            compare(logits, features, layer, labels)
            file.write(values.tobytes())
            right += int((logits.argmax(1).cpu() == labels).sum())
            done += len(labels)
            if sys.stderr.isatty():
                print(f"\r\033[K{name} {done} of {total}", end="", file=sys.stderr)
    finally:
        handle.remove()
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
    return right / total


def write_tensors(path, tensors):
    header, offsets, _ = lay_out([(name, "F32", array.shape) for name, array in tensors.items()])
    with open(path, "wb") as file:
        file.write(header)
        for name, array in tensors.items():
            file.seek(offsets[name])
            file.write(np.ascontiguousarray(array, "<f4").tobytes())


def job_text(arguments, layer, splits, classes, has_bias):
    reference = "{{features: data.safetensors#{0}.features, labels: data.safetensors#{0}.labels}}"
    lines = [f"# Features of {arguments.model}, as they enter its layer {layer}: {classes} classes.",
             "# Made by scripts/export-features.py; settings that are left out have their defaults.", "data:"]
    lines += [f"  {name}: {reference.format(name)}" for name in splits]
    bias = ", bias: head.safetensors#bias" if has_bias else ""
    lines += [f"head: {{weight: head.safetensors#weight{bias}}}",
              f"objective: {arguments.objective}", "output: run"]
    return "\n".join(lines) + "\n"


def main():
    # A data loader ends its processes with this signal, and waits for ever where whoever started us has blocked it.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a torchvision model, or timm:NAME")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True, help=".pth or .safetensors with its weights")
    parser.add_argument("--state", help="where in the checkpoint the state dict is, such as model or state_dict_ema")
    parser.add_argument("--layer", help="the classifier; default: the last linear layer")
    parser.add_argument("--train", type=pathlib.Path, required=True, help="folder of class folders, or list file")
    parser.add_argument("--validation", type=pathlib.Path, required=True)
    parser.add_argument("--test", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("."), help="where list files' paths begin")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the folder to make")
    parser.add_argument("--type", choices=list(FLOATS), default="float32")
    parser.add_argument("--objective", default="min-recall")
    parser.add_argument("--resize", type=int, default=256, help="the shorter side, before the centre is cut out; 0: as it is")
    parser.add_argument("--crop", type=int, default=224, help="0: the whole image")
    parser.add_argument("--mean", type=float, nargs=3, default=[0.485, 0.456, 0.406])
    parser.add_argument("--std", type=float, nargs=3, default=[0.229, 0.224, 0.225])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--readers", type=int, default=min(4, os.cpu_count() or 1), help="processes that read images")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()

    if arguments.output.exists() and (not arguments.output.is_dir() or any(arguments.output.iterdir())):
        fail(f"{arguments.output} is there already", "choose another --output, or move it away")
    state = State(read_checkpoint(arguments.checkpoint)[0], arguments.state)
    model, layer_name, layer = make_model(arguments, state)
    model.to(arguments.device)

    steps = [transforms.Resize(arguments.resize)] if arguments.resize else []
    steps += [transforms.CenterCrop(arguments.crop)] if arguments.crop else []
    transform = transforms.Compose(
        steps + [transforms.ToTensor(), transforms.Normalize(arguments.mean, arguments.std)])
    kind, dtype = FLOATS[arguments.type]
    splits, tensors, folders = {}, [], None
    for name in ("train", "validation", "test"):
        source = getattr(arguments, name)
        if source is None:
            continue
        data, labels, folders = open_split(source, arguments.root, transform, folders)
        check_images([image for image, _ in data.samples])
        if max(labels) >= layer.out_features:
            fail(f"{source} has the label {max(labels)}, and the network {layer.out_features} classes",
                 "labels count from 0")
        splits[name] = (data, np.array(labels, "<i8"))
        tensors += [(f"{name}.labels", "I64", (len(labels),)),
                    (f"{name}.features", kind, (len(labels), layer.in_features))]

    header, offsets, size = lay_out(tensors)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(arguments.output.parent).free < size:
        fail(f"there is no room for {size / 1e9:.1f} GB in {arguments.output.parent}", "choose another --output")
    # Aside, and named in the end, so that what is there is whole.
    aside = pathlib.Path(tempfile.mkdtemp(prefix=".export-", dir=arguments.output.parent))
    try:
        accuracy = {}
        with open(aside / "data.safetensors", "wb") as file:
            file.write(header)
            for name, (data, labels) in splits.items():
                file.seek(offsets[f"{name}.labels"])
                file.write(labels.tobytes())
                loader = torch.utils.data.DataLoader(data, arguments.batch, num_workers=arguments.readers)
                accuracy[name] = export(model, layer, loader, file, offsets[f"{name}.features"], dtype,
                                        arguments.device, name, len(labels))
        weight = layer.weight.detach().float().cpu().numpy()
        head = {"weight": weight}
        if layer.bias is not None:
            head["bias"] = layer.bias.detach().float().cpu().numpy()
        write_tensors(aside / "head.safetensors", head)
        (aside / "job.yaml").write_text(job_text(arguments, layer_name, splits, layer.out_features, "bias" in head))
        facts = {"model": arguments.model, "layer": layer_name, "classes": layer.out_features,
                 "dimension": layer.in_features, "accuracy": accuracy, "folders": folders}
        (aside / "export.json").write_text(json.dumps(facts, indent=2) + "\n")
        aside.chmod(0o755)
        os.replace(aside, arguments.output)
    except DamagedImage as error:
        shutil.rmtree(aside, ignore_errors=True)
        fail(str(error), "replace it, or take it out of the folder or the list")
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if layer.bias is None:
        print(f"the layer {layer_name} has no bias: none is trained")
    for name, (data, labels) in splits.items():
        print(f"{name}: {len(labels)} samples, accuracy of the network {accuracy[name]:.4f}")
    print(f"next: selmix data describe {arguments.output}/job.yaml")


if __name__ == "__main__":
    main()

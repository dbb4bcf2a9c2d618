"""PyTorch checkpoints as people save them: a state dict, or a dictionary that holds one; .pth or .safetensors."""

import sys

import torch


def read_checkpoint(path):
    if not path.is_file():
        sys.exit(f"error: there is no checkpoint {path}\nhint: give the file that holds the network's weights")
    try:
        if path.suffix == ".safetensors":
            import safetensors.torch

            return safetensors.torch.load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        sys.exit(f"error: the checkpoint {path} cannot be read: {str(error).splitlines()[0]}\n"
                 "hint: save the state dict alone, torch.save(model.state_dict(), path)")


def holder(checkpoint):
    """The dictionary within a checkpoint that maps names to tensors, by reference."""
    entries = checkpoint if isinstance(checkpoint, dict) else {}
    if entries and all(isinstance(value, torch.Tensor) for value in entries.values()):
        return entries
    for key in ("state_dict", "model_state_dict", "model", "net", "state_dict_ema"):
        if isinstance(entries.get(key), dict):
            return holder(entries[key])
    sys.exit("error: the checkpoint holds no state dict\n"
             "hint: it should be one, or have one under `state_dict` or `model`")


def find_state(checkpoint):
    """The state dict, without the `module.` that DataParallel puts before every name."""
    return {name.removeprefix("module."): tensor for name, tensor in holder(checkpoint).items()}

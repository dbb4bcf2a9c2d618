"""PyTorch checkpoints as people save them: .pth or .safetensors, a state dict or a dictionary that holds one somewhere.

Known are the habits of torch.save scripts (`state_dict`, `model`), DataParallel (`module.`), torch.compile (`_orig_mod.`),
Lightning (`model.`), timm (an argparse.Namespace beside the weights), long-tailed learning (`feat_model` and `classifier`) and
semi-supervised learning (`eval_model`, `ema_model`). No code of a checkpoint is run: classes that it names are either known to
be harmless, or stood in for by an empty one.
"""

import argparse
import collections
import pathlib
import re
import sys

import numpy as np
import torch

STATES = ["state_dict", "model_state_dict", "state_dict_best", "model", "net", "network", "eval_model", "ema_model",
          "ema_state_dict", "model_ema", "state_dict_ema", "ema", "module", "weights"]
# The two parts of one network, saved apart.
PARTS = [("feat_model", "classifier"), ("state_dict_model", "state_dict_classifier"), ("backbone", "classifier"),
         ("backbone", "head"), ("encoder", "classifier"), ("model", "classifier")]
WRAPPERS = re.compile(r"^(?:module\.|_orig_mod\.)+")
TRIES = 100


class Unknown:
    """Stands for an object of a class that is not read; it keeps nothing and does nothing."""

    def __init__(self, *arguments, **options):
        pass

    def __setstate__(self, state):
        pass


def fail(message, hint):
    sys.exit(f"error: {message}\nhint: {hint}")


def known_classes():
    """What tools put beside the weights, and what cannot do harm: plain values of the standard library and of NumPy."""
    scalar = np._core.multiarray.scalar if hasattr(np, "_core") else np.core.multiarray.scalar
    reconstruct = np._core.multiarray._reconstruct if hasattr(np, "_core") else np.core.multiarray._reconstruct
    known = [argparse.Namespace, collections.defaultdict, pathlib.PosixPath, np.dtype, np.ndarray]
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        known += [(scalar, f"{module}.scalar"), (reconstruct, f"{module}._reconstruct")]
    return known + [type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd"]


def read_checkpoint(path):
    """What a file holds, and the names of the classes that `Unknown` stands for in it."""
    if not path.is_file():
        fail(f"there is no checkpoint {path}", "give the file that holds the network's weights")
    unknown = []
    try:
        if path.suffix == ".safetensors":
            import safetensors.torch

            return safetensors.torch.load_file(path), unknown
        for _ in range(TRIES):
            try:
                with torch.serialization.safe_globals(known_classes() + [(Unknown, name) for name in unknown]):
                    return torch.load(path, map_location="cpu", weights_only=True), unknown
            except Exception as error:
                name = re.search(r"GLOBAL ([\w.]+)", plain(error))
                if not name or name[1] in unknown or name[1].split(".")[0] in ("os", "posix", "sys", "subprocess", "builtins"):
                    raise
                unknown.append(name[1])
        raise ValueError(f"it holds objects of more than {TRIES} classes")
    except Exception as error:
        reason = plain(error)
        name = re.search(r"GLOBAL ([\w.]+)", reason)
        fail(f"the checkpoint {path} cannot be read: {f'it holds {name[1]}' if name else reason[:200]}",
             "save the state dict alone, torch.save(model.state_dict(), path)")


def plain(error):
    """An error's text in one line, without what colours a terminal."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())


def is_state(value):
    """Whether this is a state dict: names and tensors, perhaps with plain numbers among them."""
    return (isinstance(value, dict) and all(isinstance(name, str) for name in value)
            and any(isinstance(entry, torch.Tensor) and entry.ndim for entry in value.values())
            and not any(isinstance(entry, dict) and is_state(entry) for entry in value.values()))


class State:
    """The tensors of a network by the names that its code gives them, each with its place in the checkpoint."""

    def __init__(self, checkpoint, wanted=None):
        """`wanted` is a key within the checkpoint, `a.b`, where more than one state dict is in it."""
        self.places = {}
        self.choice, others = self._find(checkpoint, wanted)
        if others:
            print(f"the checkpoint holds {', '.join(f'`{name}`' for name in [self.choice, *others])}: "
                  f"`{self.choice}` is taken; --state NAME takes another", file=sys.stderr)

    def _find(self, checkpoint, wanted):
        entries = checkpoint
        for key in wanted.split(".") if wanted else []:
            if not isinstance(entries, dict) or key not in entries:
                known = ", ".join(map(str, entries)) if isinstance(entries, dict) else "nothing"
                fail(f"the checkpoint has no `{wanted}`", f"there it holds {known[:200]}")
            entries = entries[key]
        path, others = [wanted] if wanted else [], []
        while not is_state(entries):
            if not isinstance(entries, dict):
                break
            parts = next((pair for pair in PARTS if all(is_state(entries.get(name)) for name in pair)), None)
            if parts:
                for name in parts:
                    self._add(entries[name])
                return ".".join(path + ["+".join(parts)]), others
            found = [key for key in STATES if isinstance(entries.get(key), dict)]
            if not found:
                break
            others += [".".join(path + [key]) for key in found[1:] if is_state(entries[key])]
            path.append(found[0])
            entries = entries[found[0]]
        if not is_state(entries):
            fail("the checkpoint holds no state dict",
                 "it should be one, or have one under `state_dict` or `model`; --state NAME says where else")
        self._add(entries)
        return ".".join(path), others

    def _add(self, container):
        for name, value in container.items():
            if isinstance(value, torch.Tensor):
                self.places[WRAPPERS.sub("", name)] = (container, name)

    def __getitem__(self, name):
        container, own = self.places[name]
        return container[own]

    def set(self, name, tensor):
        container, own = self.places[name]
        container[own] = tensor

    def add_beside(self, name, tensor, neighbour):
        """A new tensor, under the wrappers and in the dictionary of another one."""
        container, own = self.places[neighbour]
        prefix = own[: len(own) - len(neighbour)] if own.endswith(neighbour) else ""
        self.places[name] = (container, prefix + name)
        container[prefix + name] = tensor

    def tensors(self):
        return {name: self[name] for name in self.places}

    def of_network(self, names):
        """The tensors that a network with these names takes: without what stands before all of them, such as `model.`, and
        without the tensors that do not stand behind it."""
        names = list(names)
        state = self.tensors()
        probes = [name for name in (names[0], names[-1]) if name]
        prefixes = {key[: len(key) - len(probe)] for probe in probes for key in state
                    if key == probe or key.endswith("." + probe)}
        prefix = max(sorted(prefixes, key=len), key=lambda start: sum(start + name in state for name in names), default="")
        return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def holds_unknown(value, depth=0):
    """Whether an object that `Unknown` stands for is in this value."""
    if isinstance(value, Unknown) or isinstance(value, type) and issubclass(value, Unknown) or depth > 20:
        return True
    children = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    if isinstance(value, argparse.Namespace):
        children = vars(value).values()
    return any(holds_unknown(child, depth + 1) for child in children)

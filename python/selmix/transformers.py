"""A callback for the Trainer of Hugging Face: tunes the last layer when training ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from .errors import SelMixError
from .result import Result
from .tuning import tune


class SelMixCallback(TrainerCallback):  # type: ignore[misc]
    """Runs selmix at the end of training, and leaves the tuned head in the model.

        trainer = Trainer(model, arguments, train_dataset=..., eval_dataset=..., callbacks=[SelMixCallback("min-recall")])
        trainer.train()

    The trainer's own loaders are read once. Batches are dicts with `labels`, as its collators make them; the head must be
    a torch.nn.Linear that sees one vector a sample, as those of ViT, Swin, ResNet and BERT do.

    Args:
        objective: as in `selmix.fit`, as are the settings. Class names are taken from the model's `id2label`.
        head: name of the last layer in the model; None to find it.

    Attributes:
        result: the run's result, once training has ended.
    """

    def __init__(self, objective: str | Mapping[str, Any] = "min-recall", *, head: str | None = None, **settings: Any) -> None:
        super().__init__()
        self.objective = objective
        self.head = head
        self.settings = settings
        self.result: Result | None = None

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if args.world_size > 1:
            raise SelMixError(
                f"SelMixCallback was called in one of {args.world_size} processes", "tune after training, with selmix.fit",
                SelMixError.USAGE,
            )
        model, train, validation = (kwargs.get(key) for key in ("model", "train_dataloader", "eval_dataloader"))
        if model is None or train is None or validation is None:
            raise SelMixError(
                "the trainer has no evaluation loader", "give it an eval_dataset and eval_strategy=\"epoch\"", SelMixError.USAGE
            )
        settings = dict(self.settings)
        names = getattr(model.config, "id2label", None)
        if names is not None and "classes" not in settings:
            settings["classes"] = [names[number] for number in sorted(names)]
        self.result = tune(model, train, validation, head=self.head, objective=self.objective, **settings)

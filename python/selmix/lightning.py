"""A callback for Lightning: tunes the last layer when training ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError:
    from pytorch_lightning import Callback, LightningModule, Trainer

from .errors import SelMixError
from .result import Result
from .tuning import tune


class SelMixCallback(Callback):  # type: ignore[misc]
    """Runs selmix at the end of training, and leaves the tuned head in the module.

        trainer = Trainer(callbacks=[SelMixCallback("min-recall", head="model.fc")])
        trainer.fit(module, train_loader, validation_loader)

    The trainer's own training and validation loaders are read once; their batches must be (inputs, labels), and
    `module(inputs)` must go through the head. Checkpoints that Lightning wrote before hold the head as it was trained.

    Args:
        objective: as in `selmix.fit`, as are the settings.
        head: name of the last layer in the module; None to find it.

    Attributes:
        result: the run's result, once training has ended.
    """

    def __init__(self, objective: str | Mapping[str, Any] = "min-recall", *, head: str | None = None, **settings: Any) -> None:
        super().__init__()
        self.objective = objective
        self.head = head
        self.settings = settings
        self.result: Result | None = None

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size > 1:
            raise SelMixError(
                f"SelMixCallback was called in one of {trainer.world_size} processes", "tune after training, with selmix.fit",
                SelMixError.USAGE,
            )
        validation = trainer.val_dataloaders
        if isinstance(validation, (list, tuple)):
            validation = validation[0] if validation else None
        if validation is None:
            raise SelMixError("the trainer has no validation loader", "give trainer.fit one", SelMixError.USAGE)
        self.result = tune(
            pl_module, trainer.train_dataloader, validation, head=self.head, objective=self.objective, **self.settings
        )

"""The callback for Lightning, in a real training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Digits, recalls

import selmix

torch: Any = pytest.importorskip("torch")
lightning: Any = pytest.importorskip("pytorch_lightning")


@pytest.mark.filterwarnings("ignore")
def test_the_module_leaves_training_tuned(digits: Digits, tmp_path: Any) -> None:
    from selmix.lightning import SelMixCallback

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Linear(64, 32)
            self.head = torch.nn.Linear(32, 10)
            self.unused = torch.nn.Linear(3, 3)

        def forward(self, X: Any) -> Any:
            return self.head(torch.relu(self.body(X)))

        def training_step(self, batch: Any, _index: int) -> Any:
            return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch: Any, _index: int) -> None:
            pass

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), 1e-2)

    torch.manual_seed(0)

    def loader(split: tuple[Any, Any], shuffle: bool = False) -> Any:
        data = torch.utils.data.TensorDataset(torch.from_numpy(split[0]), torch.from_numpy(split[1]))
        return torch.utils.data.DataLoader(data, 64, shuffle=shuffle)

    callback = SelMixCallback(head="head", rounds=5, folds=1, workers=2)
    module = Module()
    trainer = lightning.Trainer(
        max_epochs=30, accelerator="cpu", callbacks=[callback], logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )
    trainer.fit(module, loader(digits.train, shuffle=True), loader(digits.validation))
    assert callback.result is not None
    assert np.array_equal(module.head.weight.detach().numpy(), callback.result.weight)
    with torch.no_grad():
        predicted = module.eval()(torch.from_numpy(digits.validation[0])).argmax(1).numpy()
    assert recalls(digits.validation[1], predicted) == pytest.approx(callback.result.metrics["after"]["validation"]["perClassRecall"])

    missing = lightning.Trainer(
        max_epochs=1, accelerator="cpu", callbacks=[SelMixCallback(head="head")], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )
    with pytest.raises(selmix.SelMixError, match="no validation loader"):
        missing.fit(Module(), loader(digits.train))

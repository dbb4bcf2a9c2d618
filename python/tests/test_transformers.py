"""The callback for the Trainer of Hugging Face, in a real training."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Digits, recalls

import selmix

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")
pytest.importorskip("accelerate")


@pytest.mark.filterwarnings("ignore")
def test_the_model_leaves_training_tuned(digits: Digits, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from selmix.transformers import SelMixCallback

    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=8, patch_size=4,
        num_channels=1, num_labels=10, id2label={number: f"digit {number}" for number in range(10)},
    )
    model = transformers.ViTForImageClassification(config)

    def dataset(split: tuple[Any, Any]) -> list[dict[str, Any]]:
        X, y = split
        return [{"pixel_values": torch.from_numpy(x).reshape(1, 8, 8), "labels": int(label)} for x, label in zip(X, y, strict=True)]

    callback = SelMixCallback(rounds=3, workers=2)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), num_train_epochs=25, per_device_train_batch_size=32, learning_rate=5e-3, report_to=[],
        save_strategy="no", use_cpu=True, disable_tqdm=True, eval_strategy="epoch",
    )
    trainer = transformers.Trainer(
        model, arguments, train_dataset=dataset(digits.train), eval_dataset=dataset(digits.validation)[:200], callbacks=[callback]
    )
    trainer.train()
    result = callback.result
    assert result is not None and result.classes is not None and result.classes[3] == "digit 3"
    with torch.no_grad():
        pixels = torch.from_numpy(digits.validation[0][:200]).reshape(-1, 1, 8, 8)
        predicted = model.eval()(pixel_values=pixels).logits.argmax(1).numpy()
    after = result.metrics["after"]["validation"]["perClassRecall"]
    assert recalls(digits.validation[1][:200], predicted) == pytest.approx(after)

    arguments.eval_strategy = "no"
    missing = transformers.Trainer(model, arguments, train_dataset=dataset(digits.train), callbacks=[SelMixCallback()])
    missing.args.num_train_epochs = 1
    with pytest.raises(selmix.SelMixError, match="no evaluation loader"):
        missing.train()

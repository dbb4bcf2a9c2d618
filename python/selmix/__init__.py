"""Fine-tunes a pre-trained classifier for the metric that you are judged on, when that is not mean accuracy.

    result = selmix.fit(X, y, validation=(X_val, y_val), head=model.fc, objective="min-recall")
    selmix.apply(result, model)

`fit` starts the program `selmix` (its worker processes do the work), waits for it, and returns the tuned last layer with
the report. `load` reads a run that is over, `follow` one that goes on. `SelMixClassifier` is the same as an estimator of
scikit-learn; `selmix.lightning` and `selmix.transformers` have callbacks, `selmix.loggers` feeds MLflow and Weights & Biases.
Everything that goes wrong is a `SelMixError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import SelMixError
from .fitting import fit
from .heads import apply, extract
from .program import find_program
from .result import Result, load
from .runs import Round, follow
from .version import VERSION as __version__

if TYPE_CHECKING:
    from .classifier import SelMixClassifier

__all__ = [
    "Result", "Round", "SelMixClassifier", "SelMixError", "__version__", "apply", "extract", "find_program", "fit", "follow",
    "load",
]


def __getattr__(name: str) -> Any:
    """SelMixClassifier, which needs scikit-learn: imported when it is first asked for."""
    if name == "SelMixClassifier":
        from .classifier import SelMixClassifier

        return SelMixClassifier
    raise AttributeError(f"module `selmix` has no `{name}`")

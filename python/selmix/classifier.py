"""An estimator of scikit-learn: a linear classifier that is trained, and then tuned for the metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .fitting import fit


class SelMixClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on features, tuned by selmix for `objective`.

    `fit` splits off a validation part (or takes yours), trains a multinomial logistic regression on the rest, and hands
    both to `selmix.fit`. Features are standardised for that; `coef_` and `intercept_` are for features as they are.

    Parameters:
        objective: what to maximise, as `selmix.fit` takes it.
        validation_fraction: part of every class that is split off for validation, at least one sample.
        C: inverse strength of the regularisation of the logistic regression.
        max_iter: its most iterations.
        workers: worker processes of the run; None for one a core.
        settings: further settings of the run, such as {"rounds": 30}.
        random_state: of the split and the run.

    Attributes:
        classes_: [K] labels, sorted.
        coef_: [K, d] float64 (also for two classes).
        intercept_: [K] float64.
        n_iter_: iterations of the logistic regression.
        report_: the run's report as a dict; its classes are indices into `classes_`.
        n_features_in_: d.
    """

    def __init__(
        self,
        objective: str | Mapping[str, Any] = "min-recall",
        *,
        validation_fraction: float = 0.25,
        C: float = 1.0,
        max_iter: int = 200,
        workers: int | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        self.objective = objective
        self.validation_fraction = validation_fraction
        self.C = C
        self.max_iter = max_iter
        self.workers = workers
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> SelMixClassifier:
        """Trains and tunes.

        Args:
            X: features [N, d].
            y: labels [N]; every class needs two samples, or one and one in y_val.
            X_val: features [M, d] of the validation part, in place of one that is split off.
            y_val: their labels [M].

        Raises:
            ValueError: arrays that are no classification data, or a class with too few samples.
            SelMixError: the run failed.
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("there is one class only, and a classifier needs samples of two classes or more")
        random = check_random_state(self.random_state)
        # Drawn before anything else, so that a run does not depend on whether a validation part is given.
        seed = int(random.randint(2**31 - 1))
        if X_val is None:
            train, validation = self._split(numbers, seed)
            X, X_val, numbers, validation_numbers = X[train], X[validation], numbers[train], numbers[validation]
        else:
            X_val = check_array(X_val)
            validation_numbers = self._numbers(np.asarray(y_val))

        mean, scale = X.mean(axis=0), X.std(axis=0)
        scale[scale == 0] = 1
        start = LogisticRegression(C=self.C, max_iter=self.max_iter).fit((X - mean) / scale, numbers)
        weight, bias = start.coef_, start.intercept_
        if len(weight) == 1:
            # Of two classes it has one row, whose half is added to the one and taken from the other.
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        settings = {"seed": seed, **(self.settings or {})}
        result = fit(
            (X - mean) / scale, numbers, validation=((X_val - mean) / scale, validation_numbers), head=(weight, bias),
            objective=self.objective, classes=[str(each) for each in self.classes_], workers=self.workers, progress=False,
            **settings,
        )
        self.coef_ = result.weight / scale
        self.intercept_ = result.bias - self.coef_ @ mean
        self.n_iter_ = int(np.max(start.n_iter_))
        self.report_ = result.report
        return self

    def _split(self, numbers: npt.NDArray[np.int64], seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Indices of training and validation samples, both with every class."""
        counts = np.bincount(numbers)
        if counts.min() < 2:
            rare = self.classes_[counts.argmin()]
            raise ValueError(
                f"class `{rare}` has only one sample, and needs one for training and one for validation (n_samples={len(numbers)})"
            )
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction is {self.validation_fraction}; it must be between 0 and 1")
        train, validation = [], []
        for number in range(len(counts)):
            own = np.flatnonzero(numbers == number)
            part = min(max(1, round(self.validation_fraction * len(own))), len(own) - 1)
            kept, held = train_test_split(own, test_size=part, random_state=seed)
            train.append(kept)
            validation.append(held)
        return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation))

    def _numbers(self, labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Labels of the validation part as indices into `classes_`."""
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(f"y_val has `{unknown[0]}`, which is not in y")
        numbers: npt.NDArray[np.int64] = np.searchsorted(self.classes_, labels)
        return numbers

    def _scores(self, X: Any) -> npt.NDArray[np.float64]:
        """Logits [N, K]."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        scores: npt.NDArray[np.float64] = X @ self.coef_.T + self.intercept_
        return scores

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Logits [N, K]; of two classes [N], positive for the second."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities [N, K] by softmax. They are those of the tuned head: good for deciding, not calibrated."""
        scores = self._scores(X)
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Labels [N]."""
        scores = self._scores(X)
        predicted: npt.NDArray[Any] = self.classes_[scores.argmax(axis=1)]
        return predicted

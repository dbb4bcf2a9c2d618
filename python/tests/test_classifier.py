"""SelMixClassifier is an estimator like others, and better in the class that matters."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from conftest import Digits

import selmix

sklearn_checks = pytest.importorskip("sklearn.utils.estimator_checks")


@sklearn_checks.parametrize_with_checks([selmix.SelMixClassifier(workers=1, settings={"rounds": 2, "stepsPerRound": 10})])  # type: ignore[untyped-decorator]
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_the_worst_class_gets_better(digits: Digits) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import recall_score

    (X, y), (X_val, y_val), (X_test, y_test) = digits.train, digits.validation, digits.test
    classifier = selmix.SelMixClassifier(workers=2, settings={"rounds": 10, "folds": 1}, random_state=0)
    classifier.fit(X, y, X_val, y_val)
    plain = LogisticRegression(max_iter=500).fit(X, y)
    worst = [recall_score(y_test, each.predict(X_test), average=None).min() for each in (plain, classifier)]
    assert worst[1] > worst[0] + 0.1
    # With one fold the head has not seen these rows. coef_ is for features as they are: what the report says of standardised
    # ones holds for them.
    assert recall_score(y_val, classifier.predict(X_val), average=None).min() == pytest.approx(
        classifier.report_["after"]["validation"]["minRecall"]
    )
    copied = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(copied.predict_proba(X_test), classifier.predict_proba(X_test))


def test_errors_are_those_of_scikit_learn(digits: Digits) -> None:
    X, y = digits.train
    classifier = selmix.SelMixClassifier(settings={"rounds": 1})
    with pytest.raises(ValueError, match="only one sample"):
        classifier.fit(X[:3], [0, 0, 1])
    with pytest.raises(ValueError, match="y_val has `11`"):
        classifier.fit(X, y, X[:1], [11])
    with pytest.raises(ValueError, match="validation_fraction"):
        selmix.SelMixClassifier(validation_fraction=2).fit(X, y)
    with pytest.raises(selmix.SelMixError, match="learningRat"):
        selmix.SelMixClassifier(settings={"learning_rat": 1}).fit(X, y)

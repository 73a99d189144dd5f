"""Usual scores of many submodels at once, for what a scorer's checks cost at every call.

Where scikit-learn takes several columns of predictions, it scores them in one call; accuracies and
the log loss are written out. A test holds each to the scorer of its name.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from optistruct.submodels import Answers, Method

__all__ = ["quick_scores"]

_Scores = NDArray[np.float64]


def quick_scores(scoring: str, answers: Answers, y: Any) -> _Scores | None:
    """Score submodels by the scorer of a name.

    Args:
        scoring: The scorer's name.
        answers: What the submodels answer for held-out rows.
        y: (rows,) held-out targets.

    Returns:
        (n_submodels,) scores, larger is better; None where there is no quick way.
    """
    if scoring not in _QUICK:
        return None
    return _QUICK[scoring](answers, np.asarray(y))


def _stacked(answers: Answers, method: Method) -> NDArray[Any]:
    """Stack what each submodel answers: (n_submodels, rows) or (n_submodels, rows, classes)."""
    return np.stack(answers.of(method))


def _accuracy(answers: Answers, y: NDArray[Any]) -> _Scores:
    hits: _Scores = (_stacked(answers, "predict") == y).mean(axis=1)
    return hits


def _balanced_accuracy(answers: Answers, y: NDArray[Any]) -> _Scores:
    is_hit = _stacked(answers, "predict") == y
    recalls = [is_hit[:, y == label].mean(axis=1) for label in np.unique(y)]
    mean: _Scores = np.mean(recalls, axis=0)
    return mean


def _log_loss(answers: Answers, y: NDArray[Any]) -> _Scores | None:
    classes = answers.submodels.model.classes_
    if not np.array_equal(np.unique(y), classes):
        return None
    given = _stacked(answers, "predict_proba")
    true = given[:, np.arange(len(y)), np.searchsorted(classes, y)]
    least = np.finfo(true.dtype).eps
    losses: _Scores = np.log(np.clip(true, least, 1 - least)).mean(axis=1)
    return losses


def _roc_auc(answers: Answers, y: NDArray[Any]) -> _Scores | None:
    classes = answers.submodels.model.classes_
    if len(classes) != 2 or not np.array_equal(np.unique(y), classes):
        return None
    if hasattr(answers.submodels.model, "decision_function"):
        scores = _stacked(answers, "decision_function")
    else:
        scores = _stacked(answers, "predict_proba")[:, :, 1]
    is_positive = np.repeat((y == classes[1])[:, np.newaxis], len(scores), axis=1)
    areas: _Scores = roc_auc_score(is_positive, scores.T, average=None)
    return np.atleast_1d(areas)


def _regression(metric: Callable[..., _Scores], sign: float) -> Callable[..., _Scores]:
    def score(answers: Answers, y: NDArray[Any]) -> _Scores:
        predicted = _stacked(answers, "predict").T
        true = np.repeat(y[:, np.newaxis], predicted.shape[1], axis=1)
        return sign * metric(true, predicted, multioutput="raw_values")

    return score


_QUICK: Mapping[str, Callable[[Answers, NDArray[Any]], _Scores | None]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "neg_log_loss": _log_loss,
    "roc_auc": _roc_auc,
    "r2": _regression(r2_score, 1.0),
    "neg_mean_absolute_error": _regression(mean_absolute_error, -1.0),
    "neg_mean_squared_error": _regression(mean_squared_error, -1.0),
    "neg_root_mean_squared_error": _regression(root_mean_squared_error, -1.0),
}

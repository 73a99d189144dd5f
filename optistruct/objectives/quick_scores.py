"""Usual scores of a model, or of many submodels at once, without what a scorer's checks cost.

Where scikit-learn takes several columns of predictions, it scores them in one call; accuracies and
the log loss are written out. A test holds each to the scorer of its name, to the bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

__all__ = ["Alone", "quick_scores"]

_Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Alone:
    """What a model by itself answers for one table, asked for as that of its submodels is.

    Attributes:
        model: The fitted model.
        table: (rows, features) table.
    """

    model: Any
    table: Any

    def of(self, method: Method) -> list[NDArray[Any]]:
        """Hand out what the model answers."""
        return [getattr(self.model, method)(self.table)]


_Asked = Alone | Answers
_Quick = Callable[[_Asked, NDArray[Any]], _Scores | None]


def quick_scores(scoring: str, asked: _Asked, y: Any) -> _Scores | None:
    """Score models by the scorer of a name.

    Args:
        scoring: The scorer's name.
        asked: What the models answer for held-out rows.
        y: (rows,) held-out targets.

    Returns:
        (n_models,) scores, larger is better; None where there is no quick way, or where the scorer
        would refuse or warn, but for its warning of predicted classes that are not held out.
    """
    y = np.asarray(y)
    if scoring not in _QUICK or y.ndim != 1:
        return None
    return _QUICK[scoring](asked, y)


def _labels(asked: _Asked, y: NDArray[Any]) -> NDArray[Any] | None:
    """Stack the labels that each model predicts: (n_models, rows)."""
    classes = np.asarray(getattr(asked.model, "classes_", None))
    # seen before it is asked: a model may write into the table, so it must not be asked again
    if classes.ndim != 1 or classes.dtype.kind != y.dtype.kind or not _are_whole(y):
        return None
    labels = np.stack(asked.of("predict"))
    is_like = labels.shape[1:] == y.shape and labels.dtype.kind == y.dtype.kind
    return labels if is_like and _are_whole(labels) else None


def _are_whole(labels: NDArray[Any]) -> bool:
    """Tell whether labels that are numbers are whole ones, as those of classes must be."""
    return labels.dtype.kind != "f" or bool((labels % 1 == 0).all())


def _chances(asked: _Asked, y: NDArray[Any]) -> NDArray[Any] | None:
    """Stack each model's probabilities, (n_models, rows, classes), if they are such."""
    if not hasattr(asked.model, "predict_proba"):
        return None
    chances = np.stack(asked.of("predict_proba"))
    if chances.shape[1:] != (len(y), len(asked.model.classes_)):
        return None
    tolerance = np.sqrt(np.finfo(chances.dtype).eps)
    are_within = chances.min() >= 0 and chances.max() <= 1
    sums_up = np.allclose(chances.sum(axis=2), 1, rtol=tolerance)
    return chances if are_within and sums_up else None


def _has_its_classes(asked: _Asked, y: NDArray[Any]) -> bool:
    """Tell whether the held-out classes are those that the models know, and more than one."""
    held_out = np.unique(y)
    return len(held_out) > 1 and np.array_equal(held_out, getattr(asked.model, "classes_", ()))


def _accuracy(asked: _Asked, y: NDArray[Any]) -> _Scores | None:
    labels = _labels(asked, y)
    return None if labels is None else (labels == y).mean(axis=1)


def _balanced_accuracy(asked: _Asked, y: NDArray[Any]) -> _Scores | None:
    labels = _labels(asked, y)
    if labels is None:
        return None
    is_hit = labels == y
    recalls = np.stack([is_hit[:, y == label].mean(axis=1) for label in np.unique(y)], axis=1)
    mean: _Scores = recalls.mean(axis=1)
    return mean


def _log_loss(asked: _Asked, y: NDArray[Any]) -> _Scores | None:
    chances = _chances(asked, y) if _has_its_classes(asked, y) else None
    if chances is None:
        return None
    classes = asked.model.classes_
    if len(classes) == 2:  # scikit-learn asks for the chances of the second one only
        chances[:, :, 0] = 1 - chances[:, :, 1]
    true = chances[:, np.arange(len(y)), np.searchsorted(classes, y)]
    least = np.finfo(true.dtype).eps
    # each model's in a row, or logarithms and sums would round otherwise
    logs = np.log(np.ascontiguousarray(np.clip(true, least, 1 - least)))
    losses: _Scores = logs.mean(axis=1)
    return losses


def _roc_auc(asked: _Asked, y: NDArray[Any]) -> _Scores | None:
    if not _has_its_classes(asked, y) or len(asked.model.classes_) != 2:
        return None
    if hasattr(asked.model, "decision_function"):
        scores = np.stack(asked.of("decision_function"))
    else:
        chances = _chances(asked, y)
        if chances is None:
            return None
        scores = chances[:, :, 1]
    is_positive = np.repeat((y == asked.model.classes_[1])[:, np.newaxis], len(scores), axis=1)
    areas: _Scores = roc_auc_score(is_positive, scores.T, average=None)
    return np.atleast_1d(areas)


def _regression(metric: Callable[..., _Scores], sign: float) -> _Quick:
    def score(asked: _Asked, y: NDArray[Any]) -> _Scores | None:
        predicted = np.stack(asked.of("predict")).T
        if predicted.shape[:-1] != y.shape or len(y) < 2:  # of one row there is no R2
            return None
        true = np.tile(y, (predicted.shape[1], 1)).T  # by columns, or sums round otherwise
        return sign * metric(true, predicted, multioutput="raw_values")

    return score


_QUICK: Mapping[str, _Quick] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "neg_log_loss": _log_loss,
    "roc_auc": _roc_auc,
    "r2": _regression(r2_score, 1.0),
    "neg_mean_absolute_error": _regression(mean_absolute_error, -1.0),
    "neg_mean_squared_error": _regression(mean_squared_error, -1.0),
    "neg_root_mean_squared_error": _regression(root_mean_squared_error, -1.0),
}

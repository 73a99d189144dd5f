"""The rows of every fold, cut out and prepared once a study and not once a fit."""

import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from optistruct.evaluation.plan import EvaluationPlan
from optistruct.spaces import structure_key

__all__ = ["FoldData", "FoldRows", "fold_data"]

_MOST_BYTES = 2**29
_MOST_PREPARATIONS = 4  # of each fold


@dataclass(frozen=True, eq=False)
class FoldRows:
    """The rows of one fold.

    Attributes:
        X: (rows, features) to fit on.
        y: (rows,) their targets.
        X_test: (rows, features) held out.
        y_test: (rows,) their targets.
    """

    X: Any
    y: Any
    X_test: Any
    y_test: Any


class FoldData:
    """The rows of the folds, kept as long as they take no more than half a gigabyte in all.

    So is what the last few preparations, the steps of pipelines before the model, made of them.

    Args:
        plan: The data and the folds.
    """

    def __init__(self, plan: EvaluationPlan) -> None:
        self._plan = plan
        self._keeps = _bytes_of(plan.X) * len(plan.folds) <= _MOST_BYTES
        self._rows: dict[int, FoldRows] = {}
        self._prepared: OrderedDict[Any, tuple[list[Any], Any]] = OrderedDict()

    def rows(self, structure: Any, fold: int) -> FoldRows:
        """Hand out the rows of a fold; rows of its own to a structure that writes into them."""
        if _writes(structure):
            return self._cut(fold)
        if fold not in self._rows:
            rows = self._cut(fold)
            if not self._keeps:
                return rows
            self._rows[fold] = rows
        return self._rows[fold]

    def _cut(self, fold: int) -> FoldRows:
        train, test = self._plan.folds[fold]
        X, y = self._plan.X, self._plan.y
        return FoldRows(*(_safe_indexing(each, n) for n in (train, test) for each in (X, y)))

    def fit(self, structure: Any, fold: int, rows: FoldRows) -> Any:
        """Fit a copy of a structure on a fold, with the preparation that is known, if it is.

        Args:
            structure: The unfitted structure; it is not changed.
            fold: Number of the fold.
            rows: Its rows.

        Returns:
            The fitted copy, whose preparation others may share.
        """
        key = _preparation_key(structure) if self._keeps else None
        if key is None or _writes(structure):
            return clone(structure).fit(rows.X, rows.y)
        if (fold, key) not in self._prepared:
            preparation = clone(structure[:-1])
            table = preparation.fit_transform(rows.X, rows.y)
            self._prepared[fold, key] = preparation.steps, table
            if len(self._prepared) > _MOST_PREPARATIONS * len(self._plan.folds):
                self._prepared.popitem(last=False)
        self._prepared.move_to_end((fold, key))
        steps, table = self._prepared[fold, key]
        name, model = structure.steps[-1]
        fitted = clone(structure)
        fitted.steps = [*steps, (name, clone(model).fit(table, rows.y))]
        return fitted


_latest: dict[str, FoldData] = {}


def fold_data(plan: EvaluationPlan) -> FoldData:
    """Hand out this process's data of a plan; those of an earlier plan are forgotten."""
    if plan.token not in _latest:
        _latest.clear()
        _latest[plan.token] = FoldData(plan)
    return _latest[plan.token]


def _preparation_key(structure: Any) -> Any:
    """Tell one preparation from another; None where there is none that can be shared."""
    if type(structure) is not Pipeline or len(structure.steps) < 2 or structure.memory is not None:
        return None
    if not hasattr(structure.steps[-1][1], "fit"):
        return None
    key = structure_key(structure[:-1])
    return None if key is None else (key, *(name for name, _ in structure.steps[:-1]))


def _writes(structure: Any) -> bool:
    """Tell whether a structure was told to work in its input, in the place of a copy."""
    return any(
        value is False and name.rpartition("__")[2].lower() in ("copy", "copy_x")
        for name, value in structure.get_params().items()
    )


def _bytes_of(X: Any) -> int:
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage(deep=True).sum())
    parts = [getattr(X, name, None) for name in ("data", "indices", "indptr")]
    arrays = [part for part in parts if isinstance(part, np.ndarray)] or [X]
    return sum(getattr(array, "nbytes", sys.getsizeof(array)) for array in arrays)

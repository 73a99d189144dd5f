"""The rows of every fold, cut out and prepared once a study and not once a fit."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing

from optistruct.evaluation.binned import BinnedTable
from optistruct.evaluation.plan import EvaluationPlan
from optistruct.evaluation.warned import collected_warnings, tell
from optistruct.resources import LIBRARIES
from optistruct.spaces import structure_key

__all__ = ["FoldData", "FoldRows", "StructureFolds", "fold_data", "forget_fold_data", "writes"]

_MOST_BYTES = 2**29
_MOST_BINNED_BYTES = 2**28
_MOST_PREPARATIONS = 4  # of each fold
_KNOWN = {*LIBRARIES, "numpy", "optistruct"}  # whose code leaves its input alone


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


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A preparation, fitted on a fold.

    Attributes:
        steps: Its fitted steps, by name.
        table: What they made of the rows to fit on.
        size: Bytes of that.
        told: What fitting it warned of, which every structure is told that shares it.
    """

    steps: list[Any]
    table: BinnedTable
    size: int
    told: list[str]


class FoldData:
    """The rows of the folds, kept as long as they take no more than half a gigabyte in all.

    So are the tables that the last few preparations, the steps of pipelines before the model, made
    of them, in another half, and what LightGBM's binning made of all these, in a quarter.

    Args:
        plan: The data and the folds.
    """

    def __init__(self, plan: EvaluationPlan) -> None:
        self._plan = plan
        self.keeps = _bytes_of(plan.X) * len(plan.folds) <= _MOST_BYTES
        self._rows: dict[int, FoldRows] = {}
        self._tables: dict[int, BinnedTable] = {}
        self._prepared: dict[tuple[int, Any], _Prepared] = {}

    def of(self, structure: Any) -> "StructureFolds":
        """Hand out the folds as a structure may see them."""
        return StructureFolds(self, structure)

    def cut(self, fold: int) -> FoldRows:
        """Cut out the rows of a fold."""
        train, test = self._plan.folds[fold]
        X, y = self._plan.X, self._plan.y
        return FoldRows(*(_safe_indexing(each, n) for n in (train, test) for each in (X, y)))

    def rows(self, fold: int) -> FoldRows:
        """Hand out the rows of a fold, which others share."""
        if fold in self._rows:
            return self._rows[fold]
        rows = self.cut(fold)
        if self.keeps:
            self._rows[fold] = rows
        return rows

    def table(self, fold: int) -> BinnedTable:
        """Hand out the training table of a fold, which others share."""
        if fold not in self._tables:
            self._tables[fold] = self._binned(self.rows(fold).X)
        return self._tables[fold]

    def _binned(self, X: Any) -> BinnedTable:
        tables = (1 + _MOST_PREPARATIONS) * len(self._plan.folds)
        return BinnedTable(X, _MOST_BINNED_BYTES // tables)

    def prepared(self, key: Any, preparation: Pipeline, fold: int) -> _Prepared:
        """Hand out what a preparation made of a fold.

        Args:
            key: Tells the preparation from others.
            preparation: The unfitted steps; they are not changed.
            fold: Number of the fold.
        """
        found = self._prepared.pop((fold, key), None)
        if found is None:
            fitted, rows = clone(preparation), self.rows(fold)
            with collected_warnings() as told:
                table = fitted.fit_transform(rows.X, rows.y)
            found = _Prepared(fitted.steps, self._binned(table), _bytes_of(table), told)
            if found.size * len(self._plan.folds) > _MOST_BYTES:
                return found
        self._prepared[fold, key] = found  # the last in the order of their use
        while self._keeps_too_much():
            self._prepared.pop(next(iter(self._prepared)), None)
        return found

    def _keeps_too_much(self) -> bool:
        is_long = len(self._prepared) > _MOST_PREPARATIONS * len(self._plan.folds)
        return is_long or sum(one.size for one in [*self._prepared.values()]) > _MOST_BYTES


class StructureFolds:
    """The folds as a structure may see them: rows of its own if it writes into them.

    Args:
        data: The rows that others share.
        structure: The unfitted structure; it is not changed.
    """

    def __init__(self, data: FoldData, structure: Any) -> None:
        self._data = data
        self._structure = structure
        self._writes = writes(structure)
        self._shares = data.keeps and not self._writes
        self._key = _preparation_key(structure) if self._shares else None

    def rows(self, fold: int) -> FoldRows:
        """Hand out the rows of a fold."""
        return self._data.cut(fold) if self._writes else self._data.rows(fold)

    def held_out(self, rows: FoldRows) -> Any:
        """Hand out held-out rows for one measurement, which may write into them."""
        return deepcopy(rows.X_test) if self._writes else rows.X_test

    def fit(
        self,
        fold: int,
        rows: FoldRows,
        keeping: Callable[[Any], AbstractContextManager[None]] = nullcontext,
    ) -> Any:
        """Fit a copy of the structure, with the preparation that is known, if it is.

        Args:
            fold: Number of the fold.
            rows: Its rows.
            keeping: Makes of the unfitted copy the context within which it is fitted.

        Returns:
            The fitted copy, whose preparation others may share.
        """
        fitted = clone(self._structure)
        with keeping(fitted):
            if not self._shares:
                fitted.fit(rows.X, rows.y)
            elif self._key is None:
                self._data.table(fold).fit(fitted, rows.y)
            else:
                prepared = self._data.prepared(self._key, self._structure[:-1], fold)
                tell(prepared.told)
                prepared.table.fit(fitted.steps[-1][1], rows.y)
                fitted.steps = [*prepared.steps, fitted.steps[-1]]
        return fitted


_latest: dict[str, FoldData] = {}


def fold_data(plan: EvaluationPlan) -> FoldData:
    """Hand out this process's data of a plan; those of an earlier plan are forgotten."""
    data = _latest.get(plan.token)
    if data is None:
        _latest.clear()
        data = _latest[plan.token] = FoldData(plan)
    return data


def forget_fold_data() -> None:
    """Let go of this process's data of any plan."""
    _latest.clear()


def _preparation_key(structure: Any) -> Any:
    """Tell one preparation from another; None where there is none that can be shared."""
    if type(structure) is not Pipeline or len(structure.steps) < 2 or structure.memory is not None:
        return None
    if not hasattr(structure.steps[-1][1], "fit"):
        return None
    key = structure_key(structure[:-1])
    return None if key is None else (key, *(name for name, _ in structure.steps[:-1]))


def writes(structure: Any) -> bool:
    """Tell whether a structure may write into the rows that it is given.

    It may where it was told to, and where some of its code is nobody's that we know.
    """
    parameters = structure.get_params()
    of_functions = (
        arguments.items()
        for name, arguments in parameters.items()
        if name.rpartition("__")[2] == "kw_args" and arguments
    )
    was_told = any(
        value is False and name.rpartition("__")[2].lower() in ("copy", "copy_x")
        for name, value in chain(parameters.items(), *of_functions)
    )
    return was_told or any(map(_has_code_of_its_own, (structure, *parameters.values())))


def _has_code_of_its_own(thing: Any) -> bool:
    """Tell whether a thing is an estimator of no library that is known, or calls a function."""
    if isinstance(thing, FunctionTransformer) and thing.func is not None:
        code = thing.func
    elif hasattr(thing, "fit") and not isinstance(thing, type):
        code = type(thing)
    else:
        return False
    return str(getattr(code, "__module__", "")).partition(".")[0] not in _KNOWN


def _bytes_of(X: Any) -> int:
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage(deep=True).sum())
    parts = [getattr(X, name, None) for name in ("data", "indices", "indptr")]
    arrays = [part for part in parts if isinstance(part, np.ndarray)] or [X]
    return sum(getattr(array, "nbytes", sys.getsizeof(array)) for array in arrays)

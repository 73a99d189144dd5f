"""What a structure space may know of the data: the task and the table's shape."""

from dataclasses import dataclass
from numbers import Integral, Number
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from optistruct.exceptions import ArgumentError, DataError

__all__ = ["Problem", "Task"]

Task = Literal["binary", "multiclass", "regression"]

_MOST_NUMERIC_CLASSES = 20
_REPLACE = "few models take them, so replace them by NaN or by large numbers"


@dataclass(frozen=True)
class Problem:
    """The task and the shape of a table, handed to a space that asks for it.

    Attributes:
        task: "binary", "multiclass" or "regression".
        rows: Number of rows of the whole table; a fold's training part has fewer.
        features: Number of columns of X.
        classes: Number of classes; 0 for a regression.
        categorical: Places of the columns that hold categories (text, category and boolean
            columns of a DataFrame); empty for an array.
        empty: Places of the columns of a DataFrame that hold no value at all.
    """

    task: Task
    rows: int
    features: int
    classes: int = 0
    categorical: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.task != "regression"

    @classmethod
    def from_data(cls, X: Any, y: Any, task: Task | None = None) -> Self:
        """Read the problem off the data.

        The target is a class when it is text, boolean or categorical, or numeric with at most
        20 distinct whole values; otherwise it is a regression. `task` overrides this.

        Args:
            X: (rows, features) DataFrame, array or sparse matrix.
            y: (rows,) target.
            task: "binary", "multiclass", "regression", or None to read it off `y`.

        Raises:
            DataError: If the table is empty, X and y differ in length, y holds missing values
                or one class only, or a column has a type that no model takes.
            ArgumentError: If `task` is unknown or does not fit the target.
        """
        rows, features = _shape(X)
        target = _target(y)
        try:
            check_consistent_length(X, target)
        except ValueError:
            raise DataError(f"X has {rows} rows, y has {len(target)}: they must agree") from None
        kind = _task(target, task)
        classes = target.nunique() if kind != "regression" else 0
        if not isinstance(X, pd.DataFrame):
            values = sparse.csr_array(X).data if sparse.issparse(X) else np.asarray(X)
            if values.dtype.kind in "mMc":
                raise DataError(f"X must hold numbers, got {values.dtype}")
            if _has_infinite(values):
                raise DataError(f"X has infinite values: {_REPLACE}")
            return cls(kind, rows, features, classes)
        return cls(kind, rows, features, classes, *_columns(X))


def _shape(X: Any) -> tuple[int, int]:
    try:
        shape = X.shape if hasattr(X, "shape") else np.shape(X)
    except ValueError:
        raise DataError("X must be a table: its rows differ in length") from None
    if len(shape) != 2:
        raise DataError(f"X must be a table of shape (rows, features), got the shape {shape}")
    if 0 in shape:
        raise DataError(f"X is empty: {shape[0]} rows, {shape[1]} columns")
    return int(shape[0]), int(shape[1])


def _target(y: Any) -> "pd.Series[Any]":
    shape = y.shape if hasattr(y, "shape") else np.shape(y)
    if len(shape) != 1:
        raise DataError(f"y must be one column of shape (rows,), got the shape {shape}")
    target = pd.Series(y)
    if target.dtype.kind in "mMc":
        raise DataError(f"the target must hold classes or numbers, got {target.dtype}")
    missing = int(target.isna().sum())
    if missing:
        raise DataError(
            f"the target has {missing} missing value{'s' * (missing > 1)}: "
            "drop those rows or fill them in first"
        )
    if not pd.api.types.is_numeric_dtype(target):
        _check_classes(target)
    if target.nunique() < 2:
        raise DataError(f"the target has one value only, {target.tolist()[0]!r}: nothing to learn")
    if pd.api.types.is_numeric_dtype(target) and not np.isfinite(target.astype(float)).all():
        raise DataError("the target has infinite values: drop those rows first")
    return target


def _check_classes(target: "pd.Series[Any]") -> None:
    try:
        values = target.unique()
    except TypeError:  # a list, say, has no hash
        raise DataError("the target must hold classes or numbers, not lists or the like") from None
    if target.dtype == object and all(isinstance(value, Number | np.bool_) for value in values):
        raise DataError(
            "the target holds numbers as objects: y = pandas.to_numeric(y), or y.astype(str) if "
            "they are classes"
        )
    if len({isinstance(value, str) for value in values}) > 1:
        raise DataError("the target holds text and other values: turn all of them into text")
    others = {
        type(value).__name__
        for value in values
        if not isinstance(value, str | bool | np.bool_ | Integral)
        and not (isinstance(value, float | np.floating) and value.is_integer())
    }
    if others:
        raise DataError(
            f"the target must hold text, whole numbers or booleans, got values of type "
            f"{', '.join(sorted(others))}: y = y.astype(str) makes classes of them"
        )


def _task(target: "pd.Series[Any]", task: Task | None) -> Task:
    classes = target.nunique()
    numeric = pd.api.types.is_numeric_dtype(target) and not pd.api.types.is_bool_dtype(target)
    if task is None:
        if numeric and (
            type_of_target(target.to_numpy()) == "continuous" or classes > _MOST_NUMERIC_CLASSES
        ):
            return "regression"
        return "binary" if classes == 2 else "multiclass"
    if task not in ("binary", "multiclass", "regression"):
        raise ArgumentError(f"task must be 'binary', 'multiclass' or 'regression', got {task!r}")
    if task == "regression" and not numeric:
        raise ArgumentError("task='regression' needs a numeric target, got text or categories")
    if task == "binary" and classes != 2:
        raise ArgumentError(f"task='binary' needs two classes, the target has {classes}")
    if task == "multiclass" and numeric and type_of_target(target.to_numpy()) == "continuous":
        raise ArgumentError("task='multiclass' needs classes, the target has fractions")
    return task


def _columns(X: pd.DataFrame) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find the columns that hold categories, and those that hold nothing."""
    if not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()][0]
        raise DataError(f"X has two columns named {twice!r}: rename or drop one")
    categorical, empty = [], []
    for place, name in enumerate(X.columns):
        column = X[name]
        if pd.api.types.is_datetime64_any_dtype(column) or column.dtype.kind == "m":
            raise DataError(
                f"column {name!r} holds dates ({column.dtype}): turn it into numbers "
                "(year, weekday, age in days) or drop it"
            )
        if column.dtype.kind == "c":
            raise DataError(
                f"column {name!r} holds complex numbers, which no model takes: put their parts "
                "into two columns"
            )
        if not column.notna().any():
            empty.append(place)
        elif pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            _check_categories(name, column)
            categorical.append(place)
        elif column.dtype.kind == "f" and _has_infinite(column.to_numpy(float, na_value=np.nan)):
            raise DataError(f"column {name!r} has infinite values: {_REPLACE}")
    return tuple(categorical), tuple(empty)


def _has_infinite(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "f" and bool(np.isinf(values).any())


def _check_categories(name: object, column: "pd.Series[Any]") -> None:
    try:
        values = column.dropna().unique()
    except TypeError:  # a list, say, has no hash
        raise DataError(f"column {name!r} holds neither numbers nor text: drop it") from None
    if all(isinstance(value, Number) and not isinstance(value, bool) for value in values):
        if column.dtype == object:
            raise DataError(
                f"column {name!r} holds numbers as objects: X[{name!r}] = "
                f"pandas.to_numeric(X[{name!r}]), or .astype('category') if they are categories"
            )
        return
    if len({isinstance(value, str) for value in values}) > 1:
        raise DataError(
            f"column {name!r} mixes text with other values: make it one of them, such as "
            f"X[{name!r}] = X[{name!r}].astype(str)"
        )
    is_text = not pd.api.types.is_bool_dtype(column)
    if is_text and any(value is pd.NA for value in column.astype(object)[column.isna()]):
        raise DataError(
            f"column {name!r} marks missing cells by pandas.NA, which no encoder takes: "
            f"X[{name!r}] = X[{name!r}].astype(object).where(X[{name!r}].notna(), numpy.nan)"
        )

"""Models as skl2onnx reads them rightly: copies of a fitted model and of its parts."""

import copy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from sklearn.utils import _safe_indexing

__all__ = ["readable"]

_PROBES = 200  # rows of numbers that a function must hand on to be the identity
_NINES = (9999.0, 99999.0, 999999.0)


def readable(model: Any, X: Any, order: list[int]) -> Any:
    """Copy a model into a form that skl2onnx reads rightly.

    Args:
        model: A fitted estimator; it stays as it is.
        X: (rows, features) table of the model's type.
        order: Which column of the table is at which place of the graph's inputs.

    Returns:
        A pipeline that ends in the model's last step.
    """
    *before, (name, last) = model.steps if isinstance(model, Pipeline) else [("model", model)]
    steps, X, order = _steps(before, X, order)
    encoder = getattr(last, "_preprocessor", None)  # histogram boosting's own, of categories
    if encoder is None:
        return Pipeline([*steps, (name, _part(last, X, order))])
    last = copy.copy(last)
    last._preprocessor = None
    if order or not _same_numbers(X, encoder.transform(X)):  # `tabular` gives it codes already
        steps.append(("codes", _by_place(encoder, X, order)))
    return Pipeline([*steps, (name, last)])


def _steps(
    steps: list[tuple[str, Any]], X: Any, order: list[int]
) -> tuple[list[tuple[str, Any]], Any, list[int]]:
    """Copy steps that follow each other; tell what is behind them, and its places."""
    copies = []
    for name, step in steps:
        if step is None or step == "passthrough":
            continue
        copies.append((name, _part(step, X, order)))
        X, order = step.transform(X), []
    return copies, X, order


def _part(part: Any, X: Any, order: list[int]) -> Any:
    """Copy a part that is fed a table, whose columns are at these places of the graph's inputs.

    A function that hands on all numbers as they are, such as one that makes an array of a frame,
    is replaced by the identity: skl2onnx takes no other function.
    """
    if isinstance(part, Pipeline):
        *before, (name, last) = part.steps  # which may predict
        steps, X, order = _steps(before, X, order)
        is_nothing = last is None or last == "passthrough"
        return Pipeline(steps if is_nothing else [*steps, (name, _part(last, X, order))])
    if isinstance(part, ColumnTransformer):
        return _by_place(part, X, order)
    if isinstance(part, OrdinalEncoder):
        return _without_missing(part)
    if isinstance(part, OneHotEncoder) and part.handle_unknown == "infrequent_if_exist":
        twin = copy.copy(part)
        twin.handle_unknown = "ignore"  # skl2onnx would have the runtime raise an error
        return twin
    if isinstance(part, FunctionTransformer) and _hands_on_all(part, X):
        return FunctionTransformer()
    return part


def _by_place(part: ColumnTransformer, X: Any, order: list[int]) -> ColumnTransformer:
    """Tell columns by their places in the graph's inputs, not by name or place in the table."""
    twin = copy.copy(part)
    twin.transformers_ = []
    for name, step, _ in part.transformers_:
        places = part._transformer_to_input_indices[name]
        if not len(places):  # then it is not even fitted
            continue
        fed = _safe_indexing(X, places, axis=1)
        there = [order.index(place) if order else place for place in places]
        twin.transformers_.append((name, _part(step, fed, []), there))
    return twin


def _without_missing(part: OrdinalEncoder) -> OrdinalEncoder:
    """Let a missing category be an unknown one: skl2onnx would give it a code of its own."""
    twin = copy.copy(part)
    if np.isnan(part.encoded_missing_value) and part.handle_unknown == "use_encoded_value":
        twin.categories_ = [
            known[[value == value for value in known]] for known in part.categories_
        ]
    return twin


def _hands_on_all(function: FunctionTransformer, X: Any) -> bool:
    """Tell whether a function hands on these numbers, others of any size and sign, and gaps.

    What it does to single values is seen where they are whole and at most 1000, or of nines.
    """
    try:
        numbers = _as_floats(X)
    except (TypeError, ValueError):
        return False
    rng = np.random.default_rng(0)
    sizes = 10 ** rng.uniform(-6, 9, (_PROBES, numbers.shape[1]))
    signed = (rng.choice([-1, 1], sizes.shape) * sizes).astype(np.float32).astype(float)
    whole = np.concatenate([np.arange(-1000.0, 1001), *([-nines, nines] for nines in _NINES)])
    wholes = np.repeat(whole[:, np.newaxis], numbers.shape[1], axis=1)
    others: list[Any] = [signed, wholes, np.full_like(signed, np.nan)]
    if isinstance(X, pd.DataFrame):
        others = [pd.DataFrame(other, columns=X.columns) for other in others]
    return all(_same_numbers(table, _transformed(function, table)) for table in (X, *others))


def _transformed(function: FunctionTransformer, X: Any) -> Any:
    """Transform a table; hand it out as it is if the function refuses it."""
    try:
        return function.transform(copy.deepcopy(X))  # it may write into the rows
    except Exception:  # such as that of gaps
        return X


def _same_numbers(before: Any, after: Any) -> bool:
    try:
        return np.array_equal(_as_floats(before), _as_floats(after), equal_nan=True)
    except (TypeError, ValueError):
        return False


def _as_floats(X: Any) -> NDArray[np.float64]:
    is_frame = isinstance(X, pd.DataFrame)
    return X.to_numpy(dtype=float, na_value=np.nan) if is_frame else np.asarray(X, dtype=float)

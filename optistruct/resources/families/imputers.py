"""Imputers, which fill in missing values.

| models | stored | operations a row |
|---|---|---|
| simple imputer | the fill of each column; of a constant, only which columns it drops | none |
| k nearest neighbours imputer | the training table | its size, for a row with a gap |
| iterative imputer | the first fills; the column and the model of each step | its models' |
| missing indicator | the columns that it marks, unless it marks all | none |

An imputer with `add_indicator` adds its indicator. A step of the iterative imputer that looks at
`n_nearest_features` also stores their columns; its operations are those of a row with a gap in
every column. With `sample_posterior` it draws what it fills in, and is refused.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer

from optistruct.exceptions import ResourceError
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, stored_arrays


@stored_arrays.register(SimpleImputer)
def _simple(model: Any) -> Stored:
    fills = model.statistics_
    if model.strategy == "constant":
        fills = np.flatnonzero(pd.isna(fills)) if not model.keep_empty_features else None
    return {"statistics": fills, "indicator": _indicator_of(model)}


@stored_arrays.register(KNNImputer)
def _neighbors(model: Any) -> Stored:
    return {"rows": model._fit_X, "indicator": _indicator_of(model)}


@operations_per_row.register(KNNImputer)
def _neighbors_operations(model: Any) -> float:
    return float(model._fit_X.size)


@stored_arrays.register(IterativeImputer)
def _iterative(model: Any) -> Stored:
    if model.sample_posterior:
        raise ResourceError(
            "an IterativeImputer with sample_posterior=True draws what it fills in, so there are "
            "no parameters that reproduce its predictions: set sample_posterior=False"
        )
    steps = model.imputation_sequence_
    looks_at_all = model.n_nearest_features is None
    return {
        "initial": Members([model.initial_imputer_]),
        "column": np.array([step.feat_idx for step in steps]),
        "neighbors": None if looks_at_all else np.array([step.neighbor_feat_idx for step in steps]),
        "estimators": Members([step.estimator for step in steps]),
        "indicator": _indicator_of(model),
    }


@operations_per_row.register(IterativeImputer)
def _iterative_operations(model: Any) -> float:
    return sum(operations_per_row(step.estimator) for step in model.imputation_sequence_)


@stored_arrays.register(MissingIndicator)
def _indicator(model: Any) -> Stored:
    return {"features": model.features_ if model.features == "missing-only" else None}


@operations_per_row.register(MissingIndicator | SimpleImputer)
def _looked_up(model: Any) -> float:
    return 0.0


def _indicator_of(model: Any) -> Members | None:
    return Members([model.indicator_]) if model.add_indicator else None

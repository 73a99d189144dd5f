"""Gradient boosting in scikit-learn: sums of regression trees.

| models | stored | operations a row |
|---|---|---|
| `GradientBoosting*` | 2 a split, 1 a leaf, directions as in a forest; the initial score | \
the mean depths of the trees, and the operations of an `init` of yours |
| `HistGradientBoosting*` | the same; a set of categories stands in the place of a threshold; \
the categories | the mean depths |

The initial score is 1 number, K for K > 2 classes; none for `init="zero"`; an `init` estimator of
yours counts by its own definition. A set of categories is 8 words of 32 bits. The shrinkage is a
hyperparameter. The mean depths are those of the rows that the trees were fitted on.
"""

from typing import Any

import numpy as np
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from optistruct.resources.families.trees import (
    learnt_directions,
    mean_depth,
    roots,
    stored_trees,
    summed_depth,
)
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, stored_arrays

_Boosting = GradientBoostingClassifier | GradientBoostingRegressor
_HistBoosting = HistGradientBoostingClassifier | HistGradientBoostingRegressor


@stored_arrays.register(_Boosting)
def _boosting(model: Any) -> Stored:
    return {**stored_trees(_trees(model)), "init": _initial_score(model)}


def _initial_score(model: Any) -> Any:
    if model.init is not None:
        return Members(_own_init(model))
    prior = getattr(model.init_, "class_prior_", None)
    if prior is None:
        return model.init_.constant_
    return prior if len(prior) > 2 else prior[1:]


def _own_init(model: Any) -> list[Any]:
    """Take the estimator that the user set to start from."""
    return [] if model.init is None or isinstance(model.init_, str) else [model.init_]


@operations_per_row.register(_Boosting)
def _boosting_operations(model: Any) -> float:
    return summed_depth(_trees(model)) + sum(map(operations_per_row, _own_init(model)))


def _trees(model: Any) -> list[Any]:
    return [tree.tree_ for tree in model.estimators_.ravel()]


@stored_arrays.register(_HistBoosting)
def _hist_boosting(model: Any) -> Stored:
    nodes, root = _hist_nodes(model)
    splits = np.flatnonzero(nodes["is_leaf"] == 0)
    feature, direction = nodes["feature_idx"][splits], nodes["missing_go_to_left"][splits] != 0
    rows, root = nodes["count"], root[splits]
    majority = rows[root + nodes["left"][splits]] > rows[root + nodes["right"][splits]]
    is_numeric = nodes["is_categorical"][splits] == 0
    sets = [tree.raw_left_cat_bitsets for round_ in model._predictors for tree in round_]
    return {
        "feature": feature,
        "threshold": nodes["num_threshold"][splits][is_numeric],
        "category_sets": np.concatenate(sets),
        "direction": learnt_directions(feature, direction, majority),
        "value": nodes["value"][nodes["is_leaf"] != 0],
        "baseline": model._baseline_prediction,
        "categories": np.concatenate(_categories(model)),
    }


def _categories(model: Any) -> list[Any]:
    """Take the values that are turned into 0, 1, ...; of the missing one nothing is asked."""
    if model.is_categorical_ is None:
        return [[]]
    encoder = model._preprocessor.named_transformers_["encoder"]
    return [values[values == values].astype(object) for values in encoder.categories_]


@operations_per_row.register(_HistBoosting)
def _hist_operations(model: Any) -> float:
    nodes, root = _hist_nodes(model)
    return mean_depth(nodes["count"], root, np.flatnonzero(nodes["is_leaf"] == 0))


def _hist_nodes(model: Any) -> tuple[Any, Any]:
    """Put the nodes of all trees in one row; beside it each one's root."""
    trees = [tree.nodes for round_ in model._predictors for tree in round_]
    return np.concatenate(trees), roots(np.array([len(nodes) for nodes in trees]))

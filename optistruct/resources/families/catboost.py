"""CatBoost: classifier, regressor and ranker; imported when one comes.

| models | stored | operations a row |
|---|---|---|
| symmetric trees | 2 a level (feature, border), C a leaf (2 to the depth of them) | the depths |
| other trees | 2 a split (feature, border), C a leaf | the mean depths |
| both | C for the bias, 1 for the scale | |

C is the number of outputs: 1 for a regression or two classes, K for K classes or targets. A
one-hot split stores the category in the border's place. A category's target statistics (which
CatBoost uses for a feature of more than `one_hot_max_size` values), text and embeddings have no
definition and are refused. Where missing values go is a hyperparameter (`nan_mode`). Mean depths
are those of the training rows, by their weights.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from catboost import CatBoost  # type: ignore[import-untyped,unused-ignore]
from sklearn.exceptions import NotFittedError

from optistruct.exceptions import ResourceError
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Scalars, Stored, stored_arrays


@stored_arrays.register(CatBoost)
def _catboost(model: Any) -> Stored:
    _check(model)
    leaves = model.get_tree_leaf_counts()
    splits = int((_depths(leaves) if model._object._is_oblivious() else leaves - 1).sum())
    scale, bias = model.get_scale_and_bias()
    return {
        "feature": Scalars(splits),
        "border": Scalars(splits),
        "value": model.get_leaf_values(),
        "bias": bias,
        "scale": scale,
    }


@operations_per_row.register(CatBoost)
def _operations(model: Any) -> float:
    _check(model)
    if model._object._is_oblivious():
        return float(_depths(model.get_tree_leaf_counts()).sum())
    return sum(_mean_depth(tree) for tree in _written(model)["trees"])


def _depths(leaves: Any) -> Any:
    return np.log2(leaves).astype(int)


def _mean_depth(tree: Any) -> float:
    def rows_and_path(node: Any) -> tuple[float, float]:
        if "value" in node:
            return node["weight"], 0.0
        sides = [rows_and_path(node["left"]), rows_and_path(node["right"])]
        rows = sum(side[0] for side in sides)
        return rows, rows + sum(side[1] for side in sides)

    rows, path = rows_and_path(tree)
    return path / rows if rows else 0.0


def _check(model: Any) -> None:
    if not model.is_fitted():
        raise NotFittedError(f"This {type(model).__name__} instance is not fitted yet.")
    others = [*model.get_text_feature_indices(), *model.get_embedding_feature_indices()]
    categorical = model.get_cat_feature_indices()
    if others or (categorical and "ctrs" in _written(model)["features_info"]):
        raise ResourceError(
            "the parameters and operations of a CatBoost model that turns categories into target "
            "statistics, or uses text or embeddings, have no definition; encode the categories "
            "beforehand, or set one_hot_max_size to the largest number of values of a feature"
        )


def _written(model: Any) -> Any:
    """Have the model written as JSON, which CatBoost only does to a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        return json.loads(path.read_text())

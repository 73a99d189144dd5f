"""How many numbers a fitted model must store to predict, by one definition for each family.

A parameter is a numeric scalar that the fitted predictor needs to reproduce `predict`, no more:
hyperparameters, training statistics and the fixed topology of trees don't count. C is the number
of outputs: 1 for a regression and for binary boosting, K for K classes.

| family | parameters |
|---|---|
| linear | coefficients and intercepts |
| tree | 2 a split (feature, threshold), C a leaf; a learnt direction for missing values adds 1 |
| forest | the sum of its trees |
| boosting | 2 a split, 1 a leaf, as for a tree; category sets add their words; the initial score |
| nearest neighbours | the stored rows and their targets |
| perceptron | every weight and bias |
| scaler, imputer, encoder, PCA | their arrays: 2 a column, the fills, the categories, ... |
| selector | the kept columns' indices |
| pipeline, column transformer | the sum |

A type that has no definition is refused by name. LightGBM adds its initial score into the leaves
of its first trees, so nothing is stored for it.
"""

import re
from collections.abc import Iterable
from functools import singledispatch
from typing import Any

import numpy as np
from lightgbm import Booster, LGBMModel
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import (
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import BaseDecisionTree
from sklearn.utils.validation import check_is_fitted

from optistruct.exceptions import ResourceError

__all__ = ["count_parameters"]


def count_parameters(model: Any) -> int:
    """Count the parameters of a fitted model by the definition of its family.

    Args:
        model: A fitted estimator or transformer.

    Returns:
        The number of numeric scalars that it must store to predict.

    Raises:
        ResourceError: If the model's type has no definition.
        sklearn.exceptions.NotFittedError: If the model is not fitted.
    """
    if isinstance(model, BaseEstimator) and not isinstance(model, FunctionTransformer):
        check_is_fitted(model)
    total: int = _count(model)
    return total


@singledispatch
def _count(model: Any) -> int:
    kind = type(model)
    raise ResourceError(
        f"the parameters of a {kind.__module__}.{kind.__qualname__} cannot be counted: "
        "it has no definition of a parameter; leave ParameterCount out of the objectives "
        "(ModelSize measures any model)"
    )


def _arrays(*arrays: Any) -> int:
    """Sum the sizes of arrays; of a sparse one, what it stores."""
    return sum(
        int(array.size if hasattr(array, "size") else np.size(array))
        for array in arrays
        if array is not None
    )


@_count.register(LogisticRegression)
@_count.register(Ridge)
@_count.register(RidgeClassifier)
@_count.register(ElasticNet)
@_count.register(Lasso)
@_count.register(LinearRegression)
@_count.register(SGDClassifier)
@_count.register(SGDRegressor)
def _linear(model: Any) -> int:
    intercept = model.intercept_ if model.fit_intercept else None
    return _arrays(model.coef_, intercept)


@_count.register
def _tree(model: BaseDecisionTree) -> int:
    tree = model.tree_
    is_split = tree.children_left >= 0
    splits = int(is_split.sum())
    leaves = tree.node_count - splits
    samples = tree.n_node_samples
    by_majority = samples[tree.children_left] > samples[tree.children_right]
    learnt = (tree.missing_go_to_left.astype(bool) != by_majority)[is_split].any()
    outputs = int(tree.value.shape[1] * tree.value.shape[2])
    return (3 if learnt else 2) * splits + outputs * int(leaves)


@_count.register(RandomForestClassifier)
@_count.register(RandomForestRegressor)
@_count.register(ExtraTreesClassifier)
@_count.register(ExtraTreesRegressor)
def _forest(model: Any) -> int:
    return sum(_tree(tree) for tree in model.estimators_)


@_count.register(HistGradientBoostingClassifier)
@_count.register(HistGradientBoostingRegressor)
def _hist_gradient_boosting(model: Any) -> int:
    total = _arrays(model._baseline_prediction) + _sum([model._preprocessor])
    for predictor in (tree for round_ in model._predictors for tree in round_):
        nodes = predictor.nodes
        split = nodes["is_leaf"] == 0
        count = nodes["count"]
        by_majority = count[nodes["left"]] > count[nodes["right"]]
        learnt = ((nodes["missing_go_to_left"] != 0) != by_majority)[split].any()
        total += (3 if learnt else 2) * int(split.sum()) + int((~split).sum())
        total += _arrays(predictor.raw_left_cat_bitsets)
        categorical = split & (nodes["is_categorical"] != 0)
        total -= int(categorical.sum())  # the words take the threshold's place
    return total


@_count.register
def _lightgbm(model: LGBMModel) -> int:
    categories = model.booster_.pandas_categorical or []
    return int(_booster(model.booster_)) + _arrays(*map(np.asarray, categories))


@_count.register
def _booster(model: Booster) -> int:
    total = 0
    for tree in model.model_to_string().split("\nTree=")[1:]:
        leaves = int(_field(tree, "num_leaves")[0])
        decisions = np.array(_field(tree, "decision_type"), dtype=int)
        categorical = (decisions & 1) == 1
        missing = (((decisions >> 2) & 3) != 0) & ~categorical
        words = len(_field(tree, "cat_threshold"))
        linear = len(_field(tree, "leaf_coeff"))
        linear_constants = len(_field(tree, "leaf_const"))
        total += 2 * (leaves - 1) + leaves + int(missing.sum())
        total += words - int(categorical.sum()) + linear + linear_constants
    return total


def _field(tree: str, name: str) -> list[str]:
    found = re.search(rf"^{name}=(.*)$", tree, flags=re.MULTILINE)
    return found.group(1).split() if found else []


@_count.register(KNeighborsClassifier)
@_count.register(KNeighborsRegressor)
def _neighbors(model: Any) -> int:
    return _arrays(model._fit_X, model._y)


@_count.register(MLPClassifier)
@_count.register(MLPRegressor)
def _perceptron(model: Any) -> int:
    return _arrays(*model.coefs_, *model.intercepts_)


@_count.register
def _pipeline(model: Pipeline) -> int:
    return _sum(step for _, step in model.steps)


@_count.register
def _column_transformer(model: ColumnTransformer) -> int:
    inputs = model._transformer_to_input_indices
    return _sum(transformer for name, transformer, _ in model.transformers_ if len(inputs[name]))


def _sum(parts: Iterable[Any]) -> int:
    return sum(_count(part) for part in parts if part is not None and not isinstance(part, str))


@_count.register
def _function(model: FunctionTransformer) -> int:
    return 0


@_count.register
def _standard_scaler(model: StandardScaler) -> int:
    return _arrays(model.mean_ if model.with_mean else None, model.scale_)


@_count.register
def _robust_scaler(model: RobustScaler) -> int:
    return _arrays(model.center_, model.scale_)


@_count.register
def _min_max_scaler(model: MinMaxScaler) -> int:
    return _arrays(model.min_, model.scale_)


@_count.register
def _quantile_transformer(model: QuantileTransformer) -> int:
    return _arrays(model.quantiles_, model.references_)


@_count.register
def _imputer(model: SimpleImputer) -> int:
    return _arrays(model.statistics_)


@_count.register(OneHotEncoder)
@_count.register(OrdinalEncoder)
def _encoder(model: Any) -> int:
    return _arrays(*model.categories_)


@_count.register
def _pca(model: PCA) -> int:
    whitening = model.explained_variance_ if model.whiten else None
    return _arrays(model.components_, model.mean_, whitening)


@_count.register(SelectKBest)
@_count.register(SelectPercentile)
@_count.register(SelectFpr)
@_count.register(SelectFdr)
@_count.register(SelectFwe)
@_count.register(SelectFromModel)
@_count.register(VarianceThreshold)
def _selector(model: Any) -> int:
    return int(model.get_support().sum())

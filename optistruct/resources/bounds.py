"""What a structure will cost, told before it is fitted: a lower and an upper bound.

Linear models, perceptrons and nearest neighbours cost what their shape says, exactly. A tree may
stay a single leaf, and has at most as many leaves as its depth, its leaf limit and its rows allow;
forests and boosting follow from it and the number of rounds. What is not known here, another
estimator or a step whose number of columns depends on the data, is bounded by 0 and infinity: a
bound is never wrong, only wide.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce, singledispatch
from itertools import chain, pairwise
from numbers import Integral
from typing import Any

import numpy as np
from lightgbm import LGBMModel
from sklearn.base import is_regressor
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
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import BaseDecisionTree

from optistruct.resources.families.linear import LINEAR
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import stored_arrays
from optistruct.resources.threads import THREADS

__all__ = ["Bounds", "Cost", "Table", "bound_cost"]


_LIGHTGBM_NO_STRUCTURE = THREADS | {"deterministic", "seed", "verbose", "verbosity"}


@dataclass(frozen=True)
class Bounds:
    """The least and the most that a number can be."""

    low: float = 0.0
    high: float = math.inf

    def __add__(self, other: "Bounds") -> "Bounds":
        """Bound a sum."""
        return Bounds(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Cost:
    """Bounds of what a fitted structure will cost.

    Attributes:
        parameters: Of `count_parameters(model).total`.
        operations: Of `count_operations(model)`.
    """

    parameters: Bounds = Bounds()
    operations: Bounds = Bounds()

    def __add__(self, other: "Cost") -> "Cost":
        """Bound the cost of both together."""
        return Cost(self.parameters + other.parameters, self.operations + other.operations)


@dataclass(frozen=True)
class Table:
    """What is known of a table that a structure will be fitted on.

    Attributes:
        rows: Number of its rows.
        features: Number of its columns.
        classes: Number of its classes; 0 and 0 for a regression.
        has_categories: Whether some of its columns may hold categories.
        is_dense: Whether it is no sparse matrix.
    """

    rows: Bounds
    features: Bounds
    classes: Bounds
    has_categories: bool = False
    is_dense: bool = True

    @property
    def outputs(self) -> Bounds:
        """Outputs of a model that has one for a regression or for two classes, else one each."""
        return Bounds(*(c if c > 2 else 1.0 for c in (self.classes.low, self.classes.high)))


def bound_cost(structure: Any, table: Table) -> Cost:
    """Bound what a structure will cost when it is fitted on a table.

    Args:
        structure: An unfitted estimator.
        table: What is known of the table.
    """
    if _estimator.dispatch(type(structure)) is _estimator.dispatch(object):
        return Cost()
    if is_regressor(structure):  # it takes classes as numbers
        table = replace(table, classes=Bounds(0, 0))
    if not _is_counted_as_known(type(structure)):
        return Cost()
    return _estimator(structure, table)


def _is_counted_as_known(kind: type) -> bool:
    """Tell whether a type is counted as the one that its bounds are of, not by its own words."""
    base = next(base for base in kind.__mro__ if base in _estimator.registry)
    return all(
        definitions.dispatch(kind) is definitions.dispatch(base)
        for definitions in (stored_arrays, operations_per_row)
    )


@singledispatch
def _estimator(structure: Any, table: Table) -> Cost:
    return Cost()


@singledispatch
def _step(transformer: Any, table: Table) -> tuple[Cost, Table]:
    """Bound a transformer's cost, and tell what is known of the table behind it."""
    return Cost(), replace(table, features=Bounds(), is_dense=False)


def _span(function: Callable[..., float], *bounds: Bounds) -> Bounds:
    """Bound a function that grows with every argument."""
    return Bounds(
        function(*(bound.low for bound in bounds)), function(*(bound.high for bound in bounds))
    )


@_estimator.register(LINEAR)
def _linear(structure: Any, table: Table) -> Cost:
    intercept = 1 if structure.fit_intercept else 0
    return Cost(
        _span(lambda d, outputs: (d + intercept) * outputs, table.features, table.outputs),
        _span(lambda d, outputs: d * outputs, table.features, table.outputs),
    )


@_estimator.register(MLPClassifier | MLPRegressor)
def _perceptron(structure: Any, table: Table) -> Cost:
    hidden = structure.hidden_layer_sizes
    widths: list[int] = np.atleast_1d(hidden).tolist()

    def weights(d: float, outputs: float) -> float:
        return sum(a * b for a, b in pairwise([d, *widths, outputs]))

    def biases(d: float, outputs: float) -> float:
        return weights(d, outputs) + sum(widths) + outputs

    shape = (table.features, table.outputs)
    return Cost(_span(biases, *shape), _span(weights, *shape))


@_estimator.register(KNeighborsClassifier | KNeighborsRegressor)
def _neighbors(structure: Any, table: Table) -> Cost:
    if not table.is_dense or structure.metric == "precomputed":
        return Cost(Bounds(table.rows.low, math.inf))
    shape = (table.rows, table.features)
    return Cost(_span(lambda n, d: n * (d + 1), *shape), _span(lambda n, d: n * d, *shape))


@dataclass(frozen=True)
class _Trees:
    """A number of trees, each of at most so many leaves and so deep."""

    number: Bounds
    leaves: float
    depth: float

    def cost(self, values_a_leaf: Bounds, initial: Bounds = Bounds(0, 0)) -> Cost:
        """Bound their cost: from a single leaf each to 3 numbers a split and the leaves."""
        splits = self.leaves - 1
        return Cost(
            initial
            + Bounds(
                self.number.low * values_a_leaf.low,
                self.number.high * (3 * splits + values_a_leaf.high * self.leaves),
            ),
            Bounds(0.0, self.number.high * min(self.depth, splits)),
        )


def _trees(
    number: Bounds, table: Table, depth: int | None, most: int | None, least_rows: float
) -> _Trees:
    """Take the strictest limit on the leaves: depth, their number, or the rows that each needs."""
    depth_limit = math.inf if depth is None or depth < 1 else depth
    rows = table.rows.high
    by_rows = round(1 / least_rows) if 0 < least_rows < 1 else rows // max(least_rows, 1)
    by_depth = 2.0**depth_limit if depth_limit < 64 else math.inf
    leaves = min(by_depth, math.inf if most is None else most, by_rows, rows)
    return _Trees(number, max(leaves, 1), depth_limit)


def _classes(table: Table) -> Bounds:
    return _span(lambda classes: max(classes, 1.0), table.classes)


@_estimator.register(BaseDecisionTree)
def _tree(structure: Any, table: Table) -> Cost:
    return _forest_of(Bounds(1, 1), structure, table)


@_estimator.register(
    ExtraTreesClassifier | ExtraTreesRegressor | RandomForestClassifier | RandomForestRegressor
)
def _forest(structure: Any, table: Table) -> Cost:
    return _forest_of(Bounds(structure.n_estimators, structure.n_estimators), structure, table)


def _forest_of(number: Bounds, structure: Any, table: Table) -> Cost:
    trees = _trees(
        number, table, structure.max_depth, structure.max_leaf_nodes, structure.min_samples_leaf
    )
    return trees.cost(_classes(table))


@_estimator.register(HistGradientBoostingClassifier | HistGradientBoostingRegressor)
def _hist_gradient_boosting(structure: Any, table: Table) -> Cost:
    least = structure.max_iter if structure.early_stopping is False else 1
    number = _span(lambda r, k: r * k, Bounds(least, structure.max_iter), table.outputs)
    trees = _trees(
        number, table, structure.max_depth, structure.max_leaf_nodes, structure.min_samples_leaf
    )
    cost = trees.cost(Bounds(1, 1), initial=table.outputs)
    own = structure.categorical_features
    is_open = table.has_categories or not (own is None or isinstance(own, str))
    return _open_above(cost) if is_open else cost


@_estimator.register
def _lightgbm(structure: LGBMModel, table: Table) -> Cost:
    further = set(structure.get_params()) - set(LGBMModel().get_params())
    if further - _LIGHTGBM_NO_STRUCTURE:  # others may be aliases of what is read below
        return Cost()
    number = _span(lambda r, k: r * k, Bounds(1, structure.n_estimators), table.outputs)
    least_rows = 1  # min_child_samples is of rows that LightGBM estimates from their weights
    trees = _trees(number, table, structure.max_depth, structure.num_leaves, least_rows)
    cost = trees.cost(Bounds(1, 1), initial=Bounds(0, 0))
    return _open_above(cost) if table.has_categories else cost


def _open_above(cost: Cost) -> Cost:
    """Let the parameters be any number from the lower bound on: sets of categories are long."""
    return replace(cost, parameters=replace(cost.parameters, high=math.inf))


@_estimator.register
def _pipeline(structure: Pipeline, table: Table) -> Cost:
    *steps, (_, model) = structure.steps
    cost, behind = _through([step for _, step in steps], table)
    return cost if _is_nothing(model) else cost + bound_cost(model, behind)


def _through(steps: list[Any], table: Table) -> tuple[Cost, Table]:
    def follow(so_far: tuple[Cost, Table], step: Any) -> tuple[Cost, Table]:
        is_known = type(step) in _step.registry  # a subclass may hand on whatever it likes
        cost, behind = _step.dispatch(type(step) if is_known else object)(step, so_far[1])
        return so_far[0] + cost, behind

    nothing = Cost(Bounds(0, 0), Bounds(0, 0))
    return reduce(follow, [step for step in steps if not _is_nothing(step)], (nothing, table))


def _is_nothing(step: Any) -> bool:
    return step is None or step == "passthrough"


@_step.register
def _nested(transformer: Pipeline, table: Table) -> tuple[Cost, Table]:
    return _through([step for _, step in transformer.steps], table)


@_step.register
def _columns(transformer: ColumnTransformer, table: Table) -> tuple[Cost, Table]:
    """Add up the branches, where the columns of each are listed by name or place."""
    branches = [(step, columns) for _, step, columns in transformer.transformers]
    if not _are_listed([columns for _, columns in branches]):
        return _step.dispatch(object)(transformer, table)
    listed = {column for _, columns in branches for column in columns}
    left = _span(lambda d: max(d - len(listed), 0.0), table.features)
    sized = [(step, Bounds(len(columns), len(columns))) for step, columns in branches]
    cost, features = Cost(Bounds(0, 0), Bounds(0, 0)), Bounds(0, 0)
    is_dense, has_categories = table.is_dense, table.has_categories
    for step, width in [*sized, (transformer.remainder, left)]:
        if isinstance(step, str) and step == "drop":
            continue
        more, behind = _through([step], replace(table, features=width))
        is_dense = is_dense and behind.is_dense
        has_categories = has_categories or behind.has_categories
        if width.low > 0:  # a branch without columns is not fitted
            cost = cost + more
            features = features + behind.features
        elif width.high > 0:
            cost = cost + Cost(Bounds(0, more.parameters.high), Bounds(0, more.operations.high))
            features = features + Bounds(0, behind.features.high)
    return cost, replace(table, features=features, has_categories=has_categories, is_dense=is_dense)


def _are_listed(branches: list[Any]) -> bool:
    """Tell whether the columns of all branches are lists, of names, or of places from the first.

    By place and by name, or from either end, one column could be told twice.
    """
    if not all(isinstance(columns, list) for columns in branches):
        return False
    listed = list(chain.from_iterable(branches))
    return all(isinstance(column, str) for column in listed) or all(
        isinstance(column, Integral) and not isinstance(column, bool) and int(column) >= 0
        for column in listed
    )


@_step.register
def _function(transformer: FunctionTransformer, table: Table) -> tuple[Cost, Table]:
    """It keeps nothing itself, and what it hands on is the user's."""
    behind = replace(table, features=Bounds(), has_categories=True, is_dense=False)
    return Cost(Bounds(0, 0), Bounds(0, 0)), behind


@_step.register(MinMaxScaler | RobustScaler | StandardScaler)
def _scaler(transformer: Any, table: Table) -> tuple[Cost, Table]:
    switches = ("with_mean", "with_centering", "with_std", "with_scaling")
    arrays = 2 - sum(getattr(transformer, switch, True) is False for switch in switches)
    if not arrays:
        return Cost(Bounds(0, 0), Bounds(0, 0)), table
    return Cost(_span(lambda d: arrays * d, table.features), table.features), table


@_step.register
def _imputer(transformer: SimpleImputer, table: Table) -> tuple[Cost, Table]:
    is_constant = transformer.strategy == "constant"
    if is_constant or transformer.add_indicator or not transformer.keep_empty_features:
        return _step.dispatch(object)(transformer, table)
    return Cost(table.features, Bounds(0, 0)), table


@_step.register
def _pca(transformer: PCA, table: Table) -> tuple[Cost, Table]:
    count = transformer.n_components
    if not isinstance(count, int) or isinstance(count, bool) or transformer.whiten:
        return _step.dispatch(object)(transformer, table)
    width = Bounds(count, count)
    cost = Cost(
        _span(lambda d: count * d + d, table.features), _span(lambda d: count * d, table.features)
    )
    return cost, replace(table, features=width)


@_step.register
def _select(transformer: SelectKBest, table: Table) -> tuple[Cost, Table]:
    if not isinstance(transformer.k, int):
        return _step.dispatch(object)(transformer, table)
    width = _span(lambda d: min(d, transformer.k), table.features)
    return Cost(width, Bounds(0, 0)), replace(table, features=width)


@_step.register
def _ordinal(transformer: OrdinalEncoder, table: Table) -> tuple[Cost, Table]:
    return Cost(Bounds(table.features.low, math.inf), Bounds(0, 0)), table


@_step.register
def _one_hot(transformer: OneHotEncoder, table: Table) -> tuple[Cost, Table]:
    low = table.features.low if transformer.drop is None else 0.0
    is_dense = not transformer.sparse_output
    return (
        Cost(Bounds(table.features.low, math.inf), Bounds(0, 0)),
        replace(table, features=Bounds(low, math.inf), is_dense=is_dense),
    )

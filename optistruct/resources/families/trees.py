"""Decision trees, and forests of them.

| models | stored | operations a row |
|---|---|---|
| decision and extra tree | 2 a split (feature, threshold), C a leaf; directions | mean depth |
| random forest, extra trees | the sum of its trees | the sum |
| `RandomTreesEmbedding` | the splits and directions: which leaf is topology | the sum |
| `IsolationForest` | its splits and directions, 1 a leaf (its rows), 2 for the score | the sum |

C is the number of outputs: 1 for a regression, K for K classes; several targets add up. The mean
depth is that of the rows that the tree was fitted on, each counted once whatever its weight.

Directions: a split sends missing values left or right. A feature without missing values in
training sends them where most rows went, at each of its splits; nothing was learnt. The model
doesn't store which features those were, so a feature's splits store their direction, 1 more
each, if any of them in the whole tree or forest departs from the majority.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.tree import BaseDecisionTree

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, stored_arrays

_Array = NDArray[Any]
_NODES_IN_BLOCK = 20_000
_Forest = (
    RandomForestClassifier | RandomForestRegressor | ExtraTreesClassifier | ExtraTreesRegressor
)


def stored_trees(trees: Iterable[Any], columns: Sequence[_Array] | None = None) -> dict[str, Any]:
    """Hand out what fitted scikit-learn trees store, those of all trees in one row.

    Args:
        trees: The `tree_` of each.
        columns: For each tree the features that it numbers 0, 1, ...; None if all trees have all.
    """
    trees = list(trees)
    parts = zip(*(_Nodes(block).parts() for block in _blocks(trees)), strict=True)
    feature, threshold, direction, majority, value = map(np.concatenate, parts)
    if columns is not None:
        splits = [tree.node_count // 2 for tree in trees]
        widths = [len(numbers) for numbers in columns]
        feature = np.concatenate(columns)[np.repeat(np.cumsum(widths) - widths, splits) + feature]
    return {
        "feature": feature,
        "threshold": threshold,
        "direction": learnt_directions(feature, direction, majority),
        "value": value,
    }


def summed_depth(trees: Iterable[Any]) -> float:
    """Sum the mean depths of the rows that each tree was fitted on."""
    return sum(_Nodes(block).depth for block in _blocks(trees))


def _blocks(trees: Iterable[Any]) -> Iterator[list[Any]]:
    """Gather trees up to arrays that fit a cache: quicker than one by one, or than all at once."""
    block: list[Any] = []
    nodes = 0
    for tree in trees:
        block.append(tree)
        nodes += tree.node_count
        if nodes > _NODES_IN_BLOCK:
            yield block
            block, nodes = [], 0
    if block:
        yield block


class _Nodes:
    """The nodes of several trees in one row."""

    def __init__(self, trees: list[Any]) -> None:
        self.trees = trees
        self.left = self.each("children_left")
        self.splits = np.flatnonzero(self.left >= 0)  # places are far quicker than a mask
        self.rows = self.each("n_node_samples")
        self.root = roots(np.array([tree.node_count for tree in trees]))

    def each(self, name: str) -> _Array:
        return np.concatenate([getattr(tree, name) for tree in self.trees])

    @property
    def depth(self) -> float:
        return mean_depth(self.rows, self.root, self.splits)

    def parts(self) -> tuple[_Array, ...]:
        """The splits' features, thresholds, directions and majorities; the leaves' values."""
        root = self.root[self.splits]
        to_left = self.rows[root + self.left[self.splits]]
        to_right = self.rows[root + self.each("children_right")[self.splits]]
        return (
            self.each("feature")[self.splits],
            self.each("threshold")[self.splits],
            self.each("missing_go_to_left")[self.splits] != 0,
            to_left > to_right,
            self._values(),
        )

    def _values(self) -> _Array:
        """The leaves' outputs; targets of unlike numbers of classes are padded in a tree."""
        tree = self.trees[0]
        values = self.each("value")[np.flatnonzero(self.left < 0)]
        is_used = np.arange(tree.max_n_classes) < np.asarray(tree.n_classes)[:, None]
        return values if is_used.all() else values[:, is_used]


def roots(sizes: _Array) -> _Array:
    """Tell the place of each node's root, where trees of these sizes stand in one row."""
    return np.repeat(np.cumsum(sizes) - sizes, sizes)


def mean_depth(rows: _Array, root: _Array, splits: _Array) -> float:
    """Sum over trees the share of their rows that each split is asked of."""
    return float((rows[splits] / rows[root[splits]]).sum())


def learnt_directions(feature: _Array, direction: _Array, default: _Array) -> _Array:
    """Keep the directions of the features that anywhere depart from the default."""
    return direction[np.isin(feature, feature[direction != default])]


@stored_arrays.register(BaseDecisionTree)
def _tree(model: Any) -> Stored:
    return stored_trees([model.tree_])


@stored_arrays.register(_Forest)
def _forest(model: Any) -> Stored:
    return stored_trees(_members(model))


@stored_arrays.register(RandomTreesEmbedding)
def _embedding(model: Any) -> Stored:
    return {**stored_trees(_members(model)), "value": None}


@stored_arrays.register(IsolationForest)
def _isolation_forest(model: Any) -> Stored:
    trees = _members(model)
    rows = [tree.n_node_samples[tree.children_left < 0] for tree in trees]
    return {
        **stored_trees(trees, model.estimators_features_),
        "value": np.concatenate(rows),
        "max_samples": np.array([model.max_samples_]),
        "offset": model.offset_,
    }


@operations_per_row.register(BaseDecisionTree)
def _tree_operations(model: Any) -> float:
    return summed_depth([model.tree_])


@operations_per_row.register(_Forest | RandomTreesEmbedding | IsolationForest)
def _forest_operations(model: Any) -> float:
    return summed_depth(_members(model))


def _members(model: Any) -> list[Any]:
    return [tree.tree_ for tree in model.estimators_]

"""What each member of an ensemble costs; trees are read split by split, all in a row.

What counts is said in `resources/families/trees.py`: 2 numbers a split, the outputs of each leaf,
and 1 a split more where the tree, or the forest, learnt where missing values of its feature go.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import BaseDecisionTree

from optistruct.resources import count_operations, count_parameters
from optistruct.submodels.directions import added_directions

__all__ = [
    "MemberCosts",
    "Splits",
    "forest_costs",
    "member_costs",
    "splits_of",
    "without_directions",
]

_Array = NDArray[Any]


class Splits(NamedTuple):
    """The splits of a tree.

    Attributes:
        node: (n,) their places among the nodes.
        feature: (n,) the features that they ask for.
        learnt: (n,) whether missing values go where fewer rows went.
        share: (n,) the share of the tree's rows that each was asked of.
    """

    node: _Array
    feature: _Array
    learnt: _Array
    share: _Array


class MemberCosts(NamedTuple):
    """What each member adds to an ensemble of those before it.

    Attributes:
        parameters: (members,) numbers stored.
        operations: (members,) operations a row.
    """

    parameters: _Array
    operations: _Array


def splits_of(tree: Any) -> Splits:
    """Read the splits of a fitted tree.

    Args:
        tree: The `tree_` of a scikit-learn tree.
    """
    left = tree.children_left
    node = np.flatnonzero(left >= 0)
    rows = tree.n_node_samples
    most_go_left = rows[left[node]] > rows[tree.children_right[node]]
    learnt = (tree.missing_go_to_left[node] != 0) != most_go_left
    return Splits(node, tree.feature[node], learnt, rows[node] / rows[0])


def without_directions(tree: Any, splits: Any) -> Any:
    """Count the numbers in a tree of so many splits, but for the directions of missing values.

    Args:
        tree: The `tree_` that tells how many outputs a leaf has.
        splits: The number of splits, or an array of such.
    """
    return 2 * splits + int(np.sum(tree.n_classes)) * (splits + 1)


def member_costs(models: Sequence[Any]) -> MemberCosts:
    """Tell the costs of fitted models that count each by itself.

    Raises:
        ResourceError: If nobody has said what one of them costs.
    """
    if all(isinstance(model, BaseDecisionTree) for model in models):
        trees = _Trees([model.tree_ for model in models])
        return MemberCosts(trees.parameters + trees.directions_alone(), trees.operations)
    return MemberCosts(
        np.array([count_parameters(model).total for model in models]),
        np.array([count_operations(model) for model in models]),
    )


def forest_costs(trees: Sequence[Any]) -> MemberCosts:
    """Tell what each tree adds to the forest of those before it.

    Args:
        trees: The `tree_` of each.
    """
    gathered = _Trees(trees)
    return MemberCosts(gathered.parameters + gathered.directions_together(), gathered.operations)


class _Trees:
    """The splits of several trees in one row."""

    def __init__(self, trees: Sequence[Any]) -> None:
        each = [splits_of(tree) for tree in trees]
        counts = [len(splits.node) for splits in each]
        pairs = zip(trees, counts, strict=True)
        self.number = len(trees)
        self.features = max(tree.n_features for tree in trees)
        self.tree = np.repeat(np.arange(self.number), counts)
        self.feature = np.concatenate([splits.feature for splits in each])
        self.learnt = np.concatenate([splits.learnt for splits in each])
        self.parameters = np.array([without_directions(tree, count) for tree, count in pairs])
        self.operations = np.array([splits.share.sum() for splits in each])

    def directions_alone(self) -> _Array:
        """Count each tree's splits of the features that it learnt a direction of."""
        feature = self.tree * self.features + self.feature
        counted = np.isin(feature, feature[self.learnt])
        return np.bincount(self.tree[counted], minlength=self.number)

    def directions_together(self) -> _Array:
        """Count the splits whose direction is first stored with each tree."""
        return added_directions(self.tree, self.feature, self.learnt, self.number)

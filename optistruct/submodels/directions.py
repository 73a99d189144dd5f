"""With which tree the directions of missing values begin to count, in a sum of trees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["added_directions"]


def added_directions(
    tree: NDArray[Any], feature: NDArray[Any], learnt: NDArray[Any], trees: int
) -> NDArray[np.int64]:
    """Count the directions that are first stored with each tree.

    A split's direction is stored from its own tree on, if that or one before has learnt one of its
    feature, or else from the first tree that does.

    Args:
        tree: (splits,) the tree of each split.
        feature: (splits,) the feature that it asks for.
        learnt: (splits,) whether its direction departs from the default.
        trees: How many trees there are.

    Returns:
        (trees,) numbers.
    """
    first = np.full(feature.max(initial=-1) + 1, trees)
    np.minimum.at(first, feature[learnt], tree[learnt])
    since = np.maximum(tree, first[feature])
    return np.bincount(since, minlength=trees + 1)[:trees]

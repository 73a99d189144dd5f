"""The order in which cost-complexity pruning takes the splits of a tree away.

scikit-learn prunes a tree to one alpha, in a time that grows with the square of the tree; its path
of alphas doesn't say which splits fall. Here is the whole order in one go, by the same arithmetic,
so that each alpha cuts off exactly the same splits.
"""

import heapq
from collections.abc import Container
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pruning", "prune"]

_NEVER = np.iinfo(np.int64).max


class Pruning(NamedTuple):
    """What the pruning of a tree down to its root takes away, step by step.

    Attributes:
        alphas: (steps,) the alpha that each step needs at least; it never falls.
        removed: (nodes + 1,) the step that makes a split no split any more; -1 for what is none,
            and never for the last, which stands above the root.
        parent: (nodes,) the node above each; -1 above the root.
    """

    alphas: NDArray[np.float64]
    removed: NDArray[np.int64]
    parent: NDArray[np.int64]

    def steps(self, alpha: Any) -> Any:
        """Count the steps that an alpha asks for; of an array, for each."""
        return np.searchsorted(self.alphas, alpha, side="right")

    def leaves(self, nodes: NDArray[Any], steps: int) -> NDArray[Any]:
        """Tell which leaf of the pruned tree each node is in.

        Args:
            nodes: Leaves of the whole tree.
            steps: How many steps of pruning were made.
        """
        while True:
            above = self.parent[nodes]
            is_gone = self.removed[above] < steps
            if not is_gone.any():
                return nodes
            nodes = np.where(is_gone, above, nodes)


def prune(tree: Any) -> Pruning:
    """Prune a fitted tree down to its root, the weakest split first.

    Args:
        tree: The `tree_` of a scikit-learn tree; it is not changed.
    """
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    splits = [node for node, child in enumerate(left) if child >= 0]
    parent = [-1] * len(left)
    for node in splits:
        parent[left[node]] = parent[right[node]] = node
    weights = tree.weighted_n_node_samples
    risk = (weights * tree.impurity / weights[0]).tolist()
    branch, leaves = _below(left, parent, risk)
    alpha = {node: (risk[node] - branch[node]) / (leaves[node] - 1) for node in splits}
    least = dict(alpha)  # of each split's entries in the heap, which are never more than its alpha
    weakest = [(value, node) for node, value in alpha.items()]
    heapq.heapify(weakest)
    removed = [-1] * len(left)
    alphas: list[float] = []
    while weakest:
        value, node = heapq.heappop(weakest)
        now = alpha.get(node)
        if now is None:
            continue
        if now != value:
            least[node] = now
            heapq.heappush(weakest, (now, node))
            continue
        for gone in _splits_below(node, alpha, left, right):
            del alpha[gone]
            removed[gone] = len(alphas)
        alphas.append(value)
        fewer, more = leaves[node] - 1, risk[node] - branch[node]
        above = parent[node]
        while above >= 0:
            leaves[above] -= fewer
            branch[above] += more
            alpha[above] = now = (risk[above] - branch[above]) / (leaves[above] - 1)
            if now < least[above]:
                least[above] = now
                heapq.heappush(weakest, (now, above))
            above = parent[above]
    return Pruning(
        np.maximum.accumulate(np.array(alphas, dtype=np.float64)),
        np.array([*removed, _NEVER]),
        np.array(parent),
    )


def _splits_below(
    node: int, splits: Container[int], left: list[int], right: list[int]
) -> list[int]:
    """List a split and those below it that are left."""
    found, below = [], [node]
    while below:
        here = below.pop()
        if here in splits:
            found.append(here)
            below += (left[here], right[here])
    return found


def _below(left: list[int], parent: list[int], risk: list[float]) -> tuple[list[float], list[int]]:
    """Sum the risk of the leaves below each split, and count them."""
    branch, leaves = [0.0] * len(left), [0] * len(left)
    for leaf, child in enumerate(left):  # one by one: another order would round otherwise
        above = parent[leaf] if child < 0 else -1
        while above >= 0:
            branch[above] += risk[leaf]
            leaves[above] += 1
            above = parent[above]
    return branch, leaves

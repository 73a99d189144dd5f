"""What the trees of a LightGBM booster answer and cost, read from the booster."""

import ctypes
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from lightgbm.basic import _LIB  # type: ignore[attr-defined]
from numpy.typing import NDArray

from optistruct.submodels.member_costs import MemberCosts

__all__ = ["leaf_answers", "tree_costs"]

_BUFFER = 1 << 20  # LightGBM writes a text twice if it is longer

# `_LIB` would let go of the interpreter's lock, which takes longer than the reading.
_read_leaf = ctypes.PyDLL(_LIB._name).LGBM_BoosterGetLeafValue


def leaf_answers(
    booster: Any, by_tree: NDArray[np.int32], first: int
) -> Iterator[NDArray[np.float64]]:
    """Read what the leaves of each tree answer, from the first to the last one that is needed.

    `Booster.get_leaf_output` does so too, in three times the time.

    Args:
        booster: The booster.
        by_tree: (trees, rows) leaves that are needed.
        first: Number of the first of these trees.

    Yields:
        For each tree the answers up to the last leaf needed; those of the next overwrite them.
    """
    last = by_tree.max(axis=1)
    answers = (ctypes.c_double * (int(last.max()) + 1))()
    places = [ctypes.byref(answers, 8 * leaf) for leaf in range(len(answers))]
    read = np.ctypeslib.as_array(answers)
    for tree, number in enumerate((last + 1).tolist(), first):
        for leaf, place in enumerate(places[:number]):
            _read_leaf(booster._handle, tree, leaf, place)
        yield read[:number]


def tree_costs(booster: Any, rounds: int) -> MemberCosts:
    """Count what each tree adds.

    Args:
        booster: The booster.
        rounds: How many rounds it has.
    """
    parts = [*map(_tree_costs, _texts(booster, rounds))]
    return MemberCosts(*map(np.concatenate, zip(*parts, strict=True)))


def _texts(booster: Any, rounds: int) -> Iterator[str]:
    """Have all rounds written, as many at once as LightGBM writes in one go."""
    start, number = 0, 8
    while start < rounds:
        text = booster.model_to_string(num_iteration=number, start_iteration=start)
        yield text
        start += number
        trees = text.index("\nend of trees") - text.index("\nTree=")
        room = 0.9 * _BUFFER - (len(text) - trees)
        number = max(int(number * room / trees), 1) if room > _BUFFER / 2 else rounds


def _tree_costs(text: str) -> MemberCosts:
    """Count what each tree stores and computes; see `resources/families/lightgbm.py`."""
    leaves = _numbers(text, "num_leaves")
    tree = np.repeat(np.arange(len(leaves)), leaves - 1)
    decision = _numbers(text, "decision_type")
    is_categorical = (decision & 1) == 1
    has_direction = ((decision >> 2) & 3 != 0) & ~is_categorical
    count = np.bincount(tree, 2.0 + has_direction - is_categorical, len(leaves)) + leaves
    words = [len(line.split()) for line in _lines(text, "cat_threshold")]
    count[_numbers(text, "num_cat") > 0] += np.array(words, dtype=int)
    rows = _numbers(text, "internal_count")
    first = np.cumsum(leaves - 1) - (leaves - 1)
    operations = np.bincount(tree, rows / rows[first[tree]], len(leaves))
    is_linear = _numbers(text, "is_linear") == 1
    if is_linear.any():
        leaf = np.repeat(np.flatnonzero(is_linear), leaves[is_linear])
        terms = _numbers(text, "num_features")
        count += np.bincount(leaf, 1.0 + 2 * terms, len(leaves))
        in_linear = np.repeat(is_linear, leaves)
        rows = _numbers(text, "leaf_count")[in_linear]
        in_tree = np.bincount(leaf, rows, len(leaves))
        operations += np.bincount(leaf, terms * rows / in_tree[leaf], len(leaves))
    return MemberCosts(count.astype(int), operations)


def _numbers(text: str, name: str) -> NDArray[np.int64]:
    """Read one field of all trees in one row."""
    return np.fromstring(" ".join(_lines(text, name)).strip(), dtype=np.int64, sep=" ")


def _lines(text: str, name: str) -> list[str]:
    return re.findall(rf"\n{name}=(.*)", text)

"""LightGBM: classifier, regressor, ranker and booster; DART and random forests too.

| models | stored | operations a row |
|---|---|---|
| `LGBMModel`, `Booster` | 2 a split (feature, threshold), 1 a leaf; 1 a learnt direction | \
the mean depths of the trees |
| categorical splits | the words of the set in the threshold's place; the categories of a table | |
| `linear_tree` | a leaf's constant too, and 2 a term (feature, coefficient) | the mean terms |

The trees are those of the rounds that `predict` uses: after early stopping, up to the best one.
The initial score is 0 numbers: LightGBM adds it into the leaves of the first trees, as it does
with the shrinkage and with DART's weights. Missing values have a learnt direction at the numeric
splits of each feature that had any in training. A set of categories is as many words of 32 bits
as its largest code needs. The mean depths and terms are those of the rows that the trees were
fitted on.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
from lightgbm import Booster, LGBMModel
from numpy.typing import NDArray

from optistruct.resources.families.trees import mean_depth, roots
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Scalars, Stored, stored_arrays

_LOOKS, _ROUNDS = 4, 2  # one look takes as long as writing three rounds more


@stored_arrays.register(LGBMModel)
def _model(model: Any) -> Stored:
    return _booster(model.booster_)


@stored_arrays.register(Booster)
def _booster(booster: Any) -> Stored:
    rounds = _rounds(booster)
    plain = _of_plain_trees(booster, [rounds])
    stored = plain[0] if plain else _of_any_trees(booster)
    return {**stored, "categories": Scalars(count_categories(booster))}


def parameters_of_rounds(booster: Any, rounds: Sequence[int]) -> list[int] | None:
    """Count what the first rounds of a booster store, for several numbers of rounds at once.

    Args:
        booster: The booster; it has not stopped early.
        rounds: Numbers of rounds, none larger than there are.

    Returns:
        None where trees store more than plain ones, so that all must be written out.
    """
    plain = _of_plain_trees(booster, rounds)
    if plain is None:
        return None
    categories = count_categories(booster)
    return [sum(part.number for part in stored.values()) + categories for stored in plain]


def count_categories(booster: Any) -> int:
    """Count the categories of a table of pandas, which a booster of one stores."""
    return sum(map(len, booster.pandas_categorical or []))


def _of_plain_trees(booster: Any, rounds: Sequence[int]) -> list[dict[str, Scalars]] | None:
    """Count from a few trees, since writing out all takes as long as growing several.

    Whether missing values have a direction is the same for all splits on a feature, and how many
    those are is known at once. It holds for trees of one training; of a continued one, the trees
    that are looked at must agree.

    Returns:
        What each number of rounds stores; None where that doesn't do, or there are categorical
        splits or linear leaves.
    """
    has_direction = _directions(booster, max(rounds, default=1))
    if has_direction is None:
        return None
    directed = [feature for feature, does in has_direction.items() if does]
    outputs = booster.num_model_per_iteration()
    found = []
    for number in rounds:
        splits = booster.feature_importance("split", iteration=number)
        total = int(splits.sum())
        found.append(
            {
                "feature": Scalars(total),
                "threshold": Scalars(total),
                "direction": Scalars(int(splits[directed].sum())),
                "value": Scalars(total + number * outputs),
            }
        )
    return found


def _directions(booster: Any, rounds: int) -> dict[int, bool] | None:
    """Tell of each feature that is split on whether missing values have a direction there.

    Returns:
        None where trees do not agree in it, or are no plain ones.
    """
    splits = booster.feature_importance("split", iteration=rounds)
    has_direction: dict[int, bool] = {}
    first_rounds = [*np.linspace(0, max(0, rounds - _ROUNDS), _LOOKS, dtype=int)]
    used = [*np.flatnonzero(splits)]
    while first_rounds or used:
        if first_rounds:
            round_ = first_rounds.pop()
        elif (feature := used.pop()) in has_direction:
            continue
        else:
            round_ = _first_round(booster, feature, rounds)
        trees = _Trees(booster, round_, min(_ROUNDS, rounds - round_))
        if trees.are_special:
            return None
        for split_on, directed in zip(
            trees.each("split_feature"), trees.has_direction, strict=True
        ):
            if has_direction.setdefault(int(split_on), bool(directed)) != directed:
                return None
    return has_direction


def _first_round(booster: Any, feature: int, rounds: int) -> int:
    """Find the first round that splits on a feature, by halving."""

    def splits_up_to(round_: int) -> int:
        return int(booster.feature_importance("split", iteration=round_ + 1)[feature])

    return bisect_left(range(rounds), 1, key=splits_up_to)


def _of_any_trees(booster: Any) -> Stored:
    trees = _Trees(booster, 0, _rounds(booster))
    return {
        "feature": trees.each("split_feature"),
        "threshold": trees.each("threshold")[~trees.is_categorical],
        "category_sets": trees.each("cat_threshold"),
        "direction": trees.has_direction[trees.has_direction],
        "value": trees.each("leaf_value"),
        "constant": trees.each("leaf_const"),
        "term": trees.each("leaf_features"),
        "coefficient": trees.each("leaf_coeff"),
    }


@operations_per_row.register(LGBMModel)
def _model_operations(model: Any) -> float:
    return _booster_operations(model.booster_)


@operations_per_row.register(Booster)
def _booster_operations(booster: Any) -> float:
    trees = _Trees(booster, 0, _rounds(booster))
    leaves = trees.each("num_leaves").astype(int)
    rows = trees.each("internal_count")
    depth = mean_depth(rows, roots(leaves - 1), np.arange(len(rows)))
    terms = trees.each("num_features")
    if not terms.any():
        return depth
    rows, leaf_root = trees.each("leaf_count"), roots(leaves)
    in_tree = np.bincount(leaf_root, rows)[leaf_root]
    return depth + float((terms * rows / in_tree).sum())


def _rounds(booster: Any) -> int:
    """Tell how many rounds `predict` uses."""
    rounds: int = booster.num_trees() // booster.num_model_per_iteration()
    return min(booster.best_iteration, rounds) if booster.best_iteration > 0 else rounds


class _Trees:
    """Trees as LightGBM writes them; a field holds the numbers of all trees in one row."""

    def __init__(self, booster: Any, first_round: int, rounds: int) -> None:
        self.text = booster.model_to_string(num_iteration=rounds, start_iteration=int(first_round))
        self.decision = self.each("decision_type").astype(int)
        self.is_categorical = (self.decision & 1) == 1
        self.has_direction = (((self.decision >> 2) & 3) != 0) & ~self.is_categorical

    def each(self, name: str) -> NDArray[np.float64]:
        """Read one field of all trees."""
        lines = re.findall(rf"\n{name}=(.*)", self.text)  # ten times as fast as "^" in many lines
        return np.array(" ".join(lines).split(), dtype=float)

    @property
    def are_special(self) -> bool:
        """Whether they store more than plain ones, or LightGBM doesn't tell their splits."""
        has_more = self.each("num_cat").any() or self.each("is_linear").any()
        return bool(has_more or not (self.each("split_gain") > 0).all())

"""XGBoost: classifier, regressor, ranker, random forests and booster; imported when one comes.

| models | stored | operations a row |
|---|---|---|
| trees | 2 a split (feature, threshold), C a leaf; learnt directions; the initial score | \
the mean depths of the trees |
| `dart` | a weight a tree too | the same |
| categorical splits | the words of the set in the threshold's place; the categories of a table | |
| `gblinear` | the coefficients and intercepts; the initial score | the coefficients |

C is 1, K where one tree has K outputs (`multi_output_tree`). The initial score is 1 number, K for
K classes or targets. After early stopping, a scikit-learn model predicts with the rounds up to
the best one, which alone count; a booster predicts with all. A set of categories is as many words
of 32 bits as its largest code needs.

Directions: XGBoost writes one for missing values at every split; without missing values in
training they are all the same. So a feature's splits count theirs, 1 more each, if they differ.
Mean depths weigh a row by its hessian, since XGBoost stores no other number of rows (for a
squared error the hessian is 1; for a classification it is largest where the class is uncertain).
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xgboost import Booster, XGBModel

from optistruct.resources.families.trees import learnt_directions, mean_depth, roots
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Scalars, Stored, Weights, stored_arrays

_TYPES = {b"d": ">f4", b"D": ">f8", b"U": ">u1", b"i": ">i1", b"I": ">i2", b"l": ">i4", b"L": ">i8"}
_DELETED = 2**31 - 1


@stored_arrays.register(XGBModel)
def _model(model: Any) -> Stored:
    return _booster(_that_predicts(model))


@stored_arrays.register(Booster)
def _booster(booster: Any) -> Stored:
    fields = Fields(booster)
    linear = fields.each("weights")
    if linear.size:
        return {"coef": Weights(linear), "base_score": _base_score(booster)}
    nodes = Nodes(fields)
    feature = nodes.of_splits("split_indices")
    is_categorical = nodes.of_splits("split_type") == 1
    direction = nodes.of_splits("default_left")
    _, first, which = np.unique(feature, return_index=True, return_inverse=True)
    return {
        "feature": feature,
        "threshold": nodes.of_splits("split_conditions")[~is_categorical],
        "category_sets": _words(fields) if is_categorical.any() else None,
        "direction": learnt_directions(feature, direction, direction[first][which]),
        "value": nodes.values,
        "weight": fields.tree_weights(),
        "base_score": _base_score(booster),
        "categories": Scalars(int(fields.each("feature_segments").max(initial=0))),
    }


@operations_per_row.register(XGBModel)
def _model_operations(model: Any) -> float:
    return _booster_operations(_that_predicts(model))


@operations_per_row.register(Booster)
def _booster_operations(booster: Any) -> float:
    fields = Fields(booster)
    linear = fields.each("weights")
    if linear.size:
        return float(linear.size - len(_base_score(booster)))
    nodes = Nodes(fields)
    return mean_depth(fields.each("sum_hessian"), nodes.root, nodes.splits)


def _that_predicts(model: Any) -> Any:
    """Cut the rounds after the best one off, as the model's `predict` does."""
    booster = model.get_booster()
    best = booster.attr("best_iteration")
    return booster if best is None or model.booster == "gblinear" else booster[: int(best) + 1]


def _base_score(booster: Any) -> list[float]:
    learner = json.loads(booster.save_config())["learner"]
    return [*np.atleast_1d(json.loads(learner["learner_model_param"]["base_score"]))]


class Fields:
    """The arrays of a model in XGBoost's own format, UBJSON."""

    def __init__(self, booster: Any) -> None:
        self.raw = bytes(booster.save_raw("ubj"))

    def each(self, name: str) -> NDArray[Any]:
        """Read one field of all trees in one row; an empty array where there is none."""
        return np.concatenate([np.zeros(0, dtype=int), *self.by_tree(name)])

    def by_tree(self, name: str) -> Iterator[NDArray[Any]]:
        """Find each `name` that is a key, and behind it the type, length and items of an array."""
        key = b"L" + len(name).to_bytes(8, "big") + name.encode() + b"[$"
        place = self.raw.find(key)
        while place >= 0:
            start = place + len(key) + len(b"d#L") + 8
            kind = _TYPES[self.raw[start - 11 : start - 10]]
            items = np.frombuffer(
                self.raw, kind, int.from_bytes(self.raw[start - 8 : start], "big"), start
            )
            yield items
            place = self.raw.find(key, start + items.nbytes)

    def tree_weights(self) -> NDArray[Any]:
        """Read the weights of DART, the one array whose items each have their type before them."""
        _, _, found = self.raw.partition(b"weight_drop[#L")
        size = int.from_bytes(found[:8], "big")
        return np.frombuffer(found[8 : 8 + 5 * size], [("type", "S1"), ("weight", ">f4")])["weight"]


class Nodes:
    """The nodes of all trees in one row."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        left = [*fields.by_tree("left_children")]
        self.root = roots(np.array([len(nodes) for nodes in left]))
        self.splits = np.flatnonzero(np.concatenate(left) >= 0)
        self.leaves = np.flatnonzero(np.concatenate(left) < 0)

    def of_splits(self, name: str) -> NDArray[Any]:
        """Hand out a field of the nodes that split."""
        return self.fields.each(name)[self.splits]

    @property
    def values(self) -> NDArray[Any]:
        """The outputs of the leaves; where a leaf has several, they have an array of their own."""
        several = self.fields.each("leaf_weights")
        kept = self.leaves[self.fields.each("split_indices")[self.leaves] != _DELETED]
        return several if several.size else self.fields.each("split_conditions")[kept]


def _words(fields: Fields) -> NDArray[Any]:
    """Write the sets of categories as XGBoost does when it predicts: a bit for each code."""
    words = [np.zeros(0, dtype=np.uint32)]
    each = (fields.by_tree(f"categories{part}") for part in ("", "_segments", "_sizes"))
    for codes, starts, sizes in zip(*each, strict=True):
        for start, size in zip(starts, sizes, strict=True):
            bits = np.bincount(codes[start : start + size])
            bits = np.pad(bits, (0, -len(bits) % 32)).astype(bool)
            words.append(np.packbits(bits).view(np.uint32))
    return np.concatenate(words)

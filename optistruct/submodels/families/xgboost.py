"""XGBoost: the first rounds of a boosting are a fit of so many rounds; imported when one comes.

A prediction goes on from a margin as from the trees before it: XGBoost adds the trees to it in
their order, in the same precision.
"""

import copy
import json
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xgboost import Booster, XGBModel, XGBRFClassifier, XGBRFRegressor
from xgboost.callback import EarlyStopping

from optistruct.resources.families.xgboost import Fields, Nodes
from optistruct.submodels.directions import added_directions
from optistruct.submodels.member_costs import MemberCosts
from optistruct.submodels.nested import Method, SubmodelCost
from optistruct.submodels.registry import nested_in
from optistruct.submodels.rounds import RoundsSubmodels
from optistruct.submodels.step_time import StepTime

__all__ = ["XGBoostSubmodels"]

_FOREST_OF_A_ROUND = (XGBRFClassifier, XGBRFRegressor)
_CATEGORIES = '"cats":'


@nested_in(XGBModel)
class XGBoostSubmodels(RoundsSubmodels):
    """The first rounds of an XGBoost model; a round may be of several trees."""

    parameter = "n_estimators"
    step_time = StepTime(1e-4, 8e-9, is_per_output=True)

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what has no rounds, DART, early stopping, and what goes on from another model."""
        kind = type(structure).__name__
        if isinstance(structure, _FOREST_OF_A_ROUND):
            return (
                f"a {kind} divides what its leaves answer by the number of trees, so its first "
                "trees are no forest of fewer"
            )
        if structure.booster == "gblinear":
            return "a linear booster holds no submodels: every round changes the coefficients"
        if structure.booster == "dart":
            return (
                "DART weighs its first trees anew in every round, so they are not the model of "
                "fewer: set booster='gbtree'"
            )
        if structure.early_stopping_rounds is not None or any(
            isinstance(callback, EarlyStopping) for callback in structure.callbacks or ()
        ):
            return (
                "with early stopping the number of rounds is chosen by validation data, not by "
                "n_estimators: set early_stopping_rounds=None, and no such callback"
            )
        if not structure.__sklearn_is_fitted__():
            return None
        rounds = structure.get_booster().num_boosted_rounds()
        if rounds != structure.get_num_boosting_rounds():
            return (
                f"this {kind} has {rounds} rounds, not n_estimators of them: it goes on from "
                "another model, or a callback ended it; fit it without"
            )
        return None

    def span(self) -> tuple[int, int]:
        """Hold from one round to all."""
        return 1, self.model.get_num_boosting_rounds()

    def rounds(self) -> int:
        """Count the rounds, of which there are as many as were asked for."""
        return self.span()[1]

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Predict with the rounds that are new in each, from the margin of those before."""
        predict = getattr(self.model, method)
        new: dict[str, Any] = {}
        for start, end in pairwise([0, *self.values]):
            margin = self.model.predict(X, output_margin=True, **new) if start else None
            new = {"iteration_range": (start, end), "base_margin": margin}
            yield predict(X, **new)

    def costs(self) -> list[SubmodelCost]:
        """Read the trees once."""
        return self.costs_with(self._added_costs)

    @cached_property
    def _added_costs(self) -> MemberCosts:
        """What each tree adds to those before it."""
        return _tree_costs(self.model.get_booster())

    def materialize(self, value: int) -> Any:
        """Copy the model with its first rounds only, and what evaluations told of those."""
        smaller = copy.copy(self.model)
        if hasattr(smaller, "kwargs"):
            smaller.kwargs = dict(smaller.kwargs)
        smaller.n_estimators = value
        smaller._Booster = _first_rounds(self.model.get_booster(), value)
        if hasattr(smaller, "evals_result_"):
            smaller.evals_result_ = {
                table: {metric: told[:value] for metric, told in metrics.items()}
                for table, metrics in smaller.evals_result_.items()
            }
        return smaller


def _first_rounds(booster: Any, value: int) -> Any:
    """Cut a booster, and keep a table's categories: XGBoost 3.2 loses them (its issue 12462)."""
    smaller = booster[:value]
    if "c" not in (booster.feature_types or ()):
        return smaller
    whole = booster.save_raw("json").decode()
    place = whole.index(_CATEGORIES) + len(_CATEGORIES)
    parts = json.loads(smaller.save_raw("json"))
    model = parts["learner"]["gradient_booster"]["model"]
    model["cats"], _ = json.JSONDecoder().raw_decode(whole, place)
    complete = Booster()
    complete.load_model(bytearray(json.dumps(parts), "utf-8"))
    complete.load_config(smaller.save_config())
    return complete


def _tree_costs(booster: Any) -> MemberCosts:
    """Count what each tree stores and computes; see `resources/families/xgboost.py`."""
    fields = Fields(booster)
    nodes = Nodes(fields)
    sizes = [len(left) for left in fields.by_tree("left_children")]
    trees = len(sizes)
    tree = np.repeat(np.arange(trees), sizes)[nodes.splits]
    feature, direction = nodes.of_splits("split_indices"), nodes.of_splits("default_left")
    _, first, which = np.unique(feature, return_index=True, return_inverse=True)
    splits = np.bincount(tree, minlength=trees)
    categorical = np.bincount(tree[nodes.of_splits("split_type") == 1], minlength=trees)
    several = np.array([len(outputs) for outputs in fields.by_tree("leaf_weights")])
    leaves = several if several.any() else splits + 1
    directions = added_directions(tree, feature, direction != direction[first][which], trees)
    rows = fields.each("sum_hessian")
    return MemberCosts(
        2 * splits - categorical + _category_words(fields) + leaves + directions,
        np.bincount(tree, rows[nodes.splits] / rows[nodes.root[nodes.splits]], trees),
    )


def _category_words(fields: Any) -> NDArray[Any]:
    """Count the words of 32 bits in each tree's sets of categories: a bit for each code."""
    each = (fields.by_tree(f"categories{part}") for part in ("", "_segments", "_sizes"))
    words = []
    for codes, starts, sizes in zip(*each, strict=True):
        ends = starts + sizes
        words.append(
            sum(int(codes[a:b].max()) // 32 + 1 for a, b in zip(starts, ends, strict=True))
        )
    return np.array(words)

"""Gradient boosting in scikit-learn: the first rounds are a boosting of fewer.

A round depends on those before it only, and what is drawn at random is drawn round by round. Early
stopping holds rows back before the first round, ends when the last ones gained nothing, and keeps
all of them; so the first rounds are those of a fit that would have ended there.
"""

import copy
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from optistruct.submodels.directions import added_directions
from optistruct.submodels.member_costs import MemberCosts, forest_costs
from optistruct.submodels.nested import Method, SubmodelCost
from optistruct.submodels.objections import warm_start
from optistruct.submodels.registry import nested_in
from optistruct.submodels.rounds import RoundsSubmodels
from optistruct.submodels.step_time import StepTime

__all__ = ["GradientBoostingSubmodels", "HistGradientBoostingSubmodels"]

_Array = NDArray[Any]


class _BoostingSubmodels(RoundsSubmodels):
    """The first rounds of a boosting of scikit-learn's."""

    @abstractmethod
    def tree_costs(self) -> MemberCosts:
        """Tell what each tree adds to those before it."""

    def responses(self, X: Any, method: Method) -> Iterator[_Array]:
        """Let scikit-learn add up the trees, and make an answer of the sums at each submodel."""
        getattr(self.model, method)
        told = copy.copy(self.model)
        stages = self.model._staged_raw_predict(X)
        done = 0
        for value in self.values:
            for raw in islice(stages, value - done):
                told._raw_predict = lambda X, raw=raw: raw
            done = value
            yield getattr(told, method)(X)

    @cached_property
    def _added_costs(self) -> MemberCosts:
        return self.tree_costs()

    def costs(self) -> list[SubmodelCost]:
        """Read the trees once."""
        return self.costs_with(self._added_costs)


@nested_in(GradientBoostingClassifier, GradientBoostingRegressor)
class GradientBoostingSubmodels(_BoostingSubmodels):
    """The first rounds of a gradient boosting."""

    parameter = "n_estimators"
    step_time = StepTime(5e-4, 1e-7, is_per_output=True)

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what may be made of several fits."""
        return warm_start(structure)

    def rounds(self) -> int:
        """Count the rounds there are."""
        return len(self.model.estimators_)

    def tree_costs(self) -> MemberCosts:
        """Read the trees; which directions are stored is a matter of all the trees so far."""
        return forest_costs([tree.tree_ for tree in self.model.estimators_.ravel()])

    def materialize(self, value: int) -> Any:
        """Copy the boosting with its first rounds only, and what the fit told of those."""
        smaller = copy.copy(self.model)
        smaller.n_estimators = value
        for name in ("estimators_", "train_score_", "oob_improvement_", "oob_scores_"):
            if hasattr(smaller, name):
                setattr(smaller, name, getattr(smaller, name)[:value].copy())
        smaller.n_estimators_ = len(smaller.estimators_)
        if hasattr(smaller, "oob_scores_"):
            smaller.oob_score_ = smaller.oob_scores_[-1]
        return smaller


@nested_in(HistGradientBoostingClassifier, HistGradientBoostingRegressor)
class HistGradientBoostingSubmodels(_BoostingSubmodels):
    """The first rounds of a histogram gradient boosting."""

    parameter = "max_iter"
    step_time = StepTime(4e-4, 8e-9, is_per_output=True)

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what may be made of several fits."""
        return warm_start(structure)

    def rounds(self) -> int:
        """Count the rounds there are."""
        return int(self.model.n_iter_)

    def tree_costs(self) -> MemberCosts:
        """Count what each tree stores and computes; see `resources/families/boosting.py`."""
        trees = [tree for round_ in self.model._predictors for tree in round_]
        nodes = np.concatenate([tree.nodes for tree in trees])
        sizes = np.array([len(tree.nodes) for tree in trees])
        split = np.flatnonzero(nodes["is_leaf"] == 0)
        tree = np.repeat(np.arange(len(trees)), sizes)[split]
        root = (np.cumsum(sizes) - sizes)[tree]
        rows, feature = nodes["count"], nodes["feature_idx"][split]
        most_go_left = rows[root + nodes["left"][split]] > rows[root + nodes["right"][split]]
        learnt = (nodes["missing_go_to_left"][split] != 0) != most_go_left
        splits = np.bincount(tree, minlength=len(trees))
        categorical = np.bincount(tree, nodes["is_categorical"][split], len(trees)).astype(int)
        words = np.array([one.raw_left_cat_bitsets.size for one in trees])
        directions = added_directions(tree, feature, learnt, len(trees))
        return MemberCosts(
            2 * splits - categorical + words + (splits + 1) + directions,
            np.bincount(tree, rows[split] / rows[root], len(trees)),
        )

    def materialize(self, value: int) -> Any:
        """Copy the boosting with its first rounds only, and what the fit told of those."""
        smaller = copy.copy(self.model)
        vars(smaller).pop("_raw_predict", None)  # a fit that scores its rounds leaves its own
        smaller.max_iter = value
        smaller._predictors = self.model._predictors[:value]
        for name in ("train_score_", "validation_score_"):  # they begin before the first round
            setattr(smaller, name, getattr(smaller, name)[: value + 1].copy())
        return smaller

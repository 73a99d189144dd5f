"""Decision trees: a tree pruned with a larger `ccp_alpha` is a part of the one that was fitted.

A tree is grown whole and then pruned, so a fit with a larger alpha differs in the pruning only.
"""

import copy
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from optistruct.submodels.member_costs import splits_of, without_directions
from optistruct.submodels.nested import Method, SubmodelCost, Submodels
from optistruct.submodels.objections import several_targets
from optistruct.submodels.pruning import Pruning, prune
from optistruct.submodels.registry import nested_in

__all__ = ["TreeSubmodels"]


@nested_in(DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)
class TreeSubmodels(Submodels):
    """The trees that larger values of `ccp_alpha` leave of a tree, down to its root.

    Small trees have large alphas, so the values fall.
    """

    parameter = "ccp_alpha"

    falls = True

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse several targets at once."""
        return several_targets(structure)

    @property
    def difference(self) -> str | None:  # type: ignore[override]
        """Only a value that is a split's own alpha, in a tree that was pruned by its fit."""
        own = self.model.ccp_alpha
        smaller = np.array([value for value in self.values if value > own])
        if own == 0 or not np.isclose(smaller[:, np.newaxis], self._pruning.alphas).any():
            return None
        return (
            "the tree was pruned when it was fitted: where a larger ccp_alpha meets that of a "
            "split to the last digits, rounding decides whether the split stays"
        )

    def span(self) -> tuple[float, float]:
        """Hold every alpha from that of the fit."""
        return self.model.ccp_alpha, float("inf")

    def all_values(self) -> Sequence[float]:
        """List the alphas at which splits fall, and that of the fit."""
        own = self.model.ccp_alpha
        alphas = np.unique(self._pruning.alphas)
        return *alphas[alphas > own][::-1].tolist(), own

    def among(self, values: Sequence[Any]) -> Self:
        """Keep the submodels of these values only.

        Args:
            values: Alphas, falling.

        Raises:
            ArgumentError: If one of them is less than that of the fit.
        """
        fewer = super().among(values)
        fewer._pruning = self._pruning
        return fewer

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Find the rows' leaves once; each submodel answers with a node on the way there."""
        getattr(self.model, method)
        leaves, rows = np.unique(self.model.apply(X), return_inverse=True)
        answers = self._answers(method)
        for steps in self._steps():
            yield answers[self._pruning.leaves(leaves, steps)][rows]

    def _answers(self, method: Method) -> NDArray[Any]:
        """List what each node would answer as a leaf."""
        values: NDArray[Any] = self.model.tree_.value[:, 0]
        if not is_classifier(self.model):
            return values[:, 0]
        if method == "predict_proba":
            return values
        labels: NDArray[Any] = self.model.classes_.take(values.argmax(axis=1))
        return labels

    def costs(self) -> list[SubmodelCost]:
        """Count the splits that each alpha leaves."""
        tree, steps = self.model.tree_, self._steps()
        splits = splits_of(tree)
        removed = self._pruning.removed[splits.node]
        # A direction is stored as long as a split of the feature that learnt one is there.
        last = np.full(tree.n_features, -1)
        np.maximum.at(last, splits.feature[splits.learnt], removed[splits.learnt])
        stored = np.minimum(removed, last[splits.feature])
        order = np.argsort(removed, kind="stable")
        depth = np.append(np.cumsum(splits.share[order][::-1])[::-1], 0.0)
        fallen = np.searchsorted(removed[order], steps)
        directions = len(stored) - np.searchsorted(np.sort(stored), steps)
        parameters = without_directions(tree, len(removed) - fallen) + directions
        return [
            SubmodelCost(int(number), float(operations))
            for number, operations in zip(parameters, depth[fallen], strict=True)
        ]

    def materialize(self, value: float) -> Any:
        """Copy the tree and let scikit-learn prune it."""
        smaller = copy.copy(self.model)
        smaller.ccp_alpha = value
        if value > self.model.ccp_alpha:
            smaller._prune_tree()
        return smaller

    def _steps(self) -> NDArray[Any]:
        """Tell how many steps of pruning lead to each submodel; none to the model itself."""
        is_whole = np.array(self.values) == self.model.ccp_alpha
        return np.where(is_whole, 0, self._pruning.steps(self.values))

    @cached_property
    def _pruning(self) -> Pruning:
        return prune(self.model.tree_)

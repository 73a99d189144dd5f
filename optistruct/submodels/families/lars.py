"""Least angle regression: the path to a model passes through those of fewer coefficients.

`Lars` without an intercept only. The fitted model keeps the path of the coefficients, but not the
means of the features, from which the intercept of a smaller model follows. The path of a
`LassoLars` ends between two of its steps, so that a model on the last stretch differs from a refit
in the last bits; orthogonal matching pursuit keeps no path at all. Both are thresholded as other
linear models are.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Lars

from optistruct.resources import count_operations, count_parameters
from optistruct.submodels.nested import Method, SubmodelCost, Submodels
from optistruct.submodels.registry import nested_in

__all__ = ["LarsSubmodels"]


@nested_in(Lars)
class LarsSubmodels(Submodels):
    """The models of a regression's first steps, each of which adds a coefficient.

    Every value up to the model's own is held: where the path ends before, all values beyond stand
    for the whole model. Zeros are stored as other coefficients are, so all cost the same.
    """

    parameter = "n_nonzero_coefs"

    @classmethod
    def objection(cls, structure: Any) -> str | None:
        """Refuse what keeps no path, or not all that a smaller model needs."""
        if structure.fit_intercept:
            return (
                "the intercept of a Lars with fewer coefficients needs the means of the features, "
                "which the fitted model does not keep: centre X and y, and set fit_intercept=False"
            )
        if not structure.fit_path:
            return "a Lars with fit_path=False does not keep its path: set fit_path=True"
        if np.ndim(getattr(structure, "coef_", 0)) > 1:
            return "this Lars predicts several targets: submodels are of one"
        return None

    def span(self) -> tuple[int, int]:
        """Hold from one coefficient to as many as there could have been."""
        return 1, self.model.n_nonzero_coefs

    def all_values(self) -> Sequence[int]:
        """Count the steps; the last value is the model's own."""
        return *range(1, self.model.n_iter_), self.model.n_nonzero_coefs

    def responses(self, X: Any, method: Method) -> Iterator[NDArray[Any]]:
        """Ask the submodels one by one: each is one product of matrices."""
        getattr(self.model, method)
        for value in self.values:
            yield getattr(self.materialize(value), method)(X)

    def costs(self) -> list[SubmodelCost]:
        """Count the model once."""
        cost = SubmodelCost(count_parameters(self.model).total, count_operations(self.model))
        return [cost] * len(self)

    def materialize(self, value: int) -> Any:
        """Copy the model with the first steps of its path only."""
        smaller = copy.copy(self.model)
        smaller.n_nonzero_coefs = value
        if value < self.model.n_iter_:
            smaller.n_iter_ = value
            smaller.alphas_ = self.model.alphas_[: value + 1].copy()
            smaller.active_ = self.model.active_[:value]
            smaller.coef_path_ = self.model.coef_path_[:, : value + 1].copy()
            smaller.coef_ = self.model.coef_path_[:, value].copy()
        return smaller

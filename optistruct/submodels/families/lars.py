"""Least angle regression: the path to a model passes through those of fewer coefficients.

`Lars` without an intercept only. The fitted model keeps the path of the coefficients, but not the
means of the features, from which the intercept of a smaller model follows. The path of a
`LassoLars` ends between two of its steps, so that a model on the last stretch differs from a refit
in the last bits; orthogonal matching pursuit keeps no path at all. Both are thresholded as other
linear models are.
"""

import copy
from typing import Any

import numpy as np
from sklearn.linear_model import Lars

from optistruct.submodels.nested import SubmodelCost
from optistruct.submodels.registry import nested_in
from optistruct.submodels.rounds import RoundsSubmodels

__all__ = ["LarsSubmodels"]


@nested_in(Lars)
class LarsSubmodels(RoundsSubmodels):
    """The models of a regression's first steps, each of which adds a coefficient.

    Zeros are stored as other coefficients are, so all cost the same.
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

    def rounds(self) -> int:
        """Count the steps there are."""
        return int(self.model.n_iter_)

    def costs(self) -> list[SubmodelCost]:
        """Count the model once."""
        return self.costs_alike()

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

"""Linear models: fewer features, those of the smallest coefficients set to 0.

What counts is a feature's largest absolute coefficient over all classes or targets. Coefficients
compare only where the features are on one scale, and no feature is scaled here: put a scaler
before the model. The intercept stays, so that the features should be centred, too.

Zeros are stored as other numbers are. Classifiers that scikit-learn can make sparse (`sparsify`),
and regressions by stochastic gradient descent, are made so as soon as that stores fewer numbers;
the other regressions keep their number of parameters, and only the effective ones become fewer.

The epochs of stochastic gradient descent are no submodels: all of them run in one call that keeps
none, and `partial_fit`, epoch by epoch, shuffles and rounds otherwise.
"""

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import Lars, LarsCV, LassoLars

from optistruct.exceptions import NoSubmodelsError
from optistruct.resources import count_operations, count_parameters
from optistruct.resources.families.linear import LINEAR
from optistruct.submodels.nested import SubmodelCost, Submodels
from optistruct.submodels.registry import nested_in

__all__ = ["LinearSubmodels"]

_Array = NDArray[Any]
_AVERAGES = ("_standard_coef", "_average_coef", "_standard_intercept", "_average_intercept")
_TYPES = [kind for kind in get_args(LINEAR) if kind is not Lars]


@nested_in(*_TYPES, LarsCV, LassoLars)
class LinearSubmodels(Submodels):
    """The models of a linear model's strongest features; of features that tie, the first ones.

    The parameter is no setting of the model: what is asked for is how many features have a
    coefficient that isn't 0, which shows in `coef_` only.
    """

    parameter = "n_nonzero_features"
    difference = (
        "a submodel keeps the features of the largest absolute coefficients and sets the others to "
        "0; no setting asks for that, and what is left is not fitted again"
    )

    @classmethod
    def parameter_of(cls, structure: Any) -> str:
        """Name the parameter of a fitted model.

        Raises:
            NoSubmodelsError: If it is not fitted, since then nothing can ask for a submodel.
        """
        if not hasattr(structure, "coef_"):
            raise NoSubmodelsError(
                f"no parameter of a {type(structure).__name__} asks for fewer features: "
                "its submodels are known once it is fitted"
            )
        return cls.parameter

    def span(self) -> tuple[int, int]:
        """Hold from one feature to all that have a coefficient."""
        used = int(np.count_nonzero(self._strength))
        return min(1, used), used

    def all_values(self) -> Sequence[int]:
        """Count from one feature to all."""
        low, high = self.span()
        return range(low, high + 1)

    def costs(self) -> list[SubmodelCost]:
        """Count the coefficients that are left, stored as each submodel does."""
        whole = count_parameters(self.model)
        intercept = whole.by_part.get("intercept", 0)
        costs = []
        for value in self.values:
            if value == self.span()[1]:
                cost = SubmodelCost(whole.total, count_operations(self.model))
            elif self._is_sparse(value):
                nonzero = self._nonzero(value)
                cost = SubmodelCost(self._stored_sparse(value) + intercept, float(nonzero))
            else:
                cost = SubmodelCost(self._coef.size + intercept, float(self._coef.size))
            costs.append(cost)
        return costs

    def materialize(self, value: int) -> Any:
        """Copy the model with the coefficients of its strongest features only."""
        smaller = copy.deepcopy(self.model)  # partial_fit changes coefficients in place
        if value < self.span()[1]:
            smaller.coef_ = np.zeros_like(self._coef)
            kept = self._order[:value]
            smaller.coef_[..., kept] = self._coef[..., kept]
            if self._is_sparse(value):
                smaller.sparsify()
            for name in _AVERAGES:  # of the steps of the whole model's training
                vars(smaller).pop(name, None)
        return smaller

    def _is_sparse(self, value: int) -> bool:
        """Tell whether a submodel stores fewer numbers as a sparse matrix."""
        return hasattr(self.model, "sparsify") and self._stored_sparse(value) < self._coef.size

    def _stored_sparse(self, value: int) -> int:
        """Count the coefficients, their columns, and where the rows begin and end."""
        rows = int(self._coef.size // self._coef.shape[-1])
        return 2 * self._nonzero(value) + rows + 1

    def _nonzero(self, value: int) -> int:
        return int(np.count_nonzero(self._coef[..., self._order[:value]]))

    @cached_property
    def _coef(self) -> _Array:
        """(features,) or (outputs, features) coefficients, not sparse."""
        stored = self.model.coef_
        coef: _Array = stored.toarray() if sparse.issparse(stored) else stored
        return coef

    @cached_property
    def _strength(self) -> _Array:
        """(features,) the largest absolute coefficient of each."""
        strength: _Array = np.abs(self._coef).reshape(-1, self._coef.shape[-1]).max(axis=0)
        return strength

    @cached_property
    def _order(self) -> _Array:
        """(features,) from the strongest feature to the weakest."""
        return np.argsort(-self._strength, kind="stable")

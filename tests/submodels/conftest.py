"""The law that every submodel keeps, checked for any model and any data, and data to check on."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from optistruct.resources import count_operations, count_parameters
from optistruct.submodels import Submodels, submodels_of

METHODS = ("predict", "predict_proba", "decision_function")

Check = Callable[..., Submodels]


def shuffled(load: Callable[..., Any], rows: int = 120) -> tuple[Any, Any, Any]:
    """Shuffle a table; its first rows with their target, and the other rows."""
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order[:rows]], y[order[:rows]], X[order[rows:]]


def with_holes(X: Any) -> Any:
    """Make holes in rows of large values, which then go with the few."""
    X = X.copy()
    X[np.argsort(X[:, 0])[-20:], 1] = np.nan
    X[::9, 3] = np.nan
    return X


def half_squared_error(y: Any, predicted: Any) -> tuple[Any, Any]:
    """An objective of one's own: its gradient and second derivative."""
    return predicted - y, np.ones(len(y))


@pytest.fixture
def assert_law() -> Check:
    """Compare submodels with refits: `assert_law(model, X, y, held_out, values, **fit)`.

    Answers, with those of the one pass, and costs; it returns the submodels.
    """

    def check(
        model: Any, X: Any, y: Any, held_out: Any, values: Sequence[Any] | None = None, **fit: Any
    ) -> Submodels:
        submodels = submodels_of(clone(model).fit(X, y, **fit))
        if values is not None:
            submodels = submodels.among(values)
        methods = [method for method in METHODS if hasattr(submodels.model, method)]
        responses = {method: list(submodels.responses(held_out, method)) for method in methods}
        costs = submodels.costs()
        assert len(costs) == len(submodels)
        assert submodels.parameters() == [cost.parameters for cost in costs]
        for place, submodel in enumerate(submodels):
            built = submodel.materialize()
            refit = clone(model).set_params(**{submodel.parameter: submodel.value})
            refit.fit(X, y, **fit)
            for method in methods:
                expected = getattr(refit, method)(held_out)
                for answer in (getattr(built, method)(held_out), responses[method][place]):
                    np.testing.assert_array_equal(answer, expected, strict=True)
            assert costs[place].parameters == count_parameters(refit).total
            assert count_parameters(built).total == count_parameters(refit).total
            assert costs[place].operations == pytest.approx(count_operations(refit), rel=1e-9)
        return submodels

    return check

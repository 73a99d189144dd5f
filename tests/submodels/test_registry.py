"""Tests of optistruct.submodels.registry: whose submodels are known."""

from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct.evaluation import Grid, evaluate, make_plan
from optistruct.exceptions import ArgumentError, SubmodelError
from optistruct.objectives import ParameterCount, Score
from optistruct.spaces import Problem
from optistruct.submodels import nested_in, submodel_parameter, submodels_of
from optistruct.submodels.families.forests import ForestSubmodels


class LogForest(RandomForestRegressor):
    """Learns the logarithm of what it predicts."""

    def fit(self, X: Any, y: Any) -> Any:
        return super().fit(X, np.log1p(y))

    def predict(self, X: Any) -> Any:
        return np.expm1(super().predict(X))


class Careful(LGBMClassifier):
    def predict(self, X: Any, **kwargs: Any) -> Any:
        return (self.predict_proba(X)[:, 1] > 0.97).astype(int)


class Shallow(DecisionTreeClassifier):
    """Changes nothing but what a parameter is if nobody says."""

    def __init__(self, max_depth: int = 2, ccp_alpha: float = 0.0, random_state: Any = None):
        super().__init__(max_depth=max_depth, ccp_alpha=ccp_alpha, random_state=random_state)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (LogForest(3), "a LogForest has a fit of its own, .* of a RandomForestRegressor: register"),
        (Careful(n_estimators=3, verbose=-1), "a Careful has a predict of its own"),
        (
            make_pipeline(StandardScaler(), Careful(verbose=-1)),
            "a Careful has a predict of its own",
        ),
    ],
)
def test_what_answers_in_its_own_way_holds_none(model: Any, reason: str, binary: Any) -> None:
    with pytest.raises(SubmodelError, match=reason):
        submodel_parameter(model)
    X, y = binary
    with pytest.raises(SubmodelError, match=reason):
        submodels_of(model.fit(X, y))


@pytest.mark.parametrize("value", [2.0, 2.5, np.float64(3)])
def test_values_are_whole_where_the_parameter_is(value: Any, binary: Any) -> None:
    submodels = submodels_of(RandomForestClassifier(5).fit(*binary))
    with pytest.raises(ArgumentError, match="values of n_estimators must be whole numbers, got"):
        submodels.among([value])
    assert submodels.among([np.int64(2)]).values == (2,)


def test_its_values_are_its_own(regression: Any) -> None:
    X, y = regression
    y = np.exp(y)
    plan = make_plan(X, y, [Score("r2"), ParameterCount()], Problem.from_data(X, y))
    model = LogForest(6, random_state=0)
    alone, nested = evaluate(model, plan), evaluate(model, plan, Grid("n", 6, (2, 4)))
    assert nested.folds == alone.folds
    assert nested.curve is None
    assert "a LogForest has a fit of its own" in nested.warnings[0]


def test_what_only_has_other_parameters_holds_them(binary: Any) -> None:
    assert len(submodels_of(Shallow().fit(*binary))) > 1


def test_a_family_of_its_own_is_believed(regression: Any) -> None:
    class Own(LogForest):
        pass

    @nested_in(Own)
    class OwnSubmodels(ForestSubmodels):
        pass

    X, y = regression
    assert isinstance(submodels_of(Own(3).fit(X, np.exp(y))), OwnSubmodels)

"""What every family of submodels must do: a submodel equals a refit, to the bit."""

import pickle
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Lars, LogisticRegression, Ridge, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from optistruct.exceptions import ArgumentError, SubmodelError
from optistruct.resources import count_operations, count_parameters
from optistruct.submodels import keep_epochs, submodel_parameter, submodels_of

METHODS = ("predict", "predict_proba", "decision_function")


class Case(NamedTuple):
    name: str
    model: Any
    data: Callable[..., Any]
    values: tuple[Any, ...]  # from the smallest structure to that of the model
    is_setting: bool = True  # whether `set_params` asks for a submodel; else there is no refit
    keeps_epochs: bool = False  # whether the fit must keep what it passes through
    is_exact: bool = True  # whether a submodel equals a refit


CASES = [
    Case("forest, two classes", RandomForestClassifier(12, random_state=0), load_breast_cancer,
         (1, 5, 12)),
    Case("forest, three classes", RandomForestClassifier(12, random_state=0), load_iris,
         (1, 5, 12)),
    Case("forest, numbers", RandomForestRegressor(9, max_features=0.5, random_state=1),
         load_diabetes, (2, 7, 9)),
    Case("extra trees, classes", ExtraTreesClassifier(12, max_depth=3, random_state=2), load_iris,
         (1, 5, 12)),
    Case("extra trees, numbers", ExtraTreesRegressor(9, bootstrap=True, random_state=3),
         load_diabetes, (2, 7, 9)),
    Case("bagged trees", BaggingClassifier(n_estimators=8, max_features=0.5, random_state=0),
         load_iris, (1, 5, 8)),
    Case("bagged decisions", BaggingClassifier(RidgeClassifier(), 8, random_state=0),
         load_breast_cancer, (1, 5, 8)),
    Case("bagged numbers",
         BaggingRegressor(Ridge(), 8, bootstrap=False, max_samples=0.6, random_state=0),
         load_diabetes, (1, 5, 8)),
    Case("AdaBoost, two classes", AdaBoostClassifier(n_estimators=12, random_state=0),
         load_breast_cancer, (1, 9, 12)),
    Case("AdaBoost, three classes", AdaBoostClassifier(n_estimators=12, random_state=0),
         load_iris, (1, 9, 12)),
    Case("AdaBoost, ended early", AdaBoostClassifier(DecisionTreeClassifier(max_depth=3),
         n_estimators=60, random_state=0), load_iris, (2, 45, 60)),
    Case("AdaBoost, numbers", AdaBoostRegressor(n_estimators=12, random_state=0),
         load_diabetes, (1, 9, 12)),
    Case("a tree, classes", DecisionTreeClassifier(random_state=0), load_iris, (0.1, 0.013, 0.0)),
    Case("a tree, numbers", DecisionTreeRegressor(random_state=0), load_diabetes,
         (1e9, 50.0, 0.5, 0.0)),
    Case("an extra tree", ExtraTreeClassifier(random_state=0), load_breast_cancer,
         (0.02, 0.005, 0.0)),
    Case("a pruned tree", DecisionTreeRegressor(ccp_alpha=30, random_state=0), load_diabetes,
         (300.0, 50.0, 30), is_exact=False),
    Case("LightGBM, two classes", LGBMClassifier(n_estimators=12, num_leaves=7, n_jobs=1,
         subsample=0.7, subsample_freq=1, colsample_bytree=0.5, verbose=-1), load_breast_cancer,
         (1, 5, 12)),
    Case("LightGBM, three classes", LGBMClassifier(n_estimators=12, num_leaves=4, n_jobs=1,
         verbose=-1), load_iris, (1, 5, 12)),
    Case("LightGBM, numbers", LGBMRegressor(n_estimators=12, num_leaves=7, n_jobs=1, verbose=-1),
         load_diabetes, (1, 5, 12)),
    Case("LightGBM, out of splits", LGBMClassifier(n_estimators=60, min_child_weight=3, n_jobs=1,
         learning_rate=0.5, verbose=-1), load_breast_cancer, (2, 9, 50, 60)),
    Case("LightGBM, a forest", LGBMRegressor(boosting_type="rf", n_estimators=9, subsample=0.6,
         subsample_freq=1, n_jobs=1, verbose=-1), load_diabetes, (1, 5, 9)),
    Case("gradient boosting, two classes", GradientBoostingClassifier(n_estimators=9,
         random_state=0), load_breast_cancer, (1, 5, 9)),
    Case("gradient boosting, three classes", GradientBoostingClassifier(n_estimators=9,
         subsample=0.5, random_state=0), load_iris, (1, 5, 9)),
    Case("gradient boosting, numbers", GradientBoostingRegressor(n_estimators=9, random_state=0),
         load_diabetes, (1, 5, 9)),
    Case("histogram boosting, two classes", HistGradientBoostingClassifier(max_iter=9,
         random_state=0), load_breast_cancer, (1, 5, 9)),
    Case("histogram boosting, three classes", HistGradientBoostingClassifier(max_iter=9,
         random_state=0), load_iris, (1, 5, 9)),
    Case("histogram boosting, numbers", HistGradientBoostingRegressor(max_iter=9, random_state=0),
         load_diabetes, (1, 5, 9)),
    Case("XGBoost, two classes", XGBClassifier(n_estimators=9, subsample=0.6, n_jobs=1),
         load_breast_cancer, (1, 5, 9)),
    Case("XGBoost, three classes", XGBClassifier(n_estimators=9, n_jobs=1), load_iris, (1, 5, 9)),
    Case("XGBoost, numbers", XGBRegressor(n_estimators=9, num_parallel_tree=2, n_jobs=1),
         load_diabetes, (1, 5, 9)),
    Case("CatBoost, two classes", CatBoostClassifier(n_estimators=9, learning_rate=0.1, verbose=0,
         allow_writing_files=False), load_breast_cancer, (1, 5, 9)),
    Case("CatBoost, three classes", CatBoostClassifier(iterations=9, learning_rate=0.1, verbose=0,
         allow_writing_files=False), load_iris, (1, 5, 9)),
    Case("CatBoost, numbers", CatBoostRegressor(iterations=9, learning_rate=0.1, verbose=0,
         allow_writing_files=False), load_diabetes, (1, 5, 9)),
    Case("a pipeline", make_pipeline(StandardScaler(), RandomForestClassifier(7, random_state=0)),
         load_iris, (1, 4, 7)),
    Case("a pipeline in a pipeline", make_pipeline("passthrough", make_pipeline(StandardScaler(),
         ExtraTreesRegressor(7, random_state=0))), load_diabetes, (1, 4, 7)),
    Case("neighbours, classes", KNeighborsClassifier(15), load_iris, (1, 4, 15)),
    Case("neighbours, numbers", KNeighborsRegressor(15, weights="distance", algorithm="brute"),
         load_diabetes, (1, 4, 15)),
    Case("least angles", Lars(n_nonzero_coefs=8, fit_intercept=False), load_diabetes, (1, 4, 8)),
    Case("linear, ten classes", LogisticRegression(), load_digits, (1, 9, 54), is_setting=False),
    Case("linear, numbers", Ridge(), load_diabetes, (1, 4, 10), is_setting=False),
    Case("a perceptron, classes", MLPClassifier((5,), max_iter=9, random_state=0), load_iris,
         (1, 4, 9), keeps_epochs=True),
    Case("a perceptron, numbers", MLPRegressor(hidden_layer_sizes=(5,), solver="sgd", max_iter=9,
         random_state=0), load_diabetes, (1, 4, 9), keeps_epochs=True),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=[case.name for case in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def table(case: Case) -> tuple[Any, Any, Any]:
    """Take a part of the rows to fit, and others to predict."""
    X, y = case.data(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order[:100]], y[order[:100]], X[order[100:150]]


def fitted(case: Case) -> Any:
    X, y, _ = table(case)
    model = clone(case.model)
    with keep_epochs(model, case.values) if case.keeps_epochs else nullcontext():
        return model.fit(X, y)


def answers(model: Any, X: Any) -> dict[str, Any]:
    return {method: getattr(model, method)(X) for method in METHODS if hasattr(model, method)}


def assert_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert left.keys() == right.keys()
    for method in left:
        np.testing.assert_array_equal(left[method], right[method], strict=True)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestEveryFamily:
    def test_a_submodel_equals_a_refit(self, case: Case) -> None:
        X, y, held_out = table(case)
        submodels = submodels_of(fitted(case))
        if not case.is_setting:
            assert submodels.difference is not None
            assert submodels.materialize(case.values[0]).get_params() == case.model.get_params()
            return
        for value in case.values:
            refit = clone(case.model).set_params(**{submodels.parameter: value}).fit(X, y)
            built = submodels.materialize(value)
            assert built.get_params()[submodels.parameter] == value
            assert (submodels.difference is None) is case.is_exact
            if case.is_exact:
                assert_same(answers(built, held_out), answers(refit, held_out))
                assert count_parameters(built).total == count_parameters(refit).total

    def test_answers_are_those_of_the_submodels_built(self, case: Case) -> None:
        *_, held_out = table(case)
        submodels = submodels_of(fitted(case)).among(case.values)
        for method in answers(submodels.model, held_out):
            responses = list(submodels.responses(held_out, method))
            assert len(responses) == len(case.values)
            for response, submodel in zip(responses, submodels, strict=True):
                built = getattr(submodel.materialize(), method)(held_out)
                np.testing.assert_array_equal(response, built, strict=True)

    def test_costs_are_those_of_the_submodels_built(self, case: Case) -> None:
        submodels = submodels_of(fitted(case)).among(case.values)
        assert submodels.parameters() == [cost.parameters for cost in submodels.costs()]
        for cost, submodel in zip(submodels.costs(), submodels, strict=True):
            built = submodel.materialize()
            assert cost.parameters == count_parameters(built).total
            assert cost.operations == pytest.approx(count_operations(built), rel=1e-9)

    def test_the_last_is_the_model_itself(self, case: Case) -> None:
        *_, held_out = table(case)
        model = fitted(case)
        last = submodels_of(model)[-1]
        assert last.value == case.values[-1]
        if case.is_setting:
            assert last.value == model.get_params()[last.parameter]
        assert_same(answers(last.materialize(), held_out), answers(model, held_out))

    def test_a_small_one_pickles_small_and_goes_on_predicting(self, case: Case) -> None:
        *_, held_out = table(case)
        model = fitted(case)
        small = submodels_of(model).materialize(case.values[0])
        pickled = pickle.dumps(small)
        assert len(pickled) <= len(pickle.dumps(model))
        assert_same(answers(pickle.loads(pickled), held_out), answers(small, held_out))

    def test_the_model_stays_as_it_was(self, case: Case) -> None:
        *_, held_out = table(case)
        model = fitted(case)
        before, parameters = answers(model, held_out), repr(model)
        submodels = submodels_of(model).among(case.values)
        for method in before:
            list(submodels.responses(held_out, method))
        submodels.costs()
        submodels[0].materialize()
        assert repr(model) == parameters
        assert_same(answers(model, held_out), before)

    def test_a_method_that_the_model_lacks_is_an_attribute_error(self, case: Case) -> None:
        *_, held_out = table(case)
        model = fitted(case)
        submodels = submodels_of(model)
        for method in set(METHODS) - answers(model, held_out).keys():
            with pytest.raises(AttributeError, match=method):
                list(submodels.responses(held_out, method))

    def test_what_the_model_does_not_hold_is_refused(self, case: Case) -> None:
        submodels = submodels_of(fitted(case))
        _, high = submodels.span()
        low, _ = submodels.span()
        for value in (low - 1, *([high + 1] if high < float("inf") else [])):
            with pytest.raises(ArgumentError, match="holds submodels of"):
                submodels.among([value])

    def test_the_parameter_is_known_before_the_fit(self, case: Case) -> None:
        if case.is_setting:
            assert submodel_parameter(clone(case.model)) == submodels_of(fitted(case)).parameter
        else:
            with pytest.raises(SubmodelError, match="no parameter of"):
                submodel_parameter(clone(case.model))

    def test_the_span_holds_the_values(self, case: Case) -> None:
        submodels = submodels_of(fitted(case))
        low, high = submodels.span()
        assert all(low <= value <= high for value in submodels.values)
        assert len(submodels) == len(submodels.values)
        assert [submodel.value for submodel in submodels] == list(submodels.values)

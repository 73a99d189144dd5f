"""Limits that are known before a fit, and structures that cannot be converted: infeasible."""

from typing import Any

import pytest
from optuna.trial import TrialState
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, objectives, reporting, spaces
from optistruct.outcomes import REFUSAL

FITTED: list[int] = []


class Watched(MLPClassifier):
    """Notes its fits."""

    def fit(self, X: Any, y: Any) -> Any:
        FITTED.append(self.hidden_layer_sizes[0])
        return super().fit(X, y)


def perceptrons(trial: Any) -> Any:
    units = trial.suggest_int("units", 1, 40)
    return Watched((units,), max_iter=5, solver="lbfgs")


def study_of(space: Any, *judged: objectives.Objective, **kwargs: Any) -> StructureStudy:
    return StructureStudy(space, judged, name="t", storage="sqlite:///:memory:", cv=2, **kwargs)


@pytest.mark.filterwarnings("ignore:lbfgs failed")
@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_structure_that_must_break_a_limit_is_not_fitted(sampler: str, binary: Any) -> None:
    FITTED.clear()
    limit = objectives.ParameterCount(at_most=61)  # 4 inputs: 6 a unit, and 1
    study = study_of(perceptrons, objectives.Score("accuracy"), limit, sampler=sampler)
    study.optimize(*binary, n_trials=15)
    trials = study.optuna_study.trials
    refused = [trial for trial in trials if trial.params["units"] > 10]
    assert refused
    assert {trial.state for trial in refused} == {TrialState.PRUNED}
    assert all(units <= 10 for units in FITTED)
    assert len(FITTED) == 2 * (15 - len(refused))
    for trial in refused:
        assert trial.user_attrs[REFUSAL]["reason"] == "parameters <= 61"
        assert trial.user_attrs[REFUSAL]["figure"] == 6 * trial.params["units"] + 1
        assert trial.constraints["parameters <= 61"] > 0
    summary = reporting.summarize(study)
    assert summary.refusals == {"parameters <= 61": len(refused)}
    assert f"({len(refused)} refused)" in summary.trials
    assert {c.trial for c in study.front()} <= {t.number for t in trials} - {
        t.number for t in refused
    }


def test_the_page_tells_what_was_refused(binary: Any, tmp_path: Any) -> None:
    def forests(trial: Any) -> Any:
        return RandomForestClassifier(trial.suggest_int("n_estimators", 5, 9))

    study = study_of(forests, objectives.Score("accuracy"), objectives.ParameterCount(at_most=9))
    study.optimize(*binary, n_trials=3)
    page = reporting.to_html(study, tmp_path / "t.html").read_text()
    assert "3 x parameters &lt;= 9" in page
    assert len(study.front()) == 0


class Odd(ClassifierMixin, BaseEstimator):
    """A classifier that no converter knows."""

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = sorted(set(y.tolist()))
        self.tree_ = DecisionTreeClassifier(max_depth=1).fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return self.tree_.predict(X)


def one_converts(trial: Any) -> Any:
    return LogisticRegression() if trial.suggest_categorical("known", [True, False]) else Odd()


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective",
    [objectives.InferenceTime(runtime="onnx"), objectives.ModelSize(format="onnx")],
    ids=lambda objective: objective.name,
)
def test_what_cannot_be_converted_is_infeasible_with_the_reason(
    objective: Any, binary: Any
) -> None:
    pytest.importorskip("onnxruntime")
    study = study_of(one_converts, objectives.Score("accuracy"), objective)
    study.optimize(*binary, n_trials=6)
    for trial in study.optuna_study.trials:
        if trial.params["known"]:
            assert trial.state == TrialState.COMPLETE
        else:
            assert trial.state == TrialState.PRUNED
            assert "Odd" in trial.user_attrs[REFUSAL]["reason"]
            assert max(trial.constraints.values()) > 0
    assert {t.params["known"] for t in study.optuna_study.trials} == {True, False}


def stacked_perceptrons(trial: Any) -> Any:
    """Tells its least cost after each layer, so that a branch is left once it is too large."""
    inputs, parameters, widths = 4, 0, []
    for layer in range(trial.suggest_int("layers", 1, 3)):
        width = trial.suggest_int(f"units_{layer}", 2, 10, step=4)
        parameters += (inputs + 1) * width
        spaces.require(trial, parameters=parameters)
        widths.append(width)
        inputs = width
    return Watched(tuple(widths), max_iter=5, solver="lbfgs")


@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_backtracking_leaves_branches_that_break_a_limit(binary: Any) -> None:
    FITTED.clear()
    limit = objectives.ParameterCount(at_most=60)
    study = study_of(
        stacked_perceptrons,
        objectives.Score("accuracy"),
        limit,
        sampler="backtracking",
        racing=False,
    )
    assert study.optimize(*binary, n_trials=100) == "exhausted"
    trials = study.optuna_study.trials
    cut = [trial for trial in trials if trial.state == TrialState.PRUNED]
    partial = [t for t in cut if len(t.params) <= t.params["layers"]]
    assert partial, "no branch was left before it was whole"
    assert len(trials) < 3 + 9 + 27
    assert len(FITTED) == 2 * (len(trials) - len(cut))
    for trial in cut:
        assert trial.user_attrs[REFUSAL]["reason"] == "parameters <= 60"
        assert trial.constraints["parameters <= 60"] > 0
    paths = [tuple(trial.params.items()) for trial in trials]
    assert len(set(paths)) == len(paths)
    summary = reporting.summarize(study)
    assert summary.visited is not None
    assert summary.visited.evaluated + summary.visited.cut == pytest.approx(1)
    assert "of the space evaluated and" in summary.trials


class Broken(DecisionTreeClassifier):
    def fit(self, X: Any, y: Any) -> Any:
        raise ValueError("no luck")


def test_one_that_fails_among_those_refused_is_no_reason_to_give_up(binary: Any) -> None:
    def mostly_refused(trial: Any) -> Any:
        n = trial.suggest_int("n", 0, 9)
        return Broken() if n == 3 else RandomForestClassifier(50)

    judged = [objectives.Score("accuracy"), objectives.ParameterCount(at_most=20)]
    study = study_of(mostly_refused, *judged, sampler="grid")
    assert study.optimize(*binary, n_trials=10) == "n_trials"
    states = [trial.state for trial in study.optuna_study.trials]
    assert states.count(TrialState.FAIL) == 1
    assert states.count(TrialState.PRUNED) == 9

"""Whole studies whose fits hold submodels: what joins the front is what a person can build."""

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import TrialState, create_trial
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct import Candidate, StructureStudy, load_study, objectives, reporting, spaces
from optistruct.evaluation import Evaluation, evaluate, make_plan, standard_error
from optistruct.front import each_once
from optistruct.spaces import Problem
from optistruct.unfolding import EVALUATION, Measured

BY_BOTH = (objectives.Score("accuracy"), objectives.ParameterCount())


def forest(trial: Any) -> Any:
    return RandomForestClassifier(
        n_estimators=trial.suggest_int("n_estimators", 1, 40, log=True),
        max_depth=trial.suggest_int("max_depth", 1, 8),
    )


def whole_tree(trial: Any) -> Any:
    return DecisionTreeClassifier(
        ccp_alpha=trial.suggest_categorical("alpha", [0.0, 0.005, 0.02, 0.1]),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 8),
    )


def fixed(trial: Any) -> Any:
    return RandomForestClassifier(12, max_depth=trial.suggest_int("max_depth", 1, 8))


def drives_another(trial: Any) -> Any:
    trees = trial.suggest_int("n_estimators", 2, 40)
    return RandomForestClassifier(trees, max_depth=trees)


LISTED = spaces.from_grid(
    RandomForestClassifier(), {"n_estimators": [3, 10, 30], "max_depth": [1, 2, 4, 8]}
)


def study_of(space: Any = forest, by: Any = BY_BOTH, **kwargs: Any) -> StructureStudy:
    settings = {"storage": optuna.storages.InMemoryStorage(), "sampler": "random", "cv": 3}
    return StructureStudy(space, by, name="t", **{**settings, "racing": False, **kwargs})


def searched(data: Any, n_trials: int = 12, **kwargs: Any) -> StructureStudy:
    study = study_of(**kwargs)
    study.optimize(*data, n_trials=n_trials)
    return study


def nested(study: StructureStudy) -> list[Candidate]:
    return [candidate for candidate in study.front() if candidate.is_submodel]


def curves(study: StructureStudy) -> list[Any]:
    trials = study.optuna_study.get_trials(states=[TrialState.COMPLETE])
    return [Evaluation.from_json(trial.user_attrs[EVALUATION]).curve for trial in trials]


def check_built(study: StructureStudy, data: Any) -> None:
    """Fit every member again in every fold, and compare all that is measured."""
    X, y = data
    plan = make_plan(X, y, study.objectives, Problem.from_data(X, y), study.cv)
    for candidate in study.front():
        again = evaluate(candidate.build(), plan)
        for name, value in again.values.items():
            assert candidate.values[name] == pytest.approx(value, rel=1e-12), candidate.key
            error = standard_error(again.folds[name])
            assert candidate.standard_errors[name] == pytest.approx(error, rel=1e-9, abs=1e-12)


class TestFront:
    @pytest.mark.parametrize(
        ("space", "large"),
        [
            (forest, {"n_estimators": 40, "max_depth": 4}),
            (whole_tree, {"alpha": 0.0, "min_samples_leaf": 2}),
            (LISTED, {"n_estimators": 30, "max_depth": 4}),
            (
                spaces.choice(forest, spaces.decision_tree),
                {"family": "forest", "forest.n_estimators": 40, "forest.max_depth": 4},
            ),
            (spaces.tabular(forest), {"n_estimators": 40, "max_depth": 4}),
            (
                spaces.pipeline(StandardScaler(), forest),
                {"n_estimators": 40, "max_depth": 4},
            ),
        ],
        ids=["forest", "pruned tree", "from_grid", "choice", "tabular", "pipeline"],
    )
    @pytest.mark.parametrize("task", ["binary", "multiclass"])
    def test_submodels_join_it_and_are_built_as_measured(
        self, space: Any, large: Any, task: str, request: Any
    ) -> None:
        data = request.getfixturevalue(task)
        study = study_of(space, defaults=False)
        study.enqueue(large)
        study.optimize(*data, n_trials=4)
        assert nested(study)
        check_built(study, data)

    def test_of_a_mixed_table(self, mixed: Any) -> None:
        study = searched(
            mixed, space=spaces.tabular(forest), by=(*BY_BOTH, objectives.Operations())
        )
        assert nested(study)
        check_built(study, mixed)

    def test_of_a_regression(self, regression: Any) -> None:
        by = (objectives.Score("neg_root_mean_squared_error"), objectives.Operations())
        study = searched(regression, space=spaces.random_forest, by=by, n_trials=5)
        assert nested(study)
        check_built(study, regression)

    def test_a_submodel_is_named_and_fitted_by_its_parameters(self, binary: Any) -> None:
        X, y = binary
        study = searched(binary)
        for candidate in nested(study):
            number, value = candidate.key.split(":")
            trial = study.optuna_study.trials[int(number)]
            assert candidate.trial == int(number)
            assert candidate.parameters == {**trial.params, "n_estimators": int(value)}
            assert int(value) < trial.params["n_estimators"]
            assert len(candidate.fit(X, y).estimators_) == int(value)
            scores = cross_val_score(candidate.build(), X, y, cv=3)
            assert candidate.values["accuracy"] == pytest.approx(scores.mean())

    def test_no_structure_is_on_it_twice(self, binary: Any) -> None:
        front = searched(binary, 40, space=LISTED).front()
        assert len({repr(sorted(c.parameters.items())) for c in front}) == len(front)

    def test_the_table_and_the_reports_know_them(self, binary: Any) -> None:
        study = searched(binary)
        front = study.front()
        frame = front.to_frame()
        assert frame["is_submodel"].tolist() == [c.is_submodel for c in front]
        key = nested(study)[0].key
        assert f"{key} is one of trial" in reporting.summarize(study).submodels[0]

    def test_one_loaded_from_the_database_has_them(self, binary: Any, tmp_path: Any) -> None:
        storage = f"sqlite:///{tmp_path / 'studies.db'}"
        keys = [c.key for c in searched(binary, 6, storage=storage).front()]
        assert [c.key for c in load_study("t", storage, space=forest).front()] == keys


class TestNone:
    @pytest.mark.parametrize("space", [fixed, drives_another, spaces.linear])
    @pytest.mark.filterwarnings("ignore:lbfgs failed")
    def test_where_the_space_does_not_ask_for_them(self, space: Any, binary: Any) -> None:
        study = searched(binary, 6, space=space)
        assert curves(study) == [None] * len(curves(study))
        check_built(study, binary)

    def test_where_they_are_turned_off(self, binary: Any) -> None:
        study = searched(binary, 6, submodels=False)
        assert curves(study) == [None] * 6
        assert not nested(study)

    @pytest.mark.parametrize("space", [forest, whole_tree, spaces.tabular(forest)])
    def test_the_trials_are_the_same_with_and_without(self, space: Any, binary: Any) -> None:
        by = (*BY_BOTH, objectives.Operations(), objectives.Score("roc_auc"))
        outcomes = []
        for submodels in (True, False):
            trials = searched(
                binary, 8, space=space, by=by, submodels=submodels
            ).optuna_study.trials
            records = [trial.user_attrs[EVALUATION]["folds"] for trial in trials]
            outcomes.append([(t.params, t.values, r) for t, r in zip(trials, records, strict=True)])
        assert outcomes[0] == outcomes[1]


class TestResume:
    @pytest.mark.parametrize("racing", [False, True])
    @pytest.mark.parametrize("sampler", ["smsego", "tpe", "nsga2"])
    def test_a_resumed_study_equals_an_uninterrupted_one(
        self, sampler: str, racing: bool, binary: Any
    ) -> None:
        settings = {"sampler": sampler, "racing": racing}
        storage = optuna.storages.InMemoryStorage()
        for n_trials in (3, 8, 19, 25):
            searched(binary, n_trials, storage=storage, **settings)
        parts = study_of(storage=storage, **settings)
        whole = searched(binary, 25, **settings)
        told = [[(t.params, t.values) for t in one.optuna_study.trials] for one in (parts, whole)]
        assert told[0] == told[1]
        assert curves(parts) == curves(whole)
        assert [c.key for c in parts.front()] == [c.key for c in whole.front()]

    def test_workers_measure_the_same(self, binary: Any) -> None:
        alone = searched(binary, 8)
        both = study_of()
        both.optimize(*binary, n_trials=8, n_jobs=2)
        assert curves(both) == curves(alone)


@pytest.mark.slow
def test_measured_again_nothing_is_an_estimate_any_more(binary: Any) -> None:
    by = (objectives.Score("accuracy"), objectives.ModelSize(), objectives.InferenceTime())
    study = searched(binary, 5, by=by, cv=2)
    assert {name for c in nested(study) for name in c.estimated} == {"size", "inference_time"}
    front = study.remeasure()
    assert any(c.is_submodel for c in front)
    assert all(not c.estimated and c.remeasurement is not None for c in front)
    plan = make_plan(*binary, by[:2], Problem.from_data(*binary), 2)
    for candidate in front:
        size = evaluate(candidate.build(), plan).values["size"]
        assert candidate.values["size"] == pytest.approx(size, rel=1e-3)


@pytest.mark.slow
def test_no_estimate_stands_for_what_was_measured(binary: Any) -> None:
    """Each forest of the grid but the largest is a submodel, too."""
    by = (objectives.ParameterCount(), objectives.InferenceTime())
    space = spaces.from_grid(RandomForestClassifier(), {"n_estimators": [1, 2, 3, 4]})
    study = study_of(space, by, cv=2, sampler="grid", defaults=False)
    study.enqueue(*({"n_estimators": trees} for trees in (4, 3, 2, 1)))
    study.optimize(*binary, n_trials=4)
    assert any(curves(study))
    assert {c.key for c in study.front()} <= {str(number) for number in range(4)}


def test_of_several_estimates_of_a_structure_the_first_counts() -> None:
    def measured(number: int, trees: int, submodel: Any = None, again: Any = None) -> Any:
        trial = create_trial(
            params={"trees": trees, "depth": 3},
            distributions={"trees": IntDistribution(1, 99), "depth": IntDistribution(1, 9)},
            values=[1.0],
        )
        trial.number = number
        nested = None if submodel is None else ("trees", submodel)
        return Measured(trial, nested, {}, {"inference_time": 9.0 - number}, True, again)

    given = [
        measured(0, 40),
        measured(0, 40, 20),
        measured(0, 40, 10),
        measured(1, 30, 20),
        measured(1, 30, 10),
        measured(2, 10),
        measured(3, 50, 20, again=object()),
        measured(3, 50, 40),
        measured(4, 60, 10.0),  # as a range of floats is answered
    ]
    assert [one.key for one in each_once(given)] == ["0", "2", "3:20"]


def test_an_objective_that_fails_on_submodels_leaves_the_trial_whole(binary: Any) -> None:
    def picky(model: Any, X: Any, y: Any) -> float:
        if len(model.estimators_) < 3:
            raise RuntimeError("too few trees")
        return float(np.mean(model.predict(X) == y))

    study = study_of(by=(objectives.Score(picky), objectives.ParameterCount()))
    study.enqueue({"n_estimators": 9, "max_depth": 3})
    study.optimize(*binary, n_trials=1)
    (trial,) = study.optuna_study.trials
    record = Evaluation.from_json(trial.user_attrs[EVALUATION])
    assert trial.state == TrialState.COMPLETE
    assert record.curve is None
    assert record.warnings == ("submodels were not measured: RuntimeError: too few trees",)
    check_built(study, binary)

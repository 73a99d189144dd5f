"""Tests of optistruct.spaces.compose."""

from typing import Any

import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import FixedTrial
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct import spaces
from optistruct.exceptions import SpaceError
from optistruct.spaces import Problem, build, choice, pipeline

PROBLEM = Problem("binary", rows=90, features=4, classes=2)


def parameters_of(space: Any) -> set[str]:
    return set(spaces.probe(space, PROBLEM, 0).parameters)


def shallow(trial: Any) -> Any:
    return DecisionTreeClassifier(max_depth=trial.suggest_int("depth", 1, 3))


def net(trial: Any, problem: Problem) -> Any:
    penalty = trial.suggest_categorical("penalty", ["weak", "strong"])
    strength = trial.suggest_float("strength", 0.1, 1.0)
    return LogisticRegression(C=strength / (10 if penalty == "strong" else 1))


class TestChoice:
    def test_suggests_the_structure_of_the_family_chosen(self) -> None:
        space = choice(shallow, net)
        tree = build(space, FixedTrial({"family": "shallow", "shallow.depth": 2}), PROBLEM, 0)
        assert isinstance(tree, DecisionTreeClassifier)
        assert tree.max_depth == 2
        chosen = {"family": "net", "net.penalty": "strong", "net.strength": 0.5}
        linear = build(space, FixedTrial(chosen), PROBLEM, 0)
        assert isinstance(linear, LogisticRegression)
        assert pytest.approx(0.05) == linear.C

    def test_prefixes_each_familys_parameters_with_its_name(self) -> None:
        assert parameters_of(choice(shallow, net)) == {
            "family",
            "shallow.depth",
            "net.penalty",
            "net.strength",
        }

    def test_suggests_only_what_the_family_needs(self) -> None:
        study = optuna.create_study(sampler=RandomSampler(seed=0))
        for _ in range(10):
            trial = study.ask()
            build(choice(shallow, net), trial, PROBLEM, 0)
            family = trial.params["family"]
            assert all(name == "family" or name.startswith(f"{family}.") for name in trial.params)

    def test_hands_the_rest_of_the_trial_through(self) -> None:
        def numbered(trial: Any) -> Any:
            trial.set_user_attr("seen", True)
            return DecisionTreeClassifier(max_depth=trial.number + 1)

        trial = optuna.create_study().ask()
        assert build(choice(numbered), trial, PROBLEM, 0).max_depth == 1
        assert trial.user_attrs == {"seen": True}

    @pytest.mark.filterwarnings("ignore::FutureWarning")
    def test_prefixes_the_parameters_of_older_ways_of_asking(self) -> None:
        def old(trial: Any) -> Any:
            trial.suggest_loguniform("C", 0.1, 10.0)
            trial.suggest_uniform("l1", low=0.0, high=1.0)
            return LogisticRegression()

        trial = optuna.trial.FixedTrial({"family": "old", "old.C": 1.0, "old.l1": 0.5})
        spaces.build(spaces.choice(old), trial, PROBLEM, 0)
        assert list(trial.params) == ["family", "old.C", "old.l1"]

    def test_nests(self) -> None:
        space = choice(pipeline(StandardScaler(), choice(shallow)), net)
        assert "pipeline.choice.family" not in parameters_of(space)
        assert {"pipeline.family", "pipeline.shallow.depth"} < parameters_of(space)

    def test_chooses_among_the_built_in_families(self, data: Any) -> None:
        X, y = data
        space = choice(spaces.decision_tree, spaces.nearest_neighbors)
        study = optuna.create_study(sampler=RandomSampler(seed=0))
        kinds = set()
        for _ in range(8):
            model = build(space, study.ask(), Problem.from_data(X, y), 0).fit(X, y)
            assert model.predict(X).shape == y.shape
            kinds.add(type(model).__name__.removesuffix("Classifier").removesuffix("Regressor"))
        assert kinds == {"DecisionTree", "KNeighbors"}

    def test_refuses_none(self) -> None:
        with pytest.raises(SpaceError, match="choice needs at least one space, got none"):
            choice()

    def test_refuses_two_of_one_name(self) -> None:
        with pytest.raises(SpaceError, match="different names, got 'shallow' twice"):
            choice(shallow, net, shallow)


class TestPipeline:
    def test_puts_searched_steps_before_the_model(self) -> None:
        trial = FixedTrial({"scaler.kind": "robust", "pca.n_components": 3, "depth": 2})
        made = build(pipeline(spaces.scaler, spaces.pca, shallow), trial, PROBLEM, 7)
        assert isinstance(made, Pipeline)
        assert [name for name, _ in made.steps] == ["scaler", "pca", "model"]
        assert made["pca"].n_components == 3
        assert made["model"].max_depth == 2
        assert made["pca"].random_state == made["model"].random_state == 7

    def test_leaves_out_a_step_that_comes_out_as_none(self) -> None:
        trial = FixedTrial({"scaler.kind": "none", "depth": 2})
        assert isinstance(
            build(pipeline(spaces.scaler, shallow), trial, PROBLEM, 0), DecisionTreeClassifier
        )

    @pytest.mark.parametrize("nothing", [None, "passthrough"])
    def test_leaves_out_a_fixed_step_that_does_nothing(self, nothing: Any) -> None:
        made = build(
            pipeline(nothing, MinMaxScaler(), shallow), FixedTrial({"depth": 1}), PROBLEM, 0
        )
        assert [name for name, _ in made.steps] == ["minmaxscaler", "model"]

    def test_takes_unfitted_estimators_as_they_are_and_copies_them(self) -> None:
        scaler, ridge = StandardScaler(with_mean=False), Ridge(alpha=3)
        made = build(pipeline(scaler, ridge), FixedTrial({}), PROBLEM, 0)
        assert made["standardscaler"] is not scaler
        assert made["model"] is not ridge
        assert repr(made["standardscaler"]) == repr(scaler)
        assert made["model"].alpha == 3
        assert ridge.random_state is None

    def test_numbers_steps_of_one_name(self) -> None:
        space = pipeline(spaces.scaler, spaces.pca, spaces.scaler, shallow)
        assert parameters_of(space) == {
            "scaler.kind",
            "pca.n_components",
            "scaler-2.kind",
            "depth",
        }
        trial = FixedTrial(
            {
                "scaler.kind": "standard",
                "pca.n_components": 1,
                "scaler-2.kind": "robust",
                "depth": 1,
            }
        )
        steps = build(space, trial, PROBLEM, 0).named_steps
        assert list(steps) == ["scaler", "pca", "scaler-2", "model"]
        assert type(steps["scaler"]) is not type(steps["scaler-2"])

    @pytest.mark.filterwarnings("ignore:n_quantiles:UserWarning")
    def test_fits_and_predicts(self, data: Any) -> None:
        X, y = data
        problem = Problem.from_data(X, y)
        space = pipeline(spaces.scaler, spaces.selector, spaces.nearest_neighbors)
        study = optuna.create_study(sampler=RandomSampler(seed=0))
        for _ in range(6):
            model = build(space, study.ask(), problem, 0).fit(X, y)
            assert model.predict(X).shape == y.shape

    def test_refuses_no_step(self) -> None:
        with pytest.raises(SpaceError, match="pipeline needs at least a model, got no step"):
            pipeline()

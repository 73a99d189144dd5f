"""The submodels of an evaluation: measured in the fits of the structure, equal to refits."""

import json
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optuna
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, spaces
from optistruct.evaluation import Evaluation, EvaluationPlan, Grid, Race, evaluate, make_plan
from optistruct.objectives import (
    InferenceTime,
    ModelSize,
    Objective,
    Operations,
    ParameterCount,
    Score,
)
from optistruct.spaces import Problem

GRID = Grid("n_estimators", 8, (1, 3, 5, 20))
FOREST = RandomForestClassifier(8, max_depth=4, random_state=0)
COSTS = (Score("accuracy"), ParameterCount(), Operations())


def plan_of(X: Any, y: Any, *objectives: Objective, cv: Any = 3) -> EvaluationPlan:
    return make_plan(X, y, objectives, Problem.from_data(X, y), cv)


def curve_of(evaluation: Evaluation) -> dict[Any, Any]:
    assert evaluation.curve is not None
    return dict(evaluation.curve)


class Uncounted(TransformerMixin, BaseEstimator):
    """Leaves the table as it is, in a way whose cost nobody has defined."""

    def fit(self, X: Any, y: Any = None) -> "Uncounted":
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        return X


@dataclass(frozen=True, kw_only=True)
class Trees(Objective):
    """Counts the trees of a forest; another number, or an error, where it is told to."""

    name: ClassVar[str] = "trees"
    scale: ClassVar[Any] = "log"
    of_three: float = 3.0
    fails_below: int = 0

    def measure(self, model: Any, X: Any, y: Any) -> float:
        trees = len(model.estimators_)
        if trees < self.fails_below:
            raise RuntimeError(f"{trees} trees are too few")
        return self.of_three if trees == 3 else float(trees)


@dataclass(frozen=True, kw_only=True)
class Trained(Objective):
    """Counts the epochs of a perceptron at the end of a pipeline."""

    name: ClassVar[str] = "trained"
    scale: ClassVar[Any] = "log"

    def measure(self, model: Any, X: Any, y: Any) -> float:
        return float(model[-1].n_iter_)


class TestSubmodels:
    def test_those_that_the_fits_hold_are_measured(self, binary: Any) -> None:
        evaluation = evaluate(FOREST, plan_of(*binary, *COSTS), GRID)
        assert evaluation.curve is not None
        assert evaluation.curve.parameter == "n_estimators"
        assert evaluation.curve.values == (1, 3, 5)
        assert all(len(values) == 3 for _, folds in evaluation.curve for values in folds.values())

    @pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
    def test_equal_evaluations_of_their_own(self, task: str, request: Any) -> None:
        X, y = request.getfixturevalue(task)
        structure, scores = FOREST, ("accuracy", "neg_log_loss", "balanced_accuracy")
        if task == "regression":
            structure, scores = RandomForestRegressor(8, random_state=0), ("r2", "neg_max_error")
        plan = plan_of(X, y, *map(Score, scores), ParameterCount(), Operations())
        curve = curve_of(evaluate(structure, plan, GRID))
        for value, folds in curve.items():
            own = evaluate(clone(structure).set_params(n_estimators=value), plan)
            for name in folds:
                np.testing.assert_allclose(folds[name], own.folds[name], rtol=1e-9)

    def test_the_structure_itself_is_measured_as_it_is_without_them(self, binary: Any) -> None:
        plan = plan_of(*binary, *COSTS, Score("roc_auc"), ModelSize())
        assert evaluate(FOREST, plan, GRID).folds == evaluate(FOREST, plan).folds

    def test_without_a_grid_there_are_none(self, binary: Any) -> None:
        assert evaluate(FOREST, plan_of(*binary, *COSTS)).curve is None

    def test_with_a_grid_of_larger_ones_only_there_are_none(self, binary: Any) -> None:
        evaluation = evaluate(FOREST, plan_of(*binary, *COSTS), Grid("n_estimators", 8, (9, 20)))
        assert evaluation.curve is None
        assert evaluation.warnings == ()

    def test_alphas_fall_so_that_structures_grow(self, binary: Any) -> None:
        grid = Grid("alpha", 0.0, (0.5, 0.02, 0.01))
        structure = DecisionTreeClassifier(random_state=0)
        evaluation = evaluate(structure, plan_of(*binary, *COSTS), grid)
        assert evaluation.curve is not None
        assert evaluation.curve.values == (0.5, 0.02, 0.01)
        sizes = [np.mean(folds["parameters"]) for _, folds in evaluation.curve]
        assert sizes == sorted(sizes)

    def test_a_boosting_that_ends_early_in_a_fold_has_them(self, binary: Any) -> None:
        boosting = AdaBoostClassifier(DecisionTreeClassifier(max_depth=20), n_estimators=30)
        X, y = binary
        plan = plan_of(X, y, *COSTS)
        assert len(clone(boosting).fit(X, y).estimators_) < 30
        evaluation = evaluate(boosting, plan, Grid("n", 30, (2, 10)))
        assert list(curve_of(evaluation)) == [2, 10]

    def test_of_a_pipeline(self, mixed: Any) -> None:
        X, y = mixed
        space = spaces.tabular(lambda trial: clone(FOREST))
        structure = spaces.build(space, None, Problem.from_data(X, y), 0)
        plan = plan_of(X, y, *COSTS)
        curve = curve_of(evaluate(structure, plan, GRID))
        name = f"{structure.steps[-1][0]}__n_estimators"
        for value, folds in curve.items():
            own = evaluate(clone(structure).set_params(**{name: value}), plan)
            assert folds["accuracy"] == pytest.approx(own.folds["accuracy"])
            assert folds["parameters"] == own.folds["parameters"]

    def test_a_scorer_of_ones_own_scores_them(self, binary: Any) -> None:
        def score(model: Any, X: Any, y: Any) -> float:
            return float(balanced_accuracy_score(y, model.predict(X)))

        plan = plan_of(*binary, Score(score), Score("balanced_accuracy"))
        for folds in curve_of(evaluate(FOREST, plan, GRID)).values():
            assert folds["score"] == pytest.approx(folds["balanced_accuracy"])

    def test_a_fold_in_which_a_class_is_missing_has_them(self, multiclass: Any) -> None:
        X, y = multiclass
        few = np.flatnonzero(y == "mid")[:1]
        others = np.flatnonzero(y != "mid")
        folds = [(others, few), (np.append(others[20:], few), others[:20])]
        evaluation = evaluate(FOREST, plan_of(X, y, Score("accuracy"), cv=folds), GRID)
        assert evaluation.warnings == ()
        assert all(folds["accuracy"][0] == 0.0 for folds in curve_of(evaluation).values())

    @pytest.mark.parametrize("own", [1, 2])
    def test_of_one_tree_and_of_two(self, own: int, binary: Any) -> None:
        structure = clone(FOREST).set_params(n_estimators=own)
        evaluation = evaluate(structure, plan_of(*binary, *COSTS), Grid("n", own, (1, 2, 3)[own:]))
        assert evaluation.curve is None
        assert evaluation.warnings == ()


class TestEstimates:
    def test_sizes_lie_between_the_smallest_and_the_whole(self, binary: Any) -> None:
        plan = plan_of(*binary, Score("accuracy"), ModelSize())
        grid = Grid("n_estimators", 40, (1, 10, 20))
        structure = clone(FOREST).set_params(n_estimators=40)
        curve = curve_of(evaluate(structure, plan, grid))
        small = evaluate(clone(structure).set_params(n_estimators=1), plan)
        assert curve[1]["size"] == pytest.approx(small.folds["size"], rel=0.02)
        for value in (10, 20):
            own = evaluate(clone(structure).set_params(n_estimators=value), plan)
            assert curve[value]["size"] == pytest.approx(own.folds["size"], rel=0.1)

    def test_sizes_behind_a_step_of_unknown_cost(self, binary: Any) -> None:
        plan, values = plan_of(*binary, Score("accuracy"), ModelSize()), (2, 10, 20)
        known, unknown = (
            curve_of(
                evaluate(
                    make_pipeline(step, clone(FOREST).set_params(n_estimators=40)),
                    plan,
                    Grid("n_estimators", 40, values),
                )
            )
            for step in (StandardScaler(), Uncounted())
        )
        for value in values:
            assert unknown[value]["size"] == pytest.approx(known[value]["size"], rel=0.1)

    def test_times_rise_with_the_submodels(self, binary: Any) -> None:
        plan = plan_of(*binary, Score("accuracy"), InferenceTime())
        structure = clone(FOREST).set_params(n_estimators=60)
        evaluation = evaluate(structure, plan, Grid("n_estimators", 60, (1, 10, 30)))
        times = [np.mean(folds["inference_time"]) for _, folds in evaluation.curve or ()]
        assert [*times, evaluation.values["inference_time"]] == sorted(
            [*times, evaluation.values["inference_time"]]
        )


class TestFailures:
    def test_an_objective_that_fails_on_submodels_leaves_the_structure_whole(
        self, binary: Any
    ) -> None:
        plan = plan_of(*binary, Score("accuracy"), Trees(fails_below=5))
        evaluation = evaluate(FOREST, plan, GRID)
        assert evaluation.curve is None
        assert evaluation.folds == evaluate(FOREST, plan).folds
        assert evaluation.warnings == (
            "submodels were not measured: RuntimeError: 1 trees are too few",
        )

    def test_an_objective_that_fails_on_all_fails(self, binary: Any) -> None:
        plan = plan_of(*binary, Score("accuracy"), Trees(fails_below=99))
        with pytest.raises(RuntimeError, match="8 trees are too few"):
            evaluate(FOREST, plan, GRID)

    @pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
    def test_a_submodel_without_a_usable_value_is_left_out(self, value: float, binary: Any) -> None:
        plan = plan_of(*binary, Score("accuracy"), Trees(of_three=value))
        evaluation = evaluate(FOREST, plan, GRID)
        assert [*curve_of(evaluation)] == [1, 5]
        assert evaluation.values["trees"] == 8.0

    def test_numbers_of_numpy_can_be_stored(self, binary: Any) -> None:
        class Nodes(Objective):
            name: ClassVar[str] = "nodes"

            def measure(self, model: Any, X: Any, y: Any) -> Any:
                return np.int64(sum(tree.tree_.node_count for tree in model.estimators_))

        evaluation = evaluate(FOREST, plan_of(*binary, Score("accuracy"), Nodes()), GRID)
        assert [*curve_of(evaluation)] == [1, 3, 5]
        stored = json.dumps(evaluation.to_json())
        assert Evaluation.from_json(json.loads(stored)) == evaluation

    def test_a_model_without_submodels_is_evaluated_and_the_reason_told(self, binary: Any) -> None:
        plan = plan_of(*binary, Score("accuracy"))
        evaluation = evaluate(GaussianNB(), plan, Grid("var_smoothing", 1.0, (0.1,)))
        assert evaluation.curve is None
        assert evaluation.folds == evaluate(GaussianNB(), plan).folds
        (told,) = evaluation.warnings
        assert told.startswith("submodels were not measured: NoSubmodelsError: a GaussianNB")

    def test_a_cost_that_nobody_knows_is_counted_on_the_submodels_built(self, binary: Any) -> None:
        class Unknown(DecisionTreeClassifier):
            pass

        plan = plan_of(*binary, Score("accuracy"), ParameterCount())
        boosting = AdaBoostClassifier(Unknown(max_depth=2), n_estimators=4, random_state=0)
        curve = curve_of(evaluate(boosting, plan, Grid("n", 4, (1, 2))))
        own = evaluate(clone(boosting).set_params(n_estimators=2), plan)
        assert curve[2]["parameters"] == own.folds["parameters"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestEpochs:
    """Perceptrons, whose fits keep what they are after fewer epochs."""

    @staticmethod
    def perceptron(kind: Any = MLPClassifier, **how: Any) -> Any:
        return kind(**{"hidden_layer_sizes": (5,), "max_iter": 40, "random_state": 0, **how})

    @pytest.mark.parametrize("solver", ["adam", "sgd"])
    @pytest.mark.parametrize(
        ("task", "kind", "score"),
        [
            ("binary", MLPClassifier, "neg_brier_score"),
            ("regression", MLPRegressor, "neg_max_error"),
        ],
    )
    def test_equal_refits_to_the_bit(
        self, task: str, kind: Any, score: str, solver: str, request: Any
    ) -> None:
        X, y = request.getfixturevalue(task)
        structure = self.perceptron(kind, solver=solver)
        plan = plan_of(X, y, Score(score), ParameterCount())
        evaluation = evaluate(structure, plan, Grid("epochs", 40, (1, 5, 17)))
        curve = curve_of(evaluation)
        assert list(curve) == [1, 5, 17]
        for value, folds in curve.items():
            assert folds == evaluate(clone(structure).set_params(max_iter=value), plan).folds
        (told,) = evaluation.warnings
        assert told.startswith("ConvergenceWarning: Stochastic Optimizer: Maximum iterations (40)")
        assert evaluation.folds == evaluate(structure, plan).folds

    def test_at_the_end_of_a_pipeline_that_is_raced(self, binary: Any) -> None:
        structure = make_pipeline(StandardScaler(), self.perceptron())
        plan = plan_of(*binary, Score("neg_brier_score"), Trained())
        race = Race(plan.objectives, np.array([[[-9.0, 10**0.9]] * 3]), np.zeros((1, 2)))
        evaluation = evaluate(structure, plan, Grid("epochs", 40, (1, 5, 17)), race)
        curve = curve_of(evaluation)
        assert list(curve) == [1, 5]
        assert [len(values) for values in evaluation.folds.values()] == [1, 1]
        for value, folds in curve.items():
            own = clone(structure).set_params(mlpclassifier__max_iter=value)
            assert folds == evaluate(own, plan).folds

    def test_epochs_that_cannot_be_kept_leave_the_structure_whole(self, binary: Any) -> None:
        structure, plan = self.perceptron(), plan_of(*binary, Score("accuracy"))
        evaluation = evaluate(structure, plan, Grid("epochs", 40, (5.0,)))
        assert evaluation.curve is None
        assert evaluation.folds == evaluate(structure, plan).folds
        assert "epochs must be whole numbers from 1, got 5.0" in evaluation.warnings[-1]

    @pytest.mark.parametrize("prepared", [False, True])
    def test_a_study_has_them(self, prepared: bool, binary: Any) -> None:
        def space(trial: Any) -> Any:
            return self.perceptron(
                hidden_layer_sizes=(trial.suggest_int("units", 1, 6),),
                max_iter=trial.suggest_int("epochs", 5, 40),
                learning_rate_init=trial.suggest_float("rate", 1e-3, 1e-1, log=True),
            )

        study = StructureStudy(
            spaces.pipeline(StandardScaler(), space) if prepared else space,
            (Score("accuracy"), ParameterCount()),
            name="t",
            storage=optuna.storages.InMemoryStorage(),
            sampler="random",
            cv=3,
        )
        study.optimize(*binary, n_trials=14)
        plan = plan_of(*binary, *study.objectives)
        assert any(candidate.is_submodel for candidate in study.front())
        for candidate in study.front():
            assert candidate.values == evaluate(candidate.build(), plan).values

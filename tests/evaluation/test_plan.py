"""Tests of optistruct.evaluation.plan."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    StratifiedKFold,
)

from optistruct.evaluation import EvaluationPlan, make_plan
from optistruct.exceptions import ArgumentError, DataError
from optistruct.objectives import ParameterCount, Score
from optistruct.spaces import Problem


def plan_of(X: Any, y: Any, scoring: Any = None, cv: Any = 5, groups: Any = None) -> EvaluationPlan:
    problem = Problem.from_data(X, y)
    scoring = scoring or ("accuracy" if problem.is_classification else "r2")
    return make_plan(X, y, [Score(scoring), ParameterCount()], problem, cv, groups)


class TestFolds:
    def test_hold_every_row_out_once(self, data: Any) -> None:
        plan = plan_of(*data)
        assert len(plan.folds) == 5
        held_out = np.concatenate([test for _, test in plan.folds])
        assert sorted(held_out) == list(range(90))
        for train, test in plan.folds:
            assert sorted([*train, *test]) == list(range(90))

    def test_keep_the_share_of_each_class(self) -> None:
        y = np.array([0] * 80 + [1] * 20)
        plan = plan_of(np.zeros((100, 1)), y, cv=4)
        assert [int(y[test].sum()) for _, test in plan.folds] == [5, 5, 5, 5]

    def test_of_a_regression_are_not_stratified(self, regression: Any) -> None:
        plan = plan_of(*regression, cv=3)
        expected = list(KFold(3).split(regression[0]))
        for (train, test), (expected_train, expected_test) in zip(
            plan.folds, expected, strict=True
        ):
            np.testing.assert_array_equal(train, expected_train)
            np.testing.assert_array_equal(test, expected_test)

    def test_are_those_of_a_splitter(self, binary: Any) -> None:
        splitter = StratifiedKFold(3, shuffle=True, random_state=4)
        plan = plan_of(*binary, cv=splitter)
        for (_, test), (_, expected) in zip(plan.folds, splitter.split(*binary), strict=True):
            np.testing.assert_array_equal(test, expected)

    def test_may_be_given_as_row_numbers(self, binary: Any) -> None:
        pairs = [(np.arange(60), np.arange(60, 90)), (np.arange(30, 90), np.arange(30))]
        plan = plan_of(*binary, cv=pairs)
        assert [(len(train), len(test)) for train, test in plan.folds] == [(60, 30), (60, 30)]

    @pytest.mark.parametrize("splitter", [GroupKFold(3), LeaveOneGroupOut()])
    def test_keep_groups_together(self, splitter: Any, binary: Any) -> None:
        groups = np.arange(90) % 6
        plan = plan_of(*binary, cv=splitter, groups=groups)
        for train, test in plan.folds:
            assert not set(groups[train]) & set(groups[test])

    def test_take_a_table_and_text(self, mixed: tuple[pd.DataFrame, np.ndarray]) -> None:
        plan = plan_of(*mixed, scoring="balanced_accuracy", cv=3)
        assert plan.X is mixed[0]
        assert plan.y is mixed[1]
        assert [objective.name for objective in plan.objectives] == [
            "balanced_accuracy",
            "parameters",
        ]

    def test_take_plain_lists(self) -> None:
        plan = plan_of([[0.0], [1.0], [2.0], [3.0]], ["a", "b", "a", "b"], cv=2)
        assert plan.X.shape == (4, 1)
        assert [list(plan.y[test]) for _, test in plan.folds] == [["a", "b"], ["a", "b"]]


class TestRefusals:
    def test_of_fewer_rows_than_folds(self) -> None:
        with pytest.raises(DataError, match="cv=5 folds need at least 5 rows, X has 4"):
            plan_of(np.zeros((4, 1)), [0, 1, 0, 1])

    def test_of_fewer_rows_of_every_class_than_folds(self) -> None:
        with pytest.raises(DataError, match="cv=5 cannot split the data: n_splits=5 cannot be"):
            plan_of(np.zeros((6, 1)), [0, 1, 0, 1, 0, 1])

    def test_of_a_splitter_without_its_groups(self, binary: Any) -> None:
        with pytest.raises(DataError, match="cannot split the data: The 'groups' parameter"):
            plan_of(*binary, cv=GroupKFold(3))

    def test_of_a_splitter_that_draws_other_training_rows_every_time(self, binary: Any) -> None:
        class Drawing(KFold):
            def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
                rng = np.random.default_rng()
                for train, test in super().split(X):
                    yield rng.permutation(train)[: len(train) // 2], test

        with pytest.raises(ArgumentError, match="gives other folds every time"):
            plan_of(*binary, cv=Drawing(3))

    def test_of_a_fold_that_trains_on_one_class(self) -> None:
        y = [0] * 10 + [1] * 10
        with pytest.raises(DataError, match=r"fold 0 trains on one class only: .*StratifiedKFold"):
            plan_of(np.zeros((20, 1)), y, cv=KFold(2))

    @pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss"])
    def test_of_a_fold_that_lacks_a_class_that_the_scorer_needs(self, scoring: str) -> None:
        y = [0] * 12 + [1] * 18
        with pytest.raises(DataError, match=r"fold 0, which does not hold out every .*shuffle"):
            plan_of(np.zeros((30, 1)), y, scoring, cv=KFold(3))
        assert plan_of(np.zeros((30, 1)), y, "accuracy", cv=KFold(3))

    def test_of_a_later_fold_that_lacks_a_class(self) -> None:
        y = [0, 1, 2] * 6 + [0, 1] * 6
        with pytest.raises(DataError, match=r"fold 2, which does not hold out every .*shuffle"):
            plan_of(np.zeros((30, 1)), y, "neg_log_loss", cv=KFold(3))

    def test_of_a_fold_of_one_row_where_the_scorer_needs_two(self, regression: Any) -> None:
        with pytest.raises(DataError, match="fold 0, which holds out a single row: use fewer"):
            plan_of(*regression, "r2", cv=LeaveOneOut())

    @pytest.mark.parametrize("cv", ["five", 2.5, object()])
    def test_of_what_is_no_cross_validation(self, cv: Any, binary: Any) -> None:
        with pytest.raises(ArgumentError, match="cv: Expected `cv` as an integer"):
            plan_of(*binary, cv=cv)

    @pytest.mark.parametrize(
        ("scoring", "task"),
        [
            ("f1", "multiclass"),
            ("roc_auc", "multiclass"),
            ("accuracy", "regression"),
            ("roc_auc", "regression"),
            ("neg_log_loss", "regression"),
            ("top_k_accuracy", "regression"),
            ("r2", "multiclass"),
        ],
    )
    def test_of_a_scorer_that_does_not_fit_the_target(
        self, scoring: str, task: str, request: pytest.FixtureRequest
    ) -> None:
        X, y = request.getfixturevalue(task)
        with pytest.raises(ArgumentError, match=rf"the scorer '{scoring}' .*{task} target"):
            plan_of(X, y, scoring=scoring)


@pytest.mark.parametrize(
    ("scoring", "task"),
    [
        ("balanced_accuracy", "multiclass"),
        ("f1_macro", "multiclass"),
        ("neg_log_loss", "multiclass"),
        ("roc_auc_ovr", "multiclass"),
        ("roc_auc", "binary"),
        ("f1", "binary"),
        ("average_precision", "binary"),
        ("neg_root_mean_squared_error", "regression"),
        ("neg_max_error", "regression"),
    ],
)
def test_scorers_that_fit_the_target_pass(
    scoring: str, task: str, request: pytest.FixtureRequest
) -> None:
    X, y = request.getfixturevalue(task)
    assert plan_of(X, y, scoring=scoring).objectives[0] == Score(scoring)

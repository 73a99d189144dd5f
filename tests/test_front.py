"""A front made by hand: order, table, hypervolume, choice, and structures built again."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from optistruct import Candidate, ParetoFront, StructureStudy, spaces
from optistruct.exceptions import ArgumentError, StudyError
from optistruct.objectives import ModelSize, Objective, ParameterCount, Score
from optistruct.unfolding import EVALUATION

PROBLEM = spaces.Problem("binary", rows=90, features=4, classes=2)
BY_BOTH = (Score("accuracy"), ParameterCount())


def tree(trial: Any) -> Any:
    return DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 9))


def candidate(
    trial: int,
    accuracy: float,
    parameters: float,
    *,
    is_feasible: bool = True,
    answers: Mapping[str, Any] | None = None,
    **more: float,
) -> Candidate:
    values = {"accuracy": accuracy, "parameters": parameters, **more}
    return Candidate(
        trial=trial,
        key=str(trial),
        parameters=answers or {"max_depth": trial + 1},
        values=values,
        standard_errors={name: value / 100 for name, value in values.items()},
        is_feasible=is_feasible,
        remeasurement=None,
        estimated=frozenset(),
        _space=tree,
        _problem=PROBLEM,
        _seed=7,
    )


@pytest.fixture
def four() -> list[Candidate]:
    """Three on the front, given out of order, and one that is dominated."""
    return [
        candidate(0, 0.80, 10),
        candidate(1, 0.95, 1000),
        candidate(2, 0.79, 100),  # worse than trial 0 in both
        candidate(3, 0.94, 100),
    ]


def numbers(candidates: Any) -> list[int]:
    return [c.trial for c in candidates]


class TestMembers:
    def test_best_in_the_first_objective_first(self, four: list[Candidate]) -> None:
        front = ParetoFront(four, BY_BOTH)
        assert numbers(front) == [1, 3, 0]
        assert numbers(front.dominated) == [2]
        assert front.infeasible == ()
        assert len(front) == 3
        assert front[0].trial == 1
        assert numbers(front[1:]) == [3, 0]
        assert four[3] in front
        assert repr(front) == "<ParetoFront of 3 structures: accuracy, parameters>"

    def test_smallest_first_where_that_is_the_first_objective(self, four: list[Candidate]) -> None:
        assert numbers(ParetoFront(four, BY_BOTH[::-1])) == [0, 3, 1]

    def test_those_beyond_a_limit_dominate_none(self) -> None:
        better_but_forbidden = candidate(0, 0.99, 5, is_feasible=False)
        front = ParetoFront([better_but_forbidden, candidate(1, 0.9, 50)], BY_BOTH)
        assert numbers(front) == [1]
        assert numbers(front.infeasible) == [0]
        assert front.dominated == ()

    def test_equal_structures_are_all_there(self) -> None:
        front = ParetoFront([candidate(4, 0.9, 50), candidate(2, 0.9, 50)], BY_BOTH)
        assert sorted(numbers(front)) == [2, 4]

    def test_of_nothing(self) -> None:
        front = ParetoFront([], BY_BOTH)
        assert len(front) == 0
        assert list(front) == []
        assert front.hypervolume() == 0
        assert front.nearest_miss is None
        assert front.to_frame().empty

    def test_one_objective(self, four: list[Candidate]) -> None:
        front = ParetoFront(four, BY_BOTH[:1])
        assert numbers(front) == [1]
        assert sorted(numbers(front.dominated)) == [0, 2, 3]
        assert front.hypervolume() == pytest.approx(0.95 - 0.79)
        assert front.select("knee").trial == 1

    def test_three_objectives(self) -> None:
        by = (*BY_BOTH, ModelSize())
        members = [candidate(0, 0.9, 50, size=500), candidate(1, 0.9, 60, size=400)]
        front = ParetoFront([*members, candidate(2, 0.9, 60, size=500)], by)
        assert numbers(front) == [0, 1]
        assert numbers(front.dominated) == [2]


class TestToFrame:
    def test_columns_and_rows(self, four: list[Candidate]) -> None:
        frame = ParetoFront(four, BY_BOTH).to_frame()
        expected = pd.DataFrame(
            {
                "trial": [1, 3, 0],
                "is_submodel": [False, False, False],
                "max_depth": [2, 4, 1],
                "accuracy": [0.95, 0.94, 0.80],
                "accuracy_se": [0.0095, 0.0094, 0.0080],
                "parameters": [1000, 100, 10],
                "parameters_se": [10.0, 1.0, 0.1],
            }
        )
        pd.testing.assert_frame_equal(frame, expected)

    def test_parameters_that_not_all_have(self) -> None:
        members = [
            candidate(0, 0.9, 50, answers={"family": "linear", "linear.strength": 0.5}),
            candidate(1, 0.8, 10, answers={"family": "tree", "tree.max_depth": 3}),
        ]
        frame = ParetoFront(members, BY_BOTH).to_frame()
        assert list(frame.columns[2:5]) == ["family", "linear.strength", "tree.max_depth"]
        assert frame["linear.strength"].isna().tolist() == [False, True]
        assert frame["tree.max_depth"].isna().tolist() == [True, False]

    def test_of_an_empty_front(self) -> None:
        frame = ParetoFront([candidate(0, 0.9, 50, is_feasible=False)], BY_BOTH).to_frame()
        columns = ["trial", "is_submodel", "accuracy", "accuracy_se", "parameters", "parameters_se"]
        assert list(frame.columns) == columns
        assert len(frame) == 0


class TestHypervolume:
    def test_up_to_a_reference(self, four: list[Candidate]) -> None:
        """Accuracy counts as it is, parameters by their decimal logarithm."""
        volume = ParetoFront(four, BY_BOTH).hypervolume({"accuracy": 0.7, "parameters": 10_000})
        # boxes of the members, left to right: log10 from 1 to 2, from 2 to 3, from 3 to 4
        assert volume == pytest.approx(0.10 * 1 + 0.24 * 1 + 0.25 * 1)

    def test_up_to_the_worst_by_default(self, four: list[Candidate]) -> None:
        front = ParetoFront(four, BY_BOTH)
        assert front.hypervolume() == pytest.approx((0.80 - 0.79) * 1 + (0.94 - 0.79) * 1)
        worst = {"accuracy": 0.79, "parameters": 1000}
        assert front.hypervolume() == pytest.approx(front.hypervolume(worst))

    def test_those_beyond_a_limit_do_not_move_the_default(self, four: list[Candidate]) -> None:
        forbidden = candidate(4, 0.1, 1e9, is_feasible=False)
        with_it = ParetoFront([*four, forbidden], BY_BOTH)
        assert with_it.hypervolume() == ParetoFront(four, BY_BOTH).hypervolume()

    def test_members_beyond_the_reference_add_nothing(self, four: list[Candidate]) -> None:
        front = ParetoFront(four, BY_BOTH)
        assert front.hypervolume({"accuracy": 0.99, "parameters": 10_000}) == 0

    @pytest.mark.parametrize(
        "reference", [{"accuracy": 0.5}, {}, {"accuracy": 0.5, "parameters": 9.0, "size": 1.0}]
    )
    def test_reference_of_other_names(
        self, four: list[Candidate], reference: dict[str, float]
    ) -> None:
        with pytest.raises(
            ArgumentError,
            match="reference must give a value for each of accuracy, parameters, got",
        ):
            ParetoFront(four, BY_BOTH).hypervolume(reference)


class TestSelect:
    def test_knee(self, four: list[Candidate]) -> None:
        assert ParetoFront(four, BY_BOTH).select("knee").trial == 3

    def test_best(self, four: list[Candidate]) -> None:
        assert ParetoFront(four, BY_BOTH).select("best").trial == 1
        assert ParetoFront(four, BY_BOTH[::-1]).select("best").trial == 0

    def test_by_a_function_whose_largest_value_wins(self, four: list[Candidate]) -> None:
        front = ParetoFront(four, BY_BOTH)
        assert front.select(lambda c: -c.values["parameters"]).trial == 0
        assert front.select(lambda c: -abs(c.values["accuracy"] - 0.9)).trial == 3

    def test_in_another_way(self, four: list[Candidate]) -> None:
        with pytest.raises(
            ArgumentError, match="how must be 'knee', 'best' or a function, got 'cheapest'"
        ):
            ParetoFront(four, BY_BOTH).select("cheapest")

    @pytest.mark.parametrize("how", ["knee", "best", len])
    def test_from_an_empty_front(self, how: Any) -> None:
        front = ParetoFront([candidate(0, 0.9, 50, is_feasible=False)], BY_BOTH)
        with pytest.raises(StudyError, match=r"the front is empty: .* loosen a limit or search on"):
            front.select(how)

    def test_where_all_were_refused_for_a_limit(self) -> None:
        with pytest.raises(StudyError, match=r"loosen a limit or search on$"):
            ParetoFront([], (Score("accuracy"), ParameterCount(at_most=5))).select("best")

    def test_before_anything_was_measured(self) -> None:
        with pytest.raises(StudyError, match="no structure has been measured yet; search on"):
            ParetoFront([], BY_BOTH).select("best")


class TestNearestMiss:
    by: tuple[Objective, ...] = (Score("accuracy", at_least=0.9), ParameterCount(at_most=100))

    def test_breaks_the_limits_by_least(self) -> None:
        """Half an order of magnitude too large is further off than 0.2 too inaccurate."""
        front = ParetoFront(
            [
                candidate(0, 0.95, 320, is_feasible=False),
                candidate(1, 0.70, 90, is_feasible=False),
                candidate(2, 0.60, 2, is_feasible=False),
            ],
            self.by,
        )
        assert front.nearest_miss is not None
        assert front.nearest_miss.trial == 1

    def test_none_where_all_is_well(self) -> None:
        assert ParetoFront([candidate(0, 0.95, 99)], self.by).nearest_miss is None


class TestStructures:
    def test_build(self) -> None:
        built = candidate(4, 0.9, 50).build()
        assert isinstance(built, DecisionTreeClassifier)
        assert built.max_depth == 5
        assert built.random_state == 7
        assert not hasattr(built, "tree_")

    def test_fit(self, binary: tuple[Any, Any]) -> None:
        model = candidate(4, 0.9, 50).fit(*binary)
        assert model.get_depth() <= 5
        assert set(model.predict(binary[0])) <= {0, 1}

    def test_is_frozen_and_shows_no_inside(self) -> None:
        member = candidate(4, 0.9, 50)
        with pytest.raises(AttributeError, match="cannot assign to field 'trial'"):
            member.trial = 3  # type: ignore[misc]
        assert "_space" not in repr(member)


class Recorder(DecisionTreeClassifier):
    """Remembers every structure that was fitted."""

    fitted: list[dict[str, Any]] = []  # noqa: RUF012

    def fit(self, X: Any, y: Any) -> "Recorder":
        self.fitted.append(self.get_params())
        return super().fit(X, y)


@pytest.fixture
def in_memory() -> Callable[..., StructureStudy]:
    def maker(space: Any, objectives: Any = BY_BOTH, **kwargs: Any) -> StructureStudy:
        storage = optuna.storages.InMemoryStorage()
        return StructureStudy(space, objectives, name="t", storage=storage, cv=3, **kwargs)

    return maker


class TestReadFromAStudy:
    def test_builds_what_was_measured(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        Recorder.fitted.clear()
        study = in_memory(
            lambda trial: Recorder(
                max_depth=trial.suggest_int("max_depth", 1, 9),
                splitter=trial.suggest_categorical("splitter", ["best", "random"]),
            ),
            seed=23,
        )
        study.optimize(*binary, n_trials=4)
        assert {params["random_state"] for params in Recorder.fitted} == {23}
        front = study.front()
        for member in (*front, *front.dominated):
            measured = Recorder.fitted[3 * member.trial]
            assert member.build().get_params() == measured

    def test_measures_the_same_again(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        """Nested estimators carry the seed too: a tree in a pipeline gives the same scores."""
        from sklearn.model_selection import cross_val_score

        space = spaces.pipeline(spaces.pca, spaces.decision_tree)
        study = in_memory(space, seed=5)
        study.optimize(*binary, n_trials=4)
        for member in study.front():
            built = member.build()
            assert isinstance(built, Pipeline)
            assert built.get_params()["model__random_state"] == 5
            scores = cross_val_score(built, *binary, cv=3)
            assert scores.mean() == pytest.approx(member.values["accuracy"])
            error = scores.std(ddof=1) / math.sqrt(3)
            assert member.standard_errors["accuracy"] == pytest.approx(error)

    def test_a_seed_that_the_space_set_is_kept(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory(
            lambda trial: DecisionTreeClassifier(
                max_depth=trial.suggest_int("d", 1, 3), random_state=99
            )
        )
        study.optimize(*binary, n_trials=1)
        assert study.front()[0].build().random_state == 99

    def test_of_trials_without_a_record(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        """Trials that were put in with plain Optuna count; their errors are unknown."""
        study = in_memory(tree)
        study.optimize(*binary, n_trials=1)
        study.optuna_study.add_trial(
            optuna.trial.create_trial(
                params={"max_depth": 2},
                distributions={"max_depth": optuna.distributions.IntDistribution(1, 9)},
                values=[1.0, 1.0],
            )
        )
        assert EVALUATION not in study.optuna_study.trials[1].user_attrs
        [member] = study.front()
        assert member.trial == 1
        assert np.isnan(member.standard_errors["accuracy"])
        assert member.build().max_depth == 2

    def test_a_model_from_the_knee(
        self, in_memory: Callable[..., StructureStudy], binary: tuple[Any, Any]
    ) -> None:
        study = in_memory(spaces.linear)
        study.optimize(*binary, n_trials=4)
        model = study.front().select("knee").fit(*binary)
        assert model.score(*binary) > 0.4
        assert isinstance(model, LogisticRegression) or type(model).__name__ == "SGDClassifier"

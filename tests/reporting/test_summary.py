"""The plain facts of a study, and how numbers and structures are written."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from sklearn.ensemble import GradientBoostingClassifier

from optistruct import StructureStudy, spaces
from optistruct.front import REPEATS, Candidate
from optistruct.objectives import InferenceTime, Operations, ParameterCount, Score
from optistruct.reporting import summarize
from optistruct.reporting.summary import number_text, structure_text, value_text

BY_BOTH = (Score("accuracy"), ParameterCount(at_most=500))
PROBLEM = spaces.Problem("binary", rows=90, features=4, classes=2)


def candidate(parameters: dict[str, Any], **values: float) -> Candidate:
    return Candidate(
        trial=0,
        key="0",
        parameters=parameters,
        values=values,
        standard_errors=dict.fromkeys(values, 0.012),
        is_feasible=True,
        remeasurement=None,
        estimated=frozenset(),
        _space=spaces.linear,
        _problem=PROBLEM,
        _seed=0,
    )


class TestSummarize:
    def test_counts(self, study_of: Callable[..., StructureStudy]) -> None:
        points = [(0.9, 100), (0.8, 200), (0.99, 1000), "ValueError: odd", "ValueError: odd", "x"]
        summary = summarize(study_of(BY_BOTH, [*points, None]))
        assert summary.name == "points"
        assert summary.states == {"complete": 3, "fail": 3, "running": 1}
        assert summary.failures == {"ValueError: odd": 2, "x": 1}
        assert list(summary.failures) == ["ValueError: odd", "x"]
        assert summary.trials == "7 trials (3 failed, 1 unfinished, 1 beyond a limit)"
        assert [c.trial for c in summary.front] == [0]
        assert [c.trial for c in summary.front.infeasible] == [2]
        assert summary.space == "tree"
        assert summary.cv == "3"
        assert summary.begun is not None
        assert summary.ended is not None
        assert summary.begun <= summary.ended

    def test_of_a_study_without_trials(self, study_of: Callable[..., StructureStudy]) -> None:
        summary = summarize(study_of(BY_BOTH, []))
        assert summary.trials == "0 trials"
        assert summary.begun is None
        assert summary.ended is None
        assert len(summary.front) == 0

    def test_of_one_trial(self, study_of: Callable[..., StructureStudy]) -> None:
        assert summarize(study_of(BY_BOTH, [(0.9, 100)])).trials == "1 trial"

    def test_failure_without_a_reason(self, study_of: Callable[..., StructureStudy]) -> None:
        study = study_of(BY_BOTH, [(0.9, 100)])
        trial = study.optuna_study.ask()
        study.optuna_study.tell(trial, state=TrialState.FAIL)
        assert summarize(study).failures == {"no reason was stored": 1}

    def test_what_trials_were_told_of(self, binary: Any) -> None:
        """A model that goes on from an earlier fit is measured alone, and that is said."""

        def warm(trial: Any) -> Any:
            rounds = trial.suggest_int("n_estimators", 2, 9)
            return GradientBoostingClassifier(n_estimators=rounds, warm_start=True)

        study = StructureStudy(
            warm,
            [Score("accuracy")],
            name="t",
            storage=InMemoryStorage(),
            sampler="random",
            cv=2,
        )
        study.optimize(*binary, n_trials=3)
        ((text, count),) = summarize(study).warnings.items()
        assert count == sum(REPEATS not in t.user_attrs for t in study.optuna_study.trials)
        assert text.startswith("submodels were not measured: SubmodelError: ")
        assert "warm_start=True" in text

    def test_machines_that_times_are_of(self, study_of: Callable[..., StructureStudy]) -> None:
        by, points = (Score("accuracy"), InferenceTime()), [(0.9, 10.0), (0.8, 5.0), (0.7, 1.0)]
        [told] = summarize(study_of(by, points, processors=("one", "two"))).times
        assert told.startswith("Measured on 2 machines")
        assert "(2 evaluations)" in told
        assert "(1 evaluations)" in told
        assert summarize(study_of(by, points, name="of one")).times == []
        untimed = study_of(BY_BOTH, [(0.9, 10)] * 2, name="untimed", processors=("one", "two"))
        assert summarize(untimed).times == []


class TestTexts:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (23_200_000, "23.20M"), (1750, "1,750"), (24.12, "24.1"), (0.95349, "0.953"),
            (2.2e-6, "2.2e-06"), (0.0, "0"), (1.0, "1"), (123.4, "123"), (-0.5, "-0.500"),
            (-1_500_000, "-1.50M"),
        ],
    )  # fmt: skip
    def test_number(self, value: float, text: str) -> None:
        assert number_text(float(value)) == text

    def test_number_like_another(self) -> None:
        assert number_text(0.0123, like=0.953) == "0.012"
        assert number_text(2.34, like=1750.0) == "2"
        assert number_text(23_000.0, like=23_200_000.0) == "0.02M"

    def test_an_estimate_is_marked(self) -> None:
        member = replace(candidate({}, accuracy=0.9534), estimated=frozenset({"accuracy"}))
        assert value_text(Score("accuracy"), member) == "~0.953 ± 0.012"

    def test_value_with_its_error(self) -> None:
        member = candidate({}, accuracy=0.9534)
        assert value_text(Score("accuracy"), member) == "0.953 ± 0.012"

    def test_value_with_an_error_that_is_small_beside_it(self) -> None:
        member = candidate({}, operations=13.0)
        assert value_text(Operations(), member) == "13 ± 0.012"

    def test_value_without_a_known_error(self) -> None:
        member = candidate({}, accuracy=0.9534)
        member.standard_errors["accuracy"] = float("nan")  # type: ignore[index]
        assert value_text(Score("accuracy"), member) == "0.953"

    def test_structure(self) -> None:
        member = candidate({"max_depth": 3, "rate": 0.123456, "kind": None})
        assert structure_text(member) == "max_depth=3, rate=0.123, kind=None"

    def test_structure_of_a_family(self) -> None:
        member = candidate({"family": "linear", "linear.penalty": "ridge", "scaler.kind": "none"})
        assert structure_text(member) == "linear: penalty=ridge, scaler.kind=none"

"""A front's times, measured again side by side; only what is shown changes, never the trials."""

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, load_study, objectives, reporting, spaces
from optistruct.evaluation import Remeasurement, make_plan, remeasure
from optistruct.exceptions import ArgumentError, StorageError, StudyError, StudyMismatchError
from optistruct.spaces import Problem
from optistruct.unfolding import remeasured_key

pytestmark = pytest.mark.slow

BY_TIME = [objectives.Score("accuracy"), objectives.InferenceTime()]


def trees(trial: Any) -> Any:
    depth = trial.suggest_int("max_depth", 1, 4)
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


class Noting(DecisionTreeClassifier):
    """Writes down which process fits it."""

    def __init__(self, note: str = "", max_depth: int = 1) -> None:
        super().__init__(max_depth=max_depth)
        self.note = note

    def fit(self, X: Any, y: Any) -> Any:
        with Path(self.note).open("a") as file:
            file.write(f"{os.getpid()}\n")
        return super().fit(X, y)


@pytest.fixture
def study(binary: Any, tmp_path: Path) -> StructureStudy:
    made = StructureStudy(
        spaces.decision_tree, BY_TIME, name="t", storage=f"sqlite:///{tmp_path}/s.db", cv=2
    )
    made.optimize(*binary, n_trials=4)
    return made


class TestRemeasure:
    def test_replaces_the_times_of_the_front_and_keeps_the_old_ones(
        self, study: StructureStudy
    ) -> None:
        before = {t.number: (t.values, t.user_attrs) for t in study.optuna_study.trials}
        front = study.remeasure()
        assert {t.number: (t.values, t.user_attrs) for t in study.optuna_study.trials} == before
        for member in front:
            again = member.remeasurement
            assert again is not None
            assert len(again.folds["inference_time"]) == 2
            assert member.values["inference_time"] == np.mean(again.folds["inference_time"])
            assert member.values["inference_time"] != before[member.trial][0][1]
            assert member.values["accuracy"] == before[member.trial][0][0]
            assert member.standard_errors["inference_time"] > 0
            assert again.machine["cores"] >= 1
            assert again.width > 0

    def test_every_member_of_the_new_front_was_measured(self, binary: Any) -> None:
        """Where better times move a structure off the front, those that come on are measured."""
        study = StructureStudy(
            trees, BY_TIME, name="t", storage="sqlite:///:memory:", cv=2, sampler="tpe"
        )
        study.optimize(*binary, n_trials=6)
        first = {member.trial for member in study.front()}
        for trial in study.optuna_study.trials:  # as if the search had met a slow machine
            if trial.number in first:
                study.optuna_study.set_user_attr(
                    remeasured_key(str(trial.number)),
                    Remeasurement({"inference_time": (1e9, 1e9)}, 0.01, {}, "2026-01-01").to_json(),
                )
        assert {member.trial for member in study.front()} != first
        front = study.remeasure()
        assert all(member.remeasurement.moment > "2026-02" for member in front)  # type: ignore[union-attr]

    def test_is_told_in_the_reports(self, study: StructureStudy, tmp_path: Path) -> None:
        assert reporting.summarize(study).times == []
        study.remeasure()
        [told] = reporting.summarize(study).times
        assert told.startswith("The times of ")
        assert "measured again, side by side, on " in told
        assert told in str(reporting.front_table(study).caption)
        assert "side by side" in reporting.to_html(study, tmp_path / "t.html").read_text()

    def test_of_a_loaded_study_needs_the_data(self, study: StructureStudy, binary: Any) -> None:
        loaded = load_study("t", study.storage)
        with pytest.raises(ArgumentError, match=r"hand over the same X and y, study.remeasure\("):
            loaded.remeasure()
        X, y = binary
        message = "other data: 90 rows of 4 columns then, 89 of 4 now"
        with pytest.raises(StudyMismatchError, match=message):
            loaded.remeasure(X[:-1], y[:-1])
        assert all(member.remeasurement is None for member in loaded.front())
        assert all(member.remeasurement for member in loaded.remeasure(X, y))

    def test_takes_lists_as_optimize_does(self, tmp_path: Path) -> None:
        X, y = [[i, i / 2, i % 3] for i in range(30)], [i % 3 > 0 for i in range(30)]
        study = StructureStudy(trees, BY_TIME, name="t", storage=f"sqlite:///{tmp_path}/s.db", cv=2)
        study.optimize(X, y, n_trials=1)
        assert all(member.remeasurement for member in study.remeasure())
        with pytest.raises(ArgumentError, match="takes both X and y, or neither"):
            study.remeasure(X)

    def test_a_structure_that_cannot_be_fitted_any_more_is_told(
        self, binary: Any, tmp_path: Path
    ) -> None:
        note = tmp_path / "folder" / "pids"
        note.parent.mkdir()

        def noting(trial: Any) -> Any:
            return Noting(str(note), max_depth=trial.suggest_int("max_depth", 1, 2))

        study = StructureStudy(noting, BY_TIME, name="t", storage="sqlite:///:memory:", cv=2)
        study.optimize(*binary, n_trials=1)
        note.unlink()
        note.parent.rmdir()
        with pytest.raises(StudyError, match="'t' cannot be measured again: FileNotFoundError"):
            study.remeasure()
        assert len(study.front()) == 1

    def test_a_limit_holds_for_the_new_times(self, binary: Any) -> None:
        limit = objectives.InferenceTime(at_most=1e9)
        study = StructureStudy(
            trees, [BY_TIME[0], limit], name="t", storage="sqlite:///:memory:", cv=2
        )
        study.optimize(*binary, n_trials=2)
        slow = Remeasurement({"inference_time": (1e12, 1e12)}, 0.01, {}, "2026-01-01")
        for trial in (0, 1):
            study.optuna_study.set_user_attr(remeasured_key(str(trial)), slow.to_json())
        assert len(study.front()) == 0
        assert {c.trial for c in study.front().infeasible} == {0, 1}

    def test_refuses_a_study_without_times(self, binary: Any) -> None:
        study = StructureStudy(trees, BY_TIME[:1], name="t", storage="sqlite:///:memory:", cv=2)
        study.optimize(*binary, n_trials=1)
        with pytest.raises(ArgumentError, match="the study 't' measures no inference time"):
            study.remeasure()

    def test_refuses_a_study_that_was_never_run(self, tmp_path: Path) -> None:
        study = StructureStudy(trees, BY_TIME, name="t", storage=f"sqlite:///{tmp_path}/s.db")
        with pytest.raises(StorageError, match="there is no database"):
            study.remeasure()

    def test_runs_in_a_process_of_its_own(self, binary: Any, tmp_path: Path) -> None:
        note = tmp_path / "pids"

        def noting(trial: Any) -> Any:
            return Noting(str(note), max_depth=trial.suggest_int("max_depth", 1, 2))

        study = StructureStudy(noting, BY_TIME, name="t", storage="sqlite:///:memory:", cv=2)
        study.optimize(*binary, n_trials=2)
        assert set(note.read_text().split()) == {str(os.getpid())}
        note.unlink()
        study.remeasure()
        [worker] = set(note.read_text().split())
        assert worker != str(os.getpid())


class TestSideBySide:
    def test_measures_each_structure_in_each_fold(self, binary: Any) -> None:
        judged = [
            objectives.Score("accuracy"),
            objectives.InferenceTime(),
            objectives.InferenceTime(batch_size=20, unit="ms"),
        ]
        plan = make_plan(*binary, judged, Problem.from_data(*binary), 2)
        structures = [RandomForestClassifier(20, n_jobs=2, random_state=0), DummyClassifier()]
        forest, dummy = remeasure(structures, plan)
        assert set(forest.folds) == {"inference_time", "inference_time_20"}
        assert {len(values) for values in forest.folds.values()} == {2}
        assert min(forest.folds["inference_time"]) > max(dummy.folds["inference_time"])
        assert min(forest.folds["inference_time"]) > 1e2 * max(forest.folds["inference_time_20"])
        assert structures[0].n_jobs == 2
        assert not hasattr(structures[0], "estimators_")

    def test_is_json(self, binary: Any) -> None:
        record = Remeasurement({"inference_time": (1.5, 2.5)}, 0.02, {"cores": 2}, "2026-01-01")
        assert Remeasurement.from_json(record.to_json()) == record


class Listener(DecisionTreeClassifier):
    """Notes the rows that it is fitted on."""

    heard: ClassVar[list[Any]] = []

    def fit(self, X: Any, y: Any) -> Any:
        self.heard.append(X.copy())
        return super().fit(X, y)


def test_a_structure_that_writes_into_its_input_spoils_no_other(binary: Any) -> None:
    X, y = binary[0] * 9 + 40, binary[1]
    plan = make_plan(X, y, [objectives.ModelSize()], Problem.from_data(X, y), cv=2)
    Listener.heard.clear()
    careless = make_pipeline(StandardScaler(copy=False), DecisionTreeClassifier())
    remeasure([careless, Listener()], plan)
    for heard, (train, _) in zip(Listener.heard, plan.folds, strict=True):
        np.testing.assert_array_equal(heard, X[train])

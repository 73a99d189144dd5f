"""What a search writes is in the database at once, and what others write there is seen."""

import multiprocessing
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.distributions import FloatDistribution
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from optistruct.storage import RememberingStorage, gathered, open_storage

STATES = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]


@pytest.fixture
def storage(url: str) -> RememberingStorage:
    storage = open_storage(url, create=True)
    assert isinstance(storage, RememberingStorage)
    return storage


@pytest.fixture
def study(storage: RememberingStorage) -> optuna.Study:
    return optuna.create_study(study_name="t", storage=storage, directions=["minimize", "maximize"])


def fill(trial: optuna.Trial) -> None:
    """Give a trial every kind of thing that can be stored."""
    trial.suggest_float("x", 0, 1)
    trial.suggest_float("rate", 1e-7, 0.1, log=True)
    trial.suggest_int("n", 2, 20, step=3)
    trial.suggest_categorical("kind", ["a", None, 0.1, True])
    trial.set_user_attr("record", {"scores": [0.1, float("inf")], "text": "ü", "none": None})
    trial.set_user_attr("record", {"pair": (1, 2), 3: "key"})  # read as JSON has it
    trial.set_constraint("size", 1 / 3)
    trial.set_constraint("time", -1e-300)


@contextmanager
def full_disk(storage: RememberingStorage) -> Iterator[None]:
    """Let no transaction of the storage be committed in the block."""

    def refuse(*_: Any) -> None:
        raise sqlalchemy.exc.OperationalError("COMMIT", {}, Exception("disk full"))

    sqlalchemy.event.listen(storage.backend.engine, "commit", refuse)
    yield
    sqlalchemy.event.remove(storage.backend.engine, "commit", refuse)


def elsewhere(url: str) -> optuna.Study:
    """The study as plain Optuna opens it, by itself."""
    return optuna.load_study(study_name="t", storage=url)


def trials_of(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_plain_optuna_reads_what_was_told(study: optuna.Study, url: str, state: TrialState) -> None:
    for values in ([0.1, -2.5], [float("inf"), float("-inf")]):
        trial = study.ask()
        fill(trial)
        if state.is_finished():
            study.tell(trial, values if state == TrialState.COMPLETE else None, state=state)
    told = trials_of(study)
    assert [trial.state for trial in told] == [state] * 2
    assert told[0].user_attrs == {"record": {"pair": [1, 2], "3": "key"}}
    assert told[0].constraints == {"size": 1 / 3, "time": -1e-300}
    assert trials_of(elsewhere(url)) == told
    assert trials_of(optuna.load_study(study_name="t", storage=open_storage(url))) == told


def test_each_call_has_written_when_it_returns(study: optuna.Study, url: str) -> None:
    """So that a process that is killed then leaves it."""

    def written() -> FrozenTrial:
        return trials_of(elsewhere(url))[-1]

    trial = study.ask()
    assert written().state == TrialState.RUNNING
    x = trial.suggest_float("x", 0, 1)
    assert written().params == {"x": x}
    trial.set_user_attr("a", 1)
    assert written().user_attrs == {"a": 1}
    trial.set_constraint("c", 2.0)
    assert written().constraints == {"c": 2.0}
    study.tell(trial, [1.0, 2.0])
    assert written().values == [1.0, 2.0]
    assert written() == trials_of(study)[-1]


def test_what_goes_wrong_leaves_the_trial_as_it_was(
    study: optuna.Study, storage: RememberingStorage, url: str
) -> None:
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    with pytest.raises(TypeError, match="not JSON serializable"):
        trial.set_user_attr("a", object())
    with (
        full_disk(storage),
        pytest.raises(StorageInternalError, match=r"the database cannot be used: .*disk full"),
    ):
        study.tell(trial, [1.0, 2.0])
    assert trials_of(study) == trials_of(elsewhere(url))
    assert trials_of(study)[0].state == TrialState.RUNNING
    study.tell(trial, [1.0, 2.0])
    assert trials_of(elsewhere(url))[0].state == TrialState.COMPLETE


class TestGathered:
    """What is set in a block is written once."""

    @pytest.fixture
    def commits(self, storage: RememberingStorage) -> list[Any]:
        """A list that grows by one with each transaction that writes."""
        counted: list[Any] = []
        last = [0]

        def count(connection: Any) -> None:
            changes = connection.connection.total_changes
            if changes != last[0]:
                counted.append(changes)
            last[0] = changes

        sqlalchemy.event.listen(storage.backend.engine, "commit", count)
        return counted

    def test_parameters_and_attributes_are_written_at_its_end(
        self, study: optuna.Study, storage: RememberingStorage, url: str, commits: list[Any]
    ) -> None:
        trial = study.ask()
        commits.clear()
        with gathered(storage):
            fill(trial)
            assert trials_of(elsewhere(url))[0].params == {}
            assert trials_of(study)[0].params == trial.params
        assert len(commits) == 1
        assert trials_of(elsewhere(url)) == trials_of(study)
        trial.set_user_attr("after", 1)
        assert trials_of(elsewhere(url))[0].user_attrs["after"] == 1

    def test_they_are_written_with_the_state(
        self, study: optuna.Study, storage: RememberingStorage, url: str, commits: list[Any]
    ) -> None:
        trial = study.ask()
        commits.clear()
        with gathered(storage):
            fill(trial)
            study.tell(trial, [1.0, 2.0])
            assert trials_of(elsewhere(url)) == trials_of(study)
        assert len(commits) == 1

    def test_an_error_in_the_block_loses_nothing(
        self, study: optuna.Study, storage: RememberingStorage, url: str
    ) -> None:
        trial = study.ask()

        def fill_and_fail() -> None:
            with gathered(storage):
                fill(trial)
                raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            fill_and_fail()
        assert trials_of(elsewhere(url)) == trials_of(study)

    def test_an_error_of_the_database_leaves_all_to_be_written_again(
        self, study: optuna.Study, storage: RememberingStorage, url: str
    ) -> None:
        trial = study.ask()
        with gathered(storage):
            fill(trial)
            with full_disk(storage), pytest.raises(StorageInternalError, match="disk full"):
                study.tell(trial, [1.0, 2.0])
            study.tell(trial, [1.0, 2.0])
        assert trials_of(elsewhere(url)) == trials_of(study)

    def test_other_storages_write_at_once(self) -> None:
        study = optuna.create_study()
        trial = study.ask()
        with gathered(study._storage):
            trial.suggest_float("x", 0, 1)
            assert trials_of(study)[0].params == trial.params


class TestOthers:
    """One process writes a study; what another does there all the same is seen."""

    def test_trials_that_another_adds_and_finishes(self, study: optuna.Study, url: str) -> None:
        other = elsewhere(url)
        mine, theirs = study.ask(), other.ask()
        assert (mine.number, theirs.number) == (0, 1)
        fill(theirs)
        assert trials_of(study)[1].params == theirs.params
        other.tell(theirs, [1.0, 2.0])
        study.tell(mine, [3.0, 4.0])
        assert study.ask().number == 2
        assert trials_of(study) == trials_of(elsewhere(url))

    def test_a_trial_that_another_enqueues_is_taken_up(self, study: optuna.Study, url: str) -> None:
        study.tell(study.ask(), [0.0, 0.0])
        elsewhere(url).enqueue_trial({"x": 0.25}, user_attrs={"from": "elsewhere"})
        trial = study.ask()
        assert trial.suggest_float("x", 0, 1) == 0.25
        assert trial.user_attrs == {"from": "elsewhere"}
        assert study.ask().number == 2
        assert trials_of(study) == trials_of(elsewhere(url))

    def test_a_waiting_trial_is_taken_up_once(
        self, study: optuna.Study, storage: RememberingStorage, url: str
    ) -> None:
        study.enqueue_trial({"x": 0.25})
        waiting = trials_of(study)[0]._trial_id
        assert elsewhere(url).ask().number == 0
        assert not storage.set_trial_state_values(waiting, TrialState.RUNNING)
        assert storage.get_trial(waiting).state == TrialState.RUNNING
        assert study.ask().number == 1

    def test_a_trial_that_another_has_finished_stays_so(
        self, study: optuna.Study, url: str
    ) -> None:
        trial = study.ask()
        elsewhere(url).tell(trial.number, [5.0, 6.0])
        with pytest.raises(UpdateFinishedTrialError, match="has already finished"):
            study.tell(trial, [1.0, 2.0])
        assert trials_of(study) == trials_of(elsewhere(url))
        assert trials_of(study)[0].values == [5.0, 6.0]

    def test_a_parameter_keeps_its_kind(self, study: optuna.Study, url: str) -> None:
        """As in Optuna: choices that have changed would mix up the values."""
        elsewhere(url).ask().suggest_categorical("kind", ["a", "b"])
        with pytest.raises(ValueError, match="does not support dynamic value space"):
            study.ask().suggest_categorical("kind", ["b", "a"])

    def test_a_deleted_study_is_gone(self, study: optuna.Study, url: str) -> None:
        optuna.delete_study(study_name="t", storage=url)
        with pytest.raises(KeyError, match="there is no study with the id 1"):
            study.ask()


def test_trials_that_were_handed_out_do_not_change(study: optuna.Study) -> None:
    trial = study.ask()
    before = trials_of(study)
    fill(trial)
    study.tell(trial, [1.0, 2.0])
    assert before[0].params == {}
    assert before[0].state == TrialState.RUNNING


def test_a_parameter_stays_as_it_was_first_set(
    study: optuna.Study, storage: RememberingStorage, url: str
) -> None:
    trial = study.ask()
    for value in (0.25, 0.75):
        storage.set_trial_param(trial._trial_id, "x", value, FloatDistribution(0, 1))
    assert trials_of(study)[0].params == trials_of(elsewhere(url))[0].params == {"x": 0.25}


def test_another_process_remembers_nothing_old(
    study: optuna.Study, storage: RememberingStorage
) -> None:
    sent = pickle.dumps(storage)
    running = study.ask()
    study.tell(running, [1.0, 2.0])
    received = pickle.loads(sent)
    assert received.get_trial(running._trial_id) == storage.get_trial(running._trial_id)


def _write(url: str, n_trials: int) -> None:
    sampler = optuna.samplers.TPESampler(n_startup_trials=5)
    study = optuna.load_study(
        study_name="t", storage=open_storage(url, create=True), sampler=sampler
    )
    for _ in range(n_trials):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        study.tell(trial, [1.0, 2.0])


@pytest.mark.slow
def test_two_writers_get_different_numbers(study: optuna.Study, url: str) -> None:
    """Not what a search does; but nothing is lost if it happens."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_write, args=(url, 40)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    trials = trials_of(study)
    assert [trial.number for trial in trials] == list(range(80))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert trials == trials_of(elsewhere(url))

"""A structure study: a space, objectives, data, and a database from which it resumes."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from optistruct import recipe, samplers
from optistruct.evaluation import EvaluationPlan, count_workers, make_plan
from optistruct.exceptions import ArgumentError
from optistruct.founding import calibrated, load_or_make, storage_of, write_spec
from optistruct.front import ParetoFront, read_front
from optistruct.launch import DEFAULT_STORAGE, Remeasured, current_launch
from optistruct.objectives import Objective, check_objectives
from optistruct.remeasuring import remeasure_front
from optistruct.search import Search, SearchProgress
from optistruct.spaces import (
    Problem,
    Space,
    Task,
    check_parameters,
    probe,
    space_name,
    starts,
)
from optistruct.spec import StudySpec, fingerprint
from optistruct.stopping import Budget, Ending
from optistruct.storage import claimed, load_optuna_study, open_storage
from optistruct.unfolding import nest

__all__ = ["StructureStudy"]


class StructureStudy:
    """Searches a structure space under several objectives.

    The database is the only truth: a study of the same name and storage is the same study, and
    goes on where it stopped. Nothing is written before `optimize`.

    Args:
        space: The structure space: a function (trial) -> estimator or (trial, problem) ->
            estimator.
        objectives: What structures are judged by, the most important first.
        name: Name of the study in its database.
        storage: A database URL, or an Optuna storage.
        sampler: A name, see `samplers`, or any Optuna sampler.
        cv: As scikit-learn takes it: a number of folds, a splitter, or pairs of row numbers.
        seed: Seed of the sampler and of every structure whose `random_state` the space left
            open, from 0 to 2**32 - 1.
        defaults: Whether a new study begins with the structures that the families of the space
            name as good first ones, small to large; see `spaces.starts`.
        submodels: Whether what is nested in each fitted structure, such as the forests of a
            forest's first trees, is measured with it, and joins the front; see `submodels`.
        racing: Whether a structure that is surely dominated is not fitted on the folds that are
            left; see `evaluation.racing` for how sure. If submodels of it are not dominated, the
            largest takes its place there, and they may join the front. It is stored with
            pessimistic values and is itself never on the front.

    Raises:
        ArgumentError: If an argument cannot be used; the message says what was expected.

    Example:
        >>> study = StructureStudy(
        ...     spaces.random_forest,
        ...     [objectives.Score("accuracy"), objectives.ParameterCount()],
        ...     name="iris",
        ... )  # doctest: +SKIP
        >>> study.optimize(X, y, n_trials=50)  # doctest: +SKIP
        >>> study.front().select("knee").fit(X, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[Objective],
        *,
        name: str,
        storage: str | BaseStorage = DEFAULT_STORAGE,
        sampler: str | BaseSampler = "smsego",
        cv: Any = 5,
        seed: int = 0,
        defaults: bool = True,
        submodels: bool = True,
        racing: bool = True,
    ) -> None:
        if not callable(space):
            raise ArgumentError(f"space must be a function (trial) -> estimator, got {space!r}")
        is_text = isinstance(name, str) and name == name.encode("utf-8", "ignore").decode()
        if not is_text or not name.strip():
            raise ArgumentError(f"name must be a text that is not empty, got {name!r}")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ArgumentError(f"seed must be a whole number from 0 to 2**32 - 1, got {seed!r}")
        self.space = space
        self.objectives = check_objectives(objectives)
        self.name = name
        self.storage = storage_of(name, storage)
        self.cv = list(cv) if hasattr(cv, "__next__") else cv
        self.seed = seed
        self.defaults = defaults
        self.submodels = submodels
        self.racing = racing
        self._enqueued: list[dict[str, Any]] = []
        self._opened: optuna.Study | None = None
        self._lost_sampler: str | None = None
        self._data: tuple[Any, Any, Any] | None = None
        if isinstance(sampler, BaseSampler):
            self._sampler, self._sampler_name = sampler, type(sampler).__name__
        else:
            scales = [objective.scale for objective in self.objectives]
            self._sampler = samplers.by_name(
                sampler, seed=seed, scales=scales, nested=partial(nest, self.objectives)
            )
            self._sampler_name = sampler

    def __repr__(self) -> str:
        """Name the study, its space and its objectives."""
        names = ", ".join(objective.name for objective in self.objectives)
        return f"<StructureStudy {self.name!r}: {space_name(self.space)} by {names}>"

    @property
    def optuna_study(self) -> optuna.Study:
        """The Optuna study behind this one.

        Raises:
            StudyNotFoundError: If `optimize` has not made it yet.
            StorageError: If the database cannot be opened.
        """
        if self._opened is None:
            storage = open_storage(self.storage)
            self._opened = load_optuna_study(self.name, storage, sampler=self._sampler)
        return self._opened

    @property
    def spec(self) -> StudySpec:
        """What the stored study is of.

        Raises:
            StudyNotFoundError, StorageError: As `optuna_study` does.
            StudyMismatchError: If the study was not made by optistruct.
        """
        return StudySpec.of_study(self.optuna_study)

    def enqueue(self, *params: Mapping[str, Any]) -> None:
        """Have structures tried before the sampler proposes others, at the next `optimize`.

        The same parameters are tried once, so a script may enqueue them at every run.

        Args:
            *params: Names of parameters with values; what the space asks for beside them, the
                sampler answers.

        Raises:
            ArgumentError: If one is no mapping of names to values. Whether the space knows them
                is seen by `optimize`, which knows the data.
        """
        for one in params:
            if not isinstance(one, Mapping) or not all(isinstance(name, str) for name in one):
                raise ArgumentError(
                    "enqueue takes parameters as mappings of names to values, such as "
                    f"{{'max_depth': 3}}, got {one!r}"
                )
        self._enqueued.extend(dict(one) for one in params)

    def optimize(
        self,
        X: Any,
        y: Any,
        *,
        n_trials: int,
        timeout: float | None = None,
        patience: int | None = None,
        n_jobs: int = 1,
        executor: Executor | None = None,
        groups: Any = None,
        task: Task | None = None,
        callbacks: Sequence[Callable[["StructureStudy", SearchProgress], Any]] = (),
    ) -> Ending:
        """Search, or go on searching, until the study has `n_trials` trials in all.

        A trial whose fit fails is stored as failed with its reason, and the search goes on. A
        structure that has been evaluated before takes those values at once. When a space of
        finitely many structures has none left, the search ends.

        Args:
            X: (rows, features) DataFrame, array or sparse matrix.
            y: (rows,) target: classes or numbers.
            n_trials: Trials of the study in all; those that are in the database count.
            timeout: Seconds after which no trial begins any more, and what is under way is
                stopped; its trials begin anew when the study goes on. What runs in an `executor`
                of your own is waited for, and so is code that does not return to Python, and with
                `n_jobs=1` whatever runs in another thread than the main one, or on Windows.
            patience: Number of trials after which the search ends when the hypervolume has grown
                by no more than a thousandth in them; None for never.
            n_jobs: How many structures are evaluated at once, each on one thread; -1 is every
                core. Times measured beside other fits are less exact.
            executor: Where evaluations run instead, such as a Dask client's `get_executor()`;
                `n_jobs` says how many run there at once.
            groups: (rows,) group of each row, for a splitter that keeps groups together.
            task: "binary", "multiclass" or "regression"; None reads it off `y`.
            callbacks: Each called with this study and how far it is, at the start, after every
                trial, and at the end.

        Returns:
            Why it ended: "n_trials", "timeout", "patience", or "exhausted" when every structure
            has been visited.

        Raises:
            ArgumentError: If an argument cannot be used, or the space does not ask for a
                parameter that was enqueued, or that its own first structures name.
            DataError: If the data cannot be searched on.
            SpaceError: If the space does not return an estimator, or a sampler of finite spaces
                is to search one that is not.
            StudyMismatchError: If the stored study is of something else.
            StudyRunningError: If another process of this machine is running the study.
            StorageError: If the database cannot be opened.
            RecipeError: If the study was loaded and its space cannot be imported by name.
            AllTrialsFailedError: If nothing was ever evaluated and ten trials, or all, failed.
        """
        launch = current_launch()
        if launch.remeasure is not None:
            if launch.remeasure == self.name:
                self.remeasure(X, y, groups=groups)
                raise Remeasured
            return "n_trials"
        budget = Budget.of(*launch.instead_of(n_trials, timeout), patience)
        self._check_searchable()
        workers = count_workers(n_jobs)
        problem = Problem.from_data(X, y, task)
        plan = make_plan(X, y, self.objectives, problem, self.cv, groups)
        spec = self._spec_of(plan, problem)
        first = self._first_structures(spec, problem)
        study = self._opened = load_or_make(
            self.name, self.storage, self._sampler, self.objectives, spec
        )
        self._data = (X, y, groups)
        told = (*callbacks, *launch.callbacks)

        def on_progress(progress: SearchProgress) -> None:
            for callback in told:
                callback(self, progress)

        with claimed(study):
            write_spec(study, self.objectives, spec)
            self._enqueue(study, first)
            search = Search(
                study, self.space, calibrated(plan, study), problem, self.seed, budget,
                self.submodels, self.racing, workers, executor, on_progress,
            )  # fmt: skip
            return search.run()

    def _first_structures(self, spec: StudySpec, problem: Problem) -> list[dict[str, Any]]:
        """List the space's own first structures.

        Before that, see that the space takes what is enqueued, and the sampler the space.
        """
        self._enqueued = [check_parameters(self.space, problem, one) for one in self._enqueued]
        if isinstance(self._sampler, samplers.GridSampler):
            self._sampler.check_finite(spec.probe.distributions)
        return starts(self.space, problem) if self.defaults else []

    def _enqueue(self, study: optuna.Study, first: Sequence[Mapping[str, Any]]) -> None:
        """Enqueue what was asked for, and the first structures until a trial has begun.

        A process that was killed here has enqueued a part of them, of which none has begun.
        """
        trials = study.get_trials(deepcopy=False)
        is_new = all(trial.state == TrialState.WAITING for trial in trials)
        for params in [*self._enqueued, *(first if is_new else [])]:
            study.enqueue_trial(dict(params), skip_if_exists=True)
        self._enqueued.clear()

    def remeasure(self, X: Any = None, y: Any = None, *, groups: Any = None) -> ParetoFront:
        """Measure the inference times of the front again, with care, and the sizes of submodels.

        Every member is fitted again in every fold, and all are timed side by side in one process
        of their own that does nothing else, each against the same reference. The new times take
        the place of those from the search in all that is shown; those stay in the trials. What
        comes onto the front thereby is measured, too, until every member has been.

        All models of a fold are in memory at once. The scores are not taken again.

        Args:
            X: The table that the study was made with; None for that of `optimize`, where this
                object ran it.
            y: Its target.
            groups: The groups, if the study was made with groups.

        Returns:
            The front as it is then.

        Raises:
            ArgumentError: If the data are not known, or no objective is an inference time or size.
            DataError: If the data cannot be searched on.
            RecipeError: If the study was loaded and its space cannot be imported by name.
            StudyNotFoundError, StorageError: As `spec` does.
            StudyMismatchError: If the data are not those of the study, or its space has changed.
            StudyRunningError: If another process of this machine is running the study.
            StudyError: If a structure cannot be fitted or timed any more; what was measured beside
                it is then lost, and nothing else.
        """
        if (X is None) != (y is None):
            raise ArgumentError("remeasure takes both X and y, or neither")
        study, spec = self.optuna_study, self.spec
        if not any(objective.estimates_submodels for objective in self.objectives):
            raise ArgumentError(f"the study {self.name!r} measures no inference time and no size")
        if X is None and self._data is None:
            raise ArgumentError(
                f"the data of the study {self.name!r} are not in its database: hand over the same "
                "X and y, study.remeasure(X, y)"
            )
        for objective in self.objectives:
            objective.check_measurable()
        X, y, groups = (X, y, groups) if X is not None else self._data  # type: ignore[misc]
        problem = Problem.from_data(X, y, spec.problem.task)
        plan = make_plan(X, y, self.objectives, problem, self.cv, groups)
        self._spec_of(plan, problem).check_same(spec, self.name)
        return remeasure_front(study, calibrated(plan, study), self.front)

    def _check_searchable(self) -> None:
        for objective in self.objectives:
            objective.check_measurable()
        if self._lost_sampler:
            raise ArgumentError(
                f"the study was made with a sampler of its own, {self._lost_sampler}: hand one "
                "over to search on, load_study(..., sampler=...)"
            )

    def front(self) -> ParetoFront:
        """Read the Pareto front from the database.

        Raises:
            StudyNotFoundError, StorageError, StudyMismatchError: As `spec` does.
        """
        study = self.optuna_study
        return read_front(study, StudySpec.of_study(study), self.space)

    def _spec_of(self, plan: EvaluationPlan, problem: Problem) -> StudySpec:
        return StudySpec.here(
            space=recipe.describe(self.space),
            probe=probe(self.space, problem, self.seed),
            objectives=self.objectives,
            cv=recipe.describe(self.cv),
            folds=fingerprint(*(rows for fold in plan.folds for rows in fold)),
            data=fingerprint(plan.X, plan.y),
            problem=problem,
            seed=self.seed,
            sampler=self._sampler_name,
            submodels=self.submodels,
            racing=self.racing,
            source=current_launch().source,
        )

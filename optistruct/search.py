"""The search itself: ask a sampler, evaluate the structure, tell the study.

The process that runs this is the only one that touches the database; evaluations go through an
executor. A trial that a killed process left unfinished is taken up again, not made anew; where that
has happened twice, it is tried alone in a process of its own, and given up only if that dies too.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from optistruct.evaluation import (
    Evaluation,
    EvaluationPlan,
    Grid,
    InProcess,
    OutOfTime,
    Refusal,
    attempt,
    close_executor,
    forget_fold_data,
    not_measured,
    open_executor,
    reason,
    refusal,
    submodel_grid,
)
from optistruct.exceptions import AllTrialsFailedError
from optistruct.front import REPEATS
from optistruct.outcomes import Outcomes
from optistruct.pareto import Points
from optistruct.samplers import Visits
from optistruct.spaces import LimitBroken, Problem, Space, build, limited, structure_key
from optistruct.standings import Standings
from optistruct.stopping import Budget, Ending, is_stagnant
from optistruct.storage import gathered, running_trials
from optistruct.unfolding import feasible_losses

__all__ = ["Search", "SearchProgress"]

_DEATHS = "optistruct:deaths"
_MOST_DEATHS = 3
_FAILURES_TO_STOP = 10


@dataclass(frozen=True)
class SearchProgress:
    """How far a run of a search is.

    Attributes:
        done: Trials of the study that have ended.
        n_trials: Trials of the study in all when the run is over.
        seconds_left: Estimate of the seconds until then; None before the first trial.
        ending: Why the run is over; None while it is not.
    """

    done: int
    n_trials: int
    seconds_left: float | None
    ending: Ending | None = None


@dataclass(eq=False)
class _Job:
    """A structure under way.

    Attributes:
        trial: Its trial.
        structure: The unfitted structure.
        key: Tells it from others; None where nothing does.
        grid: The submodels that are wanted; None for none.
        warnings: What is to be told of it beside what its fits warn of.
        waiting: The trials of the same structure, which wait for its outcome.
    """

    trial: Trial
    structure: Any
    key: str | None
    grid: Grid | None
    warnings: tuple[str, ...] = ()
    waiting: list[Trial] = field(default_factory=list)


@dataclass
class Search:
    """One run of a search, from the trials there are to those of its budget.

    Attributes:
        study: The study; this process is its only writer.
        space: The structure space.
        plan: Data, folds and objectives.
        problem: The task and the table's shape.
        seed: Seed of the structures.
        budget: How long the run may be.
        submodels: Whether the submodels of each structure are measured with it.
        racing: Whether a structure that is surely dominated is spared the folds that are left.
        workers: How many evaluations run at once.
        executor: Where they run; None opens one of `workers` and closes it again.
        on_progress: Called at the start, after every trial, and at the end.
    """

    study: optuna.Study
    space: Space
    plan: EvaluationPlan
    problem: Problem
    seed: int
    budget: Budget
    submodels: bool
    racing: bool
    workers: int
    executor: Executor | None
    on_progress: Callable[[SearchProgress], None]

    def __post_init__(self) -> None:
        """Count what is there."""
        trials = self.study.get_trials(deepcopy=False)
        self._begun = sum(trial.state != TrialState.WAITING for trial in trials)
        self._done = self._done_before = sum(trial.state.is_finished() for trial in trials)
        self._start = monotonic()
        self._any_complete = any(trial.state == TrialState.COMPLETE for trial in trials)
        self._left = deque(running_trials(self.study))
        self._pending: dict[Future[Evaluation | Refusal | str], _Job] = {}
        self._suspects: deque[_Job] = deque()
        self._under_way: dict[str, _Job] = {}
        self._apart: Executor | None = None
        self._visits = Visits()
        self._ending: Ending = "n_trials"
        self._points: dict[int, Points] = {}
        self._standings = Standings(self.plan.objectives, len(self.plan.folds))
        for trial in trials:
            self._note(trial)
        self._outcomes = Outcomes(self.study, self.plan.objectives, self._count)

    def run(self) -> Ending:
        """Search until the trials or the time are used up, or there is nothing to gain.

        Returns:
            Why it ended.

        Raises:
            AllTrialsFailedError: If nothing was ever evaluated and ten trials, or all, failed.
        """
        self._executor = self.executor or self._open_executor()
        is_done = False
        try:
            self.on_progress(self._progress())
            self._fill()
            while self._pending:
                self._collect()
                self._fill()
            if not self.budget.is_late:
                self._stop_if_hopeless(at_least=max(self._ended_here, 1))
            is_done = True
        except (KeyboardInterrupt, OutOfTime) as stop:
            self._excuse_those_under_way()
            if isinstance(stop, KeyboardInterrupt):
                raise
            self._ending = "timeout"
        finally:
            for executor in (self._executor, self._apart):
                if executor is not None and executor is not self.executor:
                    close_executor(executor, kill=not is_done)
            forget_fold_data()
        self.on_progress(replace(self._progress(), ending=self._ending))
        return self._ending

    def _excuse_those_under_way(self) -> None:
        """Note that it was not they that ended the process, as it will seem when they go on."""
        waiting = {trial.number for trial in self._left}
        for trial in running_trials(self.study):
            if trial.number not in waiting:
                deaths = trial.user_attrs.get(_DEATHS, 0) - 1
                self.study._storage.set_trial_user_attr(trial._trial_id, _DEATHS, deaths)

    def _open_executor(self) -> Executor:
        return open_executor(self.workers, deadline=self.budget.deadline)

    def _fill(self) -> None:
        """Give every worker a trial; one that may have killed its process is tried alone.

        As many more trials may wait for a structure under way: without an end to these, a sampler
        that repeats itself would use up all trials before it hears of an outcome.
        """
        while not self._suspects and len(self._pending) < self.workers:
            if sum(len(job.waiting) for job in self._under_way.values()) >= self.workers:
                break
            trial = self._next()
            if trial is None:
                break
            self._submit(trial)
        if self._suspects and not self._pending:
            self._send(self._suspects[0])

    def _next(self) -> Trial | None:
        """Take up a trial that was left, or ask for a new one."""
        if self._left:
            left = self._left.popleft()
            trial = Trial(self.study, left._trial_id)
            trial.set_user_attr(_DEATHS, trial.user_attrs.get(_DEATHS, 0) + 1)
            return trial
        ending = self._reason_to_end()
        if ending:
            self._ending = ending
            return None
        self._begun += 1
        return self.study.ask()

    def _note(self, trial: FrozenTrial) -> None:
        """Let a trial that is complete count in the races of later ones."""
        is_new = trial.state == TrialState.COMPLETE and REPEATS not in trial.user_attrs
        if self.racing and is_new:
            self._standings.add(trial)

    def _reason_to_end(self) -> Ending | None:
        if self._begun >= self.budget.n_trials:
            return "n_trials"
        if self.budget.is_late:
            return "timeout"
        if self._visits.is_exhausted(self.study):
            return "exhausted"
        patience = self.budget.patience
        if patience is not None and is_stagnant(self._ended(), patience):
            return "patience"
        return None

    def _ended(self) -> list[Points]:
        """List what each trial that has ended measured, as losses; nothing where it failed."""
        ended = [t for t in self.study.get_trials(deepcopy=False) if t.state.is_finished()]
        for trial in ended:
            if trial.number not in self._points:
                is_complete = trial.state == TrialState.COMPLETE
                self._points[trial.number] = (
                    feasible_losses(trial, self.plan.objectives) if is_complete else np.empty((0,))
                )
        return [self._points[trial.number] for trial in ended]

    def _submit(self, trial: Trial) -> None:
        limits = {o.name: o.at_most for o in self.plan.objectives if o.at_most is not None}
        try:
            with limited(limits), gathered(self.study._storage):
                structure = build(self.space, trial, self.problem, self.seed)
            refused = refusal(structure, self.plan)
            job = None if refused is not None else self._job(trial, structure)
        except LimitBroken as broken:
            self._outcomes.refuse_branch(trial, broken)
        except optuna.TrialPruned:
            self._outcomes.prune(trial)
        except Exception as error:
            self._fail(trial, reason(error))
        else:
            if refused is not None:
                self._outcomes.refuse(trial, refused)
            elif job is not None:
                self._begin(job)

    def _job(self, trial: Trial, structure: Any) -> _Job:
        job = _Job(trial, structure, structure_key(structure), None)
        if self.submodels:
            try:
                job.grid = submodel_grid(self.space, trial, self.problem, self.seed, structure)
            except Exception as error:  # of a family of the user's own, too
                job.warnings = (not_measured(error),)
        return job

    def _begin(self, job: _Job) -> None:
        """Have a structure evaluated, unless it has been, or is being."""
        if job.key is not None:
            known = self._outcomes.evaluated.get(job.key)
            if known is not None:
                self._outcomes.repeat(job.trial, known)
                return
            if job.key in self._under_way:
                self._under_way[job.key].waiting.append(job.trial)
                return
            self._under_way[job.key] = job
        if job.trial.user_attrs.get(_DEATHS, 0) >= _MOST_DEATHS - 1:
            self._suspects.append(job)
        else:
            self._send(job)

    def _is_suspect(self, job: _Job) -> bool:
        return bool(self._suspects) and self._suspects[0] is job

    def _send(self, job: _Job) -> None:
        """Have a structure evaluated; a suspect never in this process itself."""
        if self._is_suspect(job) and isinstance(self._executor, InProcess):
            executor = self._apart = open_executor(1, apart=True)
        else:
            executor = self._executor
        race = self._standings.race() if self.racing else None
        try:
            future = executor.submit(attempt, job.structure, self.plan, job.grid, race)
        except BrokenExecutor:
            if executor is not self._executor or self.executor is not None:
                raise
            self._executor = self._open_executor()
            future = self._executor.submit(attempt, job.structure, self.plan, job.grid, race)
        self._pending[future] = job

    def _collect(self) -> None:
        """Tell what has finished, and set aside what was under way when a worker died."""
        finished, _ = wait(self._pending, self._seconds_to_wait(), return_when=FIRST_COMPLETED)
        if not finished:
            raise OutOfTime
        for future in finished:
            job = self._pending.pop(future)
            error = future.exception()
            if isinstance(error, KeyboardInterrupt):  # a terminal interrupts workers, too
                raise error
            is_broken = isinstance(error, BrokenExecutor)
            if is_broken and self.executor is not None:  # the caller's, who alone can open another
                future.result()
            if not is_broken:
                if self._is_suspect(job):
                    self._suspects.popleft()
                self._end(job, reason(error) if error else future.result())
            elif self._is_suspect(job):
                self._count_death(job)
            else:
                self._suspects.append(job)

    def _seconds_to_wait(self) -> float | None:
        """Tell how long evaluations may go on; to the end where their executor is not ours."""
        left = self.budget.deadline - monotonic()
        return None if self.executor is not None or left == float("inf") else max(left, 0.0)

    def _count_death(self, job: _Job) -> None:
        """Note that a worker died of this trial alone; give it up the third time."""
        deaths = job.trial.user_attrs.get(_DEATHS, 0) + 1
        job.trial.set_user_attr(_DEATHS, deaths)
        if deaths >= _MOST_DEATHS:
            self._suspects.popleft()
            self._end(job, f"the process died {deaths} times in this trial (out of memory?)")

    def _end(self, job: _Job, outcome: Evaluation | Refusal | str) -> None:
        """Tell what came of a structure, or why it failed, to its trial and those that waited."""
        if job.key is not None:
            del self._under_way[job.key]
        if isinstance(outcome, Evaluation):
            self._any_complete = True
            told = replace(outcome, warnings=(*outcome.warnings, *job.warnings))
            self._outcomes.complete(job.trial, told, job.key)
            self._note(self.study.get_trials(deepcopy=False)[job.trial.number])
            for trial in job.waiting:
                self._outcomes.repeat(trial, job.trial.number)
            return
        for trial in (job.trial, *job.waiting):
            if isinstance(outcome, Refusal):
                self._outcomes.refuse(trial, outcome)
            else:
                self._fail(trial, outcome)

    def _fail(self, trial: Trial, why: str) -> None:
        self._outcomes.fail(trial, why)
        self._stop_if_hopeless(at_least=_FAILURES_TO_STOP)

    @property
    def _ended_here(self) -> int:
        return self._done - self._done_before

    def _count(self) -> None:
        """Take note of a trial that has ended."""
        self._done += 1
        self.on_progress(self._progress())

    def _progress(self) -> SearchProgress:
        now, done_here = monotonic(), self._ended_here
        n_trials = self.budget.n_trials
        left = None
        if done_here:
            a_trial = (now - self._start) / done_here
            left = max(0.0, min(a_trial * (n_trials - self._done), self.budget.deadline - now))
        return SearchProgress(self._done, max(n_trials, self._done), left)

    def _stop_if_hopeless(self, at_least: int) -> None:
        failures, last = self._outcomes.failures, self._outcomes.last_reason
        if not self._any_complete and failures >= at_least:
            which = "trials" if failures == self._ended_here else "trials that were not refused"
            raise AllTrialsFailedError(f"all {failures} {which} failed, the last with: {last}")

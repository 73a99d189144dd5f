"""Who competes in samplers.py, and one run of each, kept in a file so that it is made only once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler
from problems import Problem

from optistruct.samplers import SAMPLERS

FINITE_ONLY = {"grid", "backtracking"}
SLOW = {"gp"}
OPTUNAS = {"random", "tpe", "optuna-nsga2", "nsga3", "gp"}
"""Ours by name, Optuna's by algorithm: what optistruct adds is the seed of every trial."""

Group = Literal["ours", "Optuna's, reseeded", "Optuna's", "pymoo's"]


@dataclass(frozen=True)
class Run:
    """The trials of one run in their order: (n_trials, n_objectives) losses, seconds of each."""

    losses: NDArray[np.float64]
    seconds: NDArray[np.float64]


@dataclass(frozen=True)
class Contender:
    """One sampler: whose it is, how it runs for (problem, seed, trials), where it can."""

    group: Group
    run: Callable[[Problem, int, int], Run]
    finite_only: bool = False


def run_optuna(make: Callable[..., BaseSampler], problem: Problem, seed: int, n_trials: int) -> Run:
    ends = [perf_counter()]
    directions = ["minimize"] * len(problem.reference)
    study = optuna.create_study(directions=directions, sampler=make(seed=seed))
    study.optimize(problem.objective, n_trials, callbacks=[lambda *_: ends.append(perf_counter())])
    losses = [trial.values for trial in study.get_trials(deepcopy=False)]
    return Run(np.array(losses), np.diff(ends))


def pymoo_nsga2(problem: Problem, population: int) -> Any:
    from pymoo.algorithms.moo.nsga2 import NSGA2, binary_tournament
    from pymoo.core.mixed import (
        MixedVariableDuplicateElimination,
        MixedVariableMating,
        MixedVariableSampling,
    )
    from pymoo.core.variable import Choice
    from pymoo.operators.crossover.ux import UX
    from pymoo.operators.mutation.rm import ChoiceRandomMutation
    from pymoo.operators.selection.tournament import TournamentSelection

    assert problem.choices is not None
    # The mating handles one choice at a time, so pymoo's own default, one by the number of
    # variables, would come to a half for each.
    mutation = ChoiceRandomMutation(prob_var=1 / len(problem.choices))
    return NSGA2(
        population,
        sampling=MixedVariableSampling(),
        mating=MixedVariableMating(
            selection=TournamentSelection(binary_tournament),
            crossover={Choice: UX()},
            mutation={Choice: mutation},
            eliminate_duplicates=MixedVariableDuplicateElimination(),
        ),
        eliminate_duplicates=MixedVariableDuplicateElimination(),
    )


def run_pymoo(population: int, problem: Problem, seed: int, n_trials: int) -> Run:
    from pymoo.core.problem import Problem as PymooProblem
    from pymoo.core.variable import Choice
    from pymoo.termination import get_termination

    assert problem.choices is not None
    variables = {name: Choice(options=list(values)) for name, values in problem.choices.items()}
    algorithm = pymoo_nsga2(problem, population)
    algorithm.setup(
        PymooProblem(vars=variables, n_obj=len(problem.reference)),
        termination=get_termination("n_eval", n_trials + population),
        seed=seed,
    )
    losses: list[tuple[float, ...]] = []
    seconds: list[float] = []
    while len(losses) < n_trials:
        start = perf_counter()
        cells = algorithm.ask()
        values = [problem.objective(optuna.trial.FixedTrial(cell)) for cell in cells.get("X")]
        cells.set("F", np.array(values))
        cells.set("G", np.zeros((len(cells), 0)), "H", np.zeros((len(cells), 0)))
        algorithm.evaluator.n_eval += len(cells)
        algorithm.tell(infills=cells)
        losses += values
        seconds += [(perf_counter() - start) / len(cells)] * len(cells)
    return Run(np.array(losses[:n_trials]), np.array(seconds[:n_trials]))


def contenders() -> dict[str, Contender]:
    """List everyone by name: optistruct's samplers, Optuna's and pymoo's."""
    found = {
        name: Contender(
            "Optuna's, reseeded" if name in OPTUNAS else "ours",
            partial(run_optuna, make),
            name in FINITE_ONLY,
        )
        for name, make in SAMPLERS.items()
    }
    theirs: dict[str, Callable[..., BaseSampler]] = {
        "optuna-random": optuna.samplers.RandomSampler,
        "optuna-tpe": optuna.samplers.TPESampler,
        "optuna-tpe-multivariate": partial(
            optuna.samplers.TPESampler, multivariate=True, group=True
        ),
    }
    for size in (10, 20, 50):
        theirs[f"optuna-nsga2-{size}"] = partial(
            optuna.samplers.NSGAIISampler, population_size=size
        )
        theirs[f"optuna-nsga3-{size}"] = partial(
            optuna.samplers.NSGAIIISampler, population_size=size
        )
        # By default it mutates one by the number of parameters that all trials share. Where that is
        # one, as in the conditional space, it mutates always and so is random search, trial by
        # trial; a rate of its own makes it an opponent there.
        theirs[f"optuna-nsga2-{size}-mutation"] = partial(
            optuna.samplers.NSGAIISampler, population_size=size, mutation_prob=0.1
        )
    for name, make in theirs.items():
        found[name] = Contender("Optuna's", partial(run_optuna, make))
    for size in (10, 20, 50):
        found[f"pymoo-nsga2-{size}"] = Contender("pymoo's", partial(run_pymoo, size), True)
    return found


def stored_run(
    folder: Path, problem: Problem, name: str, contender: Contender, seed: int, n_trials: int
) -> Run:
    """Read a run from its file, or make it and write it where the file is missing or too short."""
    path = folder / problem.name / f"{name}-{seed}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        if kept["trials"] >= n_trials:
            return Run(np.array(kept["losses"]), np.array(kept["seconds"]))
    run = contender.run(problem, seed, n_trials)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A sampler may stop before its trials are used up, so their number is not that of the losses.
    kept = {"trials": n_trials, "losses": run.losses.tolist(), "seconds": run.seconds.tolist()}
    path.write_text(json.dumps(kept))
    return run

"""What part of an evaluation is spent on measuring the submodels.

Structures that a space names as good first ones, and random ones, are evaluated with their
submodels and without, in turns, by five folds; the figure is the share of the time by which the
former takes longer, as the median over the structures of each table, and the largest. Structures
that have no submodels, being the smallest, are left out.

    python studies/benchmarks/submodel_cost.py [--tables phoneme ...]
        [--models lightgbm random_forest] [--structures 6] [--repeats 2]
"""

import argparse
import warnings
from itertools import product
from statistics import median
from time import perf_counter
from typing import Any

import optuna
import rich
from rich.table import Table as RichTable
from tables import NAMES, table

from optistruct import objectives, spaces
from optistruct.evaluation import EvaluationPlan, Grid, evaluate, make_plan, submodel_grid
from optistruct.resources import describe_machine, machine_text


def structures(model: str, problem: spaces.Problem, wanted: int) -> list[tuple[Any, Grid]]:
    """Draw structures that have submodels, those first that the space names."""
    space, found = spaces.by_name(model), []
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for start in spaces.starts(space, problem):
        study.enqueue_trial(start)
    while len(found) < wanted:
        trial = study.ask()
        structure = spaces.build(space, trial, problem, 0)
        grid = submodel_grid(space, trial, problem, 0, structure)
        if grid is not None:
            found.append((structure, grid))
    return found


def share(structure: Any, plan: EvaluationPlan, grid: Grid, repeats: int) -> float:
    """Tell by what share of its time an evaluation with submodels is the longer one."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    evaluate(structure, plan)  # tables are binned once
    for _, has_grid in product(range(repeats), (True, False)):
        begun = perf_counter()
        evaluate(structure, plan, grid if has_grid else None)
        seconds[has_grid].append(perf_counter() - begun)
    return 1 - median(seconds[False]) / median(seconds[True])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=[*NAMES[:7], "digits"], choices=NAMES)
    parser.add_argument("--models", nargs="+", default=["lightgbm", "random_forest"])
    parser.add_argument("--structures", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=2)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    machine = describe_machine()
    rich.print(f"{machine_text(machine)}; load {machine['load']} before")
    shown = RichTable(title="share of an evaluation: median (largest)", title_justify="left")
    for heading in ("", *chosen.models):
        shown.add_column(heading, justify="right")
    for name in chosen.tables:
        X, y, is_classification = table(name)
        problem = spaces.Problem.from_data(X, y, None if is_classification else "regression")
        score = objectives.Score("balanced_accuracy" if is_classification else "r2")
        plan = make_plan(X, y, [score, objectives.ParameterCount()], problem)
        cells = []
        for model in chosen.models:
            shares = [
                share(structure, plan, grid, chosen.repeats)
                for structure, grid in structures(model, problem, chosen.structures)
            ]
            cells.append(f"{median(shares):.1%} ({max(shares):.1%})")
        shown.add_row(name, *cells)
    rich.print(shown)

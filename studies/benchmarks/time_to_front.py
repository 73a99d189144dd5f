"""How much sooner optistruct has the front that plain Optuna ends with.

Plain Optuna is what a competent person writes by hand: the same space and bounds, the same folds
and scores, the same seed, the rows of the folds cut out once, SQLite. `tpe-started` has one small
and one default structure enqueued. The figure is the time after which optistruct has the
hypervolume that plain Optuna has at the end of its budget, as a factor; where it has not, the
inverse for the time at which plain Optuna had optistruct's. All runs of a table and seed take turns
in one run of this script, each in a process of its own on one thread. A run's clock starts when
its database is open.

The objectives are balanced accuracy (R2 for numbers) by five folds, and the number of parameters.
The box of the hypervolume reaches from chance (0 for R2) to 1, and from 1 to a million parameters,
on a log scale; both are published beside the table. A quarter of the rows is held out: the members
of each final front are fitted on the other rows and judged on these, since a front that was chosen
from noisy figures is too good.

    python studies/benchmarks/time_to_front.py [--budgets 30 120] [--seeds 3]
        [--tables phoneme ...] [--models lightgbm random_forest] [--contenders all tpe ...]
        [--results DIR] [--output FILE.html] [--cells FILE.csv]

Every run is kept in the folder of results; the same command again goes on from there. The file of
cells tells each run's figures; time_to_front.csv has those that README.md sums up, of five runs of
this script.
"""

import argparse
import json
import math
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import optuna
import pandas as pd
import plotly.graph_objects as go
import rich
from numpy.typing import NDArray
from optuna.samplers import NSGAIISampler, TPESampler
from rich.console import Console
from rich.table import Table as RichTable
from scipy.stats import gmean
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from tables import NAMES, table

from optistruct import StructureStudy, objectives, spaces
from optistruct.pareto import hypervolume, is_nondominated
from optistruct.resources import count_parameters, describe_machine, machine_text
from optistruct.storage import open_storage
from optistruct.unfolding import unfold

HERE = Path(__file__).parent
MOST_PARAMETERS = 1e6
FOLDS = 5
OURS: dict[str, dict[str, Any]] = {
    "all": {},
    "without submodels": {"submodels": False},
    "without racing": {"racing": False},
    "without both": {"submodels": False, "racing": False},
}
PLAIN: dict[str, Any] = {"tpe": TPESampler, "tpe-started": TPESampler, "nsga2": NSGAIISampler}
STARTS = {
    "lightgbm": [
        {"n_estimators": 10, "learning_rate": 0.3, "num_leaves": 4, "min_child_samples": 20,
         "colsample_bytree": 1.0, "reg_lambda": 1e-6},
        {"n_estimators": 100, "learning_rate": 0.1, "num_leaves": 31, "min_child_samples": 20,
         "colsample_bytree": 1.0, "reg_lambda": 1e-6},
    ],
    "random_forest": [
        {"n_estimators": 5, "max_depth": 4, "min_samples_leaf": 5, "max_features": 0.5},
        {"n_estimators": 100, "max_depth": 24, "min_samples_leaf": 1, "max_features": 0.3},
    ],
}  # fmt: skip

Trace = list[tuple[float, list[list[float]]]]
"""Seconds since the start, and the (score, parameters) of all that a trial measured."""


class Task(NamedTuple):
    """One run."""

    table: str
    model: str
    seed: int
    contender: str
    seconds: float

    @property
    def file(self) -> str:
        """Name of the file that keeps its result."""
        return "-".join(str(part).replace(" ", "_") for part in self) + ".json"


class Data(NamedTuple):
    """What a run searches on, and is judged on."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    folds: list[tuple[Any, Any]]
    scoring: str
    chance: float
    problem: spaces.Problem


def data_of(name: str, seed: int) -> Data:
    X, y, is_classification = table(name)
    stratify = y if is_classification else None
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed, stratify=stratify)
    splitter = StratifiedKFold if is_classification else KFold
    folds = list(splitter(FOLDS, shuffle=True, random_state=seed).split(X, y))
    chance = 1 / len(np.unique(y)) if is_classification else 0.0
    scoring = "balanced_accuracy" if is_classification else "r2"
    task = None if is_classification else "regression"
    problem = spaces.Problem.from_data(X, y, task)
    return Data(X, y, X_test, y_test, folds, scoring, chance, problem)


def run_plain(task: Task, data: Data, url: str) -> tuple[Trace, list[Any]]:
    space, scorer, trace = spaces.by_name(task.model), get_scorer(data.scoring), []
    parts = [(data.X[i], data.y[i], data.X[j], data.y[j]) for i, j in data.folds]
    study = optuna.create_study(
        storage=url, sampler=PLAIN[task.contender](seed=task.seed),
        directions=["maximize", "minimize"],
    )  # fmt: skip
    if task.contender.endswith("-started"):
        for params in STARTS[task.model]:
            study.enqueue_trial(params)
    begun = monotonic()

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        model = spaces.build(space, trial, data.problem, task.seed)
        scores, sizes = [], []
        for X, y, X_test, y_test in parts:
            fitted = clone(model).fit(X, y)
            scores.append(scorer(fitted, X_test, y_test))
            sizes.append(count_parameters(fitted).total)
        return float(np.mean(scores)), float(np.mean(sizes))

    def note(_: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        trace.append((monotonic() - begun, [list(trial.values)]))

    study.optimize(objective, timeout=task.seconds, callbacks=[note])
    members = [
        spaces.build(space, optuna.trial.FixedTrial(trial.params), data.problem, task.seed)
        for trial in study.best_trials
    ]
    return trace, members


def run_ours(task: Task, data: Data, url: str) -> tuple[Trace, list[Any]]:
    judged = [objectives.Score(data.scoring), objectives.ParameterCount()]
    study = StructureStudy(
        spaces.by_name(task.model), judged, name="ours", storage=open_storage(url, create=True),
        cv=data.folds, seed=task.seed, **OURS[task.contender],
    )  # fmt: skip
    trace: Trace = []
    begun = monotonic()

    def note(study: StructureStudy, progress: Any) -> None:
        trials = study.optuna_study.get_trials(deepcopy=False)
        ended = [trial for trial in trials if trial.state.is_finished()]
        if len(ended) == len(trace):
            return
        last = max(ended, key=lambda trial: trial.datetime_complete)
        is_complete = last.state == optuna.trial.TrialState.COMPLETE
        measured = unfold(last, judged, {}) if is_complete else ()
        points = [[one.values[o.name] for o in judged] for one in measured]
        trace.append((monotonic() - begun, points))

    study.optimize(
        data.X, data.y, n_trials=10**6, timeout=task.seconds, callbacks=[note],
        task=data.problem.task,
    )  # fmt: skip
    return trace, [member.build() for member in study.front()]


def run(task: Task) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    data = data_of(task.table, task.seed)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/study.db"
        trace, members = (run_ours if task.contender in OURS else run_plain)(task, data, url)
    scorer = get_scorer(data.scoring)
    held_out = []
    for member in members:
        fitted = member.fit(data.X, data.y)
        score = float(scorer(fitted, data.X_test, data.y_test))
        held_out.append([score, float(count_parameters(fitted).total)])
    return {"trace": trace, "held_out": held_out, "chance": data.chance}


def stored(task: Task, folder: Path) -> dict[str, Any]:
    file = folder / task.file
    if not file.exists():
        with ProcessPoolExecutor(1) as executor:
            result = executor.submit(run, task).result()
        file.write_text(json.dumps(result))
    kept: dict[str, Any] = json.loads(file.read_text())
    return kept


def share(points: Any, chance: float) -> float:
    """Hypervolume of (score, parameters) as a part of the box."""
    if not len(points):
        return 0.0
    scores, sizes = np.array(points, dtype=float).T
    losses = np.column_stack(
        [(1 - scores) / (1 - chance), np.log10(sizes) / math.log10(MOST_PARAMETERS)]
    )
    return hypervolume(losses, np.ones(2))


def curve(result: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds, and the share of the box from then on; it begins with nothing at all."""
    seconds, shares, front = [0.0], [0.0], np.empty((0, 2))
    for moment, points in result["trace"]:
        if not points:
            continue
        front = np.concatenate([front, points])
        front = front[is_nondominated(front * [-1, 1])]
        seconds.append(moment)
        shares.append(share(front, result["chance"]))
    return np.array(seconds), np.array(shares)


def factor(ours: dict[str, Any], plain: dict[str, Any], budget: float) -> float:
    """How much sooner ours has what plain Optuna has at the end of a budget."""
    (our_seconds, our_shares), (their_seconds, their_shares) = curve(ours), curve(plain)
    theirs = their_shares[their_seconds <= budget][-1]
    reached = our_seconds[our_shares >= theirs]
    if len(reached) and reached[0] <= budget:
        return float(budget / max(reached[0], 1e-3))
    mine = our_shares[our_seconds <= budget][-1]
    return float(max(their_seconds[their_shares >= mine][0], 1e-3) / budget)


def cells(results: dict[Task, dict[str, Any]], budgets: list[float]) -> pd.DataFrame:
    """List how much sooner each run of ours was, and what its last front is worth on held-out rows.

    `factor` is of the first `seconds` of the runs, `by_folds`, `held_out` and `theirs_held_out` of
    the whole `run_seconds`.
    """
    rows = []
    for task, name, seconds in product(results, PLAIN, budgets):
        theirs = results.get(task._replace(contender=name))
        if task.contender not in OURS or theirs is None or seconds > task.seconds:
            continue
        ours = results[task]
        rows.append(
            {
                **{"table": task.table, "model": task.model, "seed": task.seed},
                **{"optistruct": task.contender, "against": name, "seconds": seconds},
                "factor": round(factor(ours, theirs, seconds), 3),
                "run_seconds": task.seconds,
                "by_folds": round(curve(ours)[1][-1], 4),
                "held_out": round(share(ours["held_out"], ours["chance"]), 4),
                "theirs_held_out": round(share(theirs["held_out"], theirs["chance"]), 4),
            }
        )
    return pd.DataFrame(rows)


def report(cells: pd.DataFrame) -> RichTable:
    """Show the geometric mean of each group of cells, the least one, and the held-out fronts."""
    title = "how much sooner: geometric mean (worst) of so many; hypervolume on held-out rows"
    shown = RichTable(title=title, title_justify="left")
    for heading in ("optistruct", "model", "against"):
        shown.add_column(heading)
    for heading in ("after", "sooner", "cells", "held out", "theirs", "worst gap"):
        shown.add_column(heading, justify="right")
    for key, group in cells.groupby(["optistruct", "model", "against", "seconds"], sort=False):
        ours, model, against, seconds = key
        sooner = f"{gmean(group.factor):.1f} ({group.factor.min():.2f})"
        held_out, theirs = group.held_out, group.theirs_held_out
        figures = held_out.mean(), theirs.mean(), (held_out - theirs).min()
        told = sooner, str(len(group)), *(f"{figure:.3f}" for figure in figures)
        shown.add_row(ours, model, against, f"{seconds:g} s", *told)
    return shown


def figure(results: dict[Task, dict[str, Any]], budget: float) -> go.Figure:
    """Mean share of the box over time, of all tables, models and seeds."""
    moments = np.geomspace(budget / 100, budget, 60)
    shown = go.Figure()
    for contender in dict.fromkeys(task.contender for task in results):
        rows = []
        for task, result in results.items():
            if task.contender == contender:
                seconds, shares = curve(result)
                rows.append(shares[np.searchsorted(seconds, moments, side="right") - 1])
        dash = "solid" if contender in OURS else "dash"
        shown.add_scatter(x=moments, y=np.mean(rows, axis=0), name=contender, line={"dash": dash})
    shown.update_xaxes(type="log", title="seconds")
    shown.update_yaxes(title="share of the box (hypervolume)")
    return shown.update_layout(template="plotly_white")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budgets", nargs="+", type=float, default=[30.0, 120.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", nargs="+", default=[*NAMES[:7], "digits"], choices=NAMES)
    parser.add_argument("--models", nargs="+", default=[*STARTS], choices=[*STARTS])
    parser.add_argument("--contenders", nargs="+", default=[*OURS, *PLAIN], choices=[*OURS, *PLAIN])
    parser.add_argument("--results", type=Path, default=HERE / "time_to_front_runs")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--cells", type=Path)
    chosen = parser.parse_args()
    for group in (OURS, PLAIN):
        if not group.keys() & set(chosen.contenders):
            parser.error(f"--contenders must name one of {', '.join(group)} at least")
    chosen.results.mkdir(parents=True, exist_ok=True)
    machine = describe_machine()
    rich.print(f"{machine_text(machine)}; load {machine['load']} before")
    results = {}
    for seed, name, model, contender in product(
        range(chosen.seeds), chosen.tables, chosen.models, chosen.contenders
    ):
        task = Task(name, model, seed, contender, max(chosen.budgets))
        results[task] = stored(task, chosen.results)
    measured = cells(results, chosen.budgets)
    Console(width=120).print(report(measured))  # a file, too, wants whole columns
    if chosen.cells:
        measured.to_csv(chosen.cells, index=False)
    if chosen.output:
        figure(results, max(chosen.budgets)).write_html(chosen.output)

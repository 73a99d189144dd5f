"""What asking, sampling and storing cost a trial: optistruct beside plain Optuna, on SQLite.

A trial has six parameters, one of which depends on another, a record of 1.5 kB, two constraints and
two objectives, and goes through the calls that a search makes; its evaluation is a formula. The
history is of random trials, the same for all; each way goes on from a copy of it, in turns of ten
trials, so that what else the machine does falls on all alike. The figure is the median of the last
trials. The samplers of optistruct write to a database as it makes one, those of Optuna to SQLite as
it comes.

    python studies/benchmarks/overhead.py [--samplers smsego tpe nsga2] [--trials 100 1000 3000]
        [--measured 50] [--objectives 2]

`--trials 10000` takes minutes, `--trials 60 --measured 10` seconds.
"""

import argparse
import math
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import optuna
import rich
from optuna.samplers import BaseGASampler, BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from rich.table import Table

from optistruct import samplers
from optistruct.resources import describe_machine, machine_text
from optistruct.storage import RememberingStorage, gathered, open_storage

RECORD = {"scores": [[number / 7 for number in range(5)] for _ in range(15)]}
TURN = 10
POPULATION = 50

OPTUNAS: dict[str, Callable[..., BaseSampler]] = {"tpe": TPESampler, "nsga2": NSGAIISampler}


def run_trial(study: optuna.Study, n_objectives: int, tags: tuple[str, ...] = ()) -> None:
    """One trial, by the calls that a search makes; `tags` name the generation it is of."""
    trial = study.ask()
    with gathered(study._storage):
        rounds = trial.suggest_int("rounds", 1, 300, log=True)
        rate = trial.suggest_float("rate", 1e-4, 1, log=True)
        share = trial.suggest_float("share", 0, 1)
        penalty = trial.suggest_float("penalty", 0, 1)
        if trial.suggest_categorical("kind", ["tree", "forest", "linear"]) == "linear":
            extra = trial.suggest_float("mixing", 0, 1)
        else:
            extra = trial.suggest_int("depth", 2, 30) / 30
    values = [
        abs(share - 0.3) + extra + rate,
        rounds * (1.2 - share) + extra * 10,
        (penalty - 0.5) ** 2 + math.log(rounds),
    ][:n_objectives]
    for tag in tags:
        generation = trial.number // POPULATION
        study._storage.set_trial_system_attr(trial._trial_id, tag, generation)
    with gathered(study._storage):
        trial.set_user_attr("record", RECORD)
        trial.set_constraint("size", values[1] - 250)
        trial.set_constraint("error", values[0] - 2)
        study.tell(trial, values)


def lengthen(database: Path, n_trials: int, n_objectives: int, tags: tuple[str, ...]) -> None:
    """Add random trials to the history until there are so many."""
    storage = open_storage(f"sqlite:///{database}", create=True)
    study = optuna.create_study(
        study_name="overhead", storage=storage, sampler=RandomSampler(seed=n_trials),
        directions=["minimize"] * n_objectives, load_if_exists=True,
    )  # fmt: skip
    for _ in range(n_trials - len(study.get_trials(deepcopy=False))):
        run_trial(study, n_objectives, tags)
    assert isinstance(storage, RememberingStorage)
    storage.backend.engine.dispose()  # the last one to close it puts all into one file
    set_mode(database, "DELETE")


def set_mode(database: Path, mode: str) -> None:
    """Put a database into the mode that whoever makes one has it in: optistruct "WAL"."""
    with sqlite3.connect(database) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")


def measure(ways: dict[str, optuna.Study], n_trials: int, n_objectives: int) -> dict[str, float]:
    """Milliseconds a trial of each way, over so many trials of each."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for first in range(0, n_trials, TURN):
        for way, study in ways.items():
            for _ in range(first, min(first + TURN, n_trials)):
                start = perf_counter()
                run_trial(study, n_objectives)
                seconds[way].append(perf_counter() - start)
    return {way: median(taken) * 1e3 for way, taken in seconds.items()}


def figures(lengths: list[int], names: list[str], n_measured: int, n_objectives: int) -> Table:
    makers: dict[str, Callable[..., BaseSampler]] = {
        **{f"optistruct {name}": samplers.SAMPLERS[name] for name in names},
        **{f"Optuna {name}": make for name, make in OPTUNAS.items()},
    }
    genetic = [type(make(seed=0)) for make in makers.values()]
    tags = tuple(
        {kind._get_generation_key() for kind in genetic if issubclass(kind, BaseGASampler)}
    )
    columns: dict[str, list[float]] = {way: [] for way in makers}
    with tempfile.TemporaryDirectory() as folder:
        history = Path(folder) / "history.db"
        for length in sorted(lengths):
            lengthen(history, max(length - n_measured, 0), n_objectives, tags)
            ways = {}
            for way, make in makers.items():
                database = shutil.copy(history, Path(folder) / f"{way} {length}.db")
                storage = url = f"sqlite:///{database}"
                if way.startswith("optistruct"):
                    set_mode(database, "WAL")
                    storage = open_storage(url, create=True)
                ways[way] = optuna.load_study(
                    study_name="overhead", storage=storage, sampler=make(seed=0)
                )
            for way, figure in measure(ways, n_measured, n_objectives).items():
                columns[way].append(figure)
    table = Table(title="ms a trial, after so many trials", title_justify="left")
    table.add_column("sampler")
    for length in sorted(lengths):
        table.add_column(f"{length:,}", justify="right")
    for way, row in columns.items():
        table.add_row(way, *(f"{figure:.1f}" for figure in row))
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samplers", nargs="+", default=["smsego", "tpe", "nsga2"])
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 1000, 3000])
    parser.add_argument("--measured", type=int, default=50)
    parser.add_argument("--objectives", type=int, choices=(2, 3), default=2)
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    machine = describe_machine()
    rich.print(f"{machine_text(machine)}; load {machine['load']} before")
    rich.print(figures(chosen.trials, chosen.samplers, chosen.measured, chosen.objectives))

"""How well a measured inference time repeats: optistruct's figure against three usual ones.

Five models predict one row of the digits. Each is measured 30 times in four ways, which take turns:
one call of `time.perf_counter`, the mean of ten calls, the best of `timeit`'s usual five repeats,
and `measure_inference_time`. The spread is the standard deviation by the mean of the 30 figures,
first on the machine as it is, then with one other process that fits forests on one core.

    python studies/benchmarks/latency_repeatability.py [--repeats 30] [--batch-size 1]

In pieces: with `--minutes 4 --figures FILE` a run stops after about that long and keeps its
figures; the same command again goes on from there, until all repeats are done.
"""

import argparse
import json
import math
import multiprocessing
import timeit
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import mean, stdev
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import rich
from lightgbm import LGBMClassifier
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from optistruct.resources import (
    describe_machine,
    machine_text,
    measure_inference_time,
    one_thread,
    reference_time,
)

MODELS = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    "perceptron": make_pipeline(
        StandardScaler(), MLPClassifier((50,), max_iter=100, alpha=1.0, random_state=0)
    ),
    "nearest neighbours": KNeighborsClassifier(),
    "LightGBM": LGBMClassifier(n_estimators=50, n_jobs=1, verbose=-1),
    "random forest": RandomForestClassifier(100, random_state=0),
}


def single_call(model: Any, rows: Any) -> float:
    start = perf_counter()
    model.predict(rows)
    return perf_counter() - start


def mean_of_ten(model: Any, rows: Any) -> float:
    return mean(single_call(model, rows) for _ in range(10))


def timeit_best(model: Any, rows: Any) -> float:
    timer = timeit.Timer(lambda: model.predict(rows))
    number, _ = timer.autorange()
    return min(timer.repeat(5, number)) / number


def median_ratio(model: Any, rows: Any) -> float:
    batch_size = len(rows)
    return measure_inference_time(
        model, X_test, batch_size=batch_size, reference_ns=figures["reference_ns"]
    ).p50


WAYS: dict[str, Callable[[Any, Any], float]] = {
    "single call": single_call,
    "mean of 10": mean_of_ten,
    "timeit best": timeit_best,
    "optistruct": median_ratio,
}


def fit_for_ever() -> None:
    while True:
        RandomForestClassifier(20).fit(X, y)


@contextmanager
def load() -> Iterator[None]:
    busy = multiprocessing.Process(target=fit_for_ever, daemon=True)
    busy.start()
    try:
        yield
    finally:
        busy.kill()
        busy.join()


STATES: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "as it is": nullcontext,
    "one core under load": load,
}


def repeat(state: str, batch_size: int) -> None:
    """Measure every model in every way once, and note the figures together."""
    rows = X_test[np.arange(batch_size) % len(X_test)]
    found: dict[str, dict[str, float]] = {}
    for name, model in models.items():
        with one_thread(model):
            found[name] = {way: measure(model, rows) for way, measure in WAYS.items()}
    figures[state].append(found)


def show(state: str) -> None:
    repeats = figures[state]
    table = Table(title=f"spread of {len(repeats)} repeats, {state}", title_justify="left")
    table.add_column("model")
    for way in WAYS:
        table.add_column(way, justify="right")
    for name in MODELS:
        columns = ([found[name][way] for found in repeats] for way in WAYS)
        table.add_row(name, *(f"{stdev(values) / mean(values):.1%}" for values in columns))
    rich.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--figures", type=Path)
    chosen = parser.parse_args()
    end = monotonic() + 60 * chosen.minutes
    X, y = load_digits(return_X_y=True)
    X_test = X[1000:]
    models = {name: model.fit(X[:1000], y[:1000]) for name, model in MODELS.items()}
    machine = describe_machine()
    rich.print(f"{machine_text(machine)}; load {machine['load']} before")
    if chosen.figures and chosen.figures.exists():
        figures = json.loads(chosen.figures.read_text())
    else:
        figures = {"reference_ns": reference_time()} | {state: [] for state in STATES}
    for state, context in STATES.items():
        with context():
            while len(figures[state]) < chosen.repeats and monotonic() < end:
                repeat(state, chosen.batch_size)
                if chosen.figures:
                    chosen.figures.write_text(json.dumps(figures))
        if len(figures[state]) > 1:
            show(state)

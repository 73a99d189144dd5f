"""How well a measured inference time repeats: optistruct's figure against three usual ones.

Five models predict one row of the digits. Each is measured 30 times in four ways, which take turns:
one call of `time.perf_counter`, the mean of ten calls, the best of `timeit`'s usual five repeats,
and `measure_inference_time`. The spread is the standard deviation by the mean of the 30 figures,
first on the machine as it is, then with one other process that fits forests on one core.

    python studies/benchmarks/latency_repeatability.py [--repeats 30] [--batch-size 1]
"""

import argparse
import multiprocessing
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from statistics import mean, stdev
from time import perf_counter
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
)

MODELS = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    "perceptron": make_pipeline(StandardScaler(), MLPClassifier((50,), max_iter=100, alpha=1.0)),
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
    return measure_inference_time(model, X_test, batch_size=len(rows)).p50


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


def spreads(models: dict[str, Any], repeats: int, batch_size: int) -> dict[str, dict[str, float]]:
    rows = X_test[np.arange(batch_size) % len(X_test)]
    figures: dict[str, dict[str, list[float]]] = {m: {w: [] for w in WAYS} for m in models}
    for _ in range(repeats):
        for name, model in models.items():
            for way, measure in WAYS.items():
                with one_thread(model):
                    figures[name][way].append(measure(model, rows))
    return {
        name: {way: stdev(values) / mean(values) for way, values in ways.items()}
        for name, ways in figures.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=1)
    chosen = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    X_test = X[1000:]
    models = {name: model.fit(X[:1000], y[:1000]) for name, model in MODELS.items()}
    machine = describe_machine()
    rich.print(f"{machine_text(machine)}; load {machine['load']} before")
    for state, busy in (("as it is", nullcontext()), ("one core under load", load())):
        with busy:
            measured = spreads(models, chosen.repeats, chosen.batch_size)
        table = Table(title=f"spread of {chosen.repeats} repeats, {state}", title_justify="left")
        table.add_column("model")
        for way in WAYS:
            table.add_column(way, justify="right")
        for name, ways in measured.items():
            table.add_row(name, *(f"{value:.1%}" for value in ways.values()))
        rich.print(table)

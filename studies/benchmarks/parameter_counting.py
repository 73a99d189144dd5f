"""What counting the parameters of a large model costs, against its fit.

A random forest of 500 trees that grow to the end, and LightGBM of 1,000 rounds, on 10,000 rows. The
count is the best of five, since it is short.

    python studies/benchmarks/parameter_counting.py [--trees 500] [--rounds 1000] [--rows 10000]
"""

import argparse
from time import perf_counter

import rich
from lightgbm import LGBMClassifier
from rich.table import Table
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from optistruct.resources import count_operations, count_parameters, describe_machine, machine_text

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trees", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10_000)
    chosen = parser.parse_args()
    X, y = make_classification(chosen.rows, 20, n_informative=10, random_state=0)
    table = Table(title=machine_text(describe_machine()), title_justify="left")
    table.add_column("model")
    columns = ("parameters", "fit, s", "count, ms", "of the fit", "operations, ms", "of the fit")
    for column in columns:
        table.add_column(column, justify="right")
    for name, model in {
        f"random forest, {chosen.trees} trees": RandomForestClassifier(
            chosen.trees, n_jobs=1, random_state=0
        ),
        f"LightGBM, {chosen.rounds} rounds": LGBMClassifier(
            n_estimators=chosen.rounds, n_jobs=1, verbose=-1
        ),
    }.items():
        start = perf_counter()
        model.fit(X, y)
        fit = perf_counter() - start
        cells = [f"{count_parameters(model).total:,}", f"{fit:.2f}"]
        for count in (count_parameters, count_operations):
            taken = []
            for _ in range(5):
                start = perf_counter()
                count(model)
                taken.append(perf_counter() - start)
            cells += [f"{min(taken) * 1e3:.1f}", f"{min(taken) / fit:.2%}"]
        table.add_row(name, *cells)
    rich.print(table)

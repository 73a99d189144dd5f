"""Where structure optimisation starts in the textbooks: a random forest on the digits.

The grid is n_estimators x max_depth x min_samples_split, 48 structures, each judged in five folds.
`GridSearchCV` tries all of them and hands out the most accurate one. optistruct searches the same
grid with as many trials for accuracy, parameters and inference time at once, and hands out a front.
Every structure in the table is measured in the same folds, in the same way.

Run it again and optistruct's search is read from its database instead of being made again.
"""

from collections.abc import Mapping
from time import perf_counter

import rich
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV

from optistruct import Candidate, StructureStudy, objectives, spaces
from optistruct.evaluation import evaluate, make_plan

GRID = {
    "n_estimators": [10, 50, 100, 200],
    "max_depth": [None, 10, 20, 30],
    "min_samples_split": [2, 5, 10],
}
STRUCTURES = 48
FOLDS = 5
OBJECTIVES = [objectives.Score("accuracy"), objectives.ParameterCount(), objectives.InferenceTime()]

X, y = load_digits(return_X_y=True)
forest = RandomForestClassifier(random_state=0)

start = perf_counter()
grid = GridSearchCV(forest, GRID, scoring="accuracy", cv=FOLDS, refit=False).fit(X, y)
grid_seconds = perf_counter() - start

study = StructureStudy(
    spaces.from_grid(RandomForestClassifier(random_state=0), GRID),
    OBJECTIVES,
    name="digits_forest",
    cv=FOLDS,
)
start = perf_counter()
study.optimize(X, y, n_trials=STRUCTURES)
search_seconds = perf_counter() - start
same = [objective.calibrated(study.spec.machine) for objective in OBJECTIVES]
plan = make_plan(X, y, same, spaces.Problem.from_data(X, y), FOLDS)
most_accurate_of_grid = evaluate(forest.set_params(**grid.best_params_), plan).values
front = study.front()
best = front.select("best")


def smallness(candidate: Candidate) -> float:
    """Prefer few parameters among structures within one standard error of the best."""
    worst = best.values["accuracy"] - best.standard_errors["accuracy"]
    return -candidate.values["parameters"] if candidate.values["accuracy"] >= worst else -1e12


def row(found_by: str, parameters: Mapping[str, object], values: Mapping[str, float]) -> list[str]:
    """Write one structure for the table."""
    return [
        found_by,
        ", ".join(str(parameters[name]) for name in GRID),
        f"{values['accuracy']:.4f}",
        f"{values['parameters']:,.0f}",
        f"{values['inference_time']:,.0f}",
    ]


table = Table(title="Random forest on the digits", title_justify="left")
for column in ("found by", ", ".join(GRID), "accuracy", "parameters", "us a row"):
    table.add_column(column)
table.add_row(*row("GridSearchCV: most accurate", grid.best_params_, most_accurate_of_grid))
for label, how in (
    ("optistruct: most accurate", "best"),
    ("optistruct: smallest within one standard error", smallness),
    ("optistruct: knee of the front", "knee"),
):
    chosen = front.select(how)
    table.add_row(*row(label, chosen.parameters, chosen.values))
rich.print(table)
print(
    f"GridSearchCV fitted {STRUCTURES * FOLDS} forests in {grid_seconds:.0f} s, scoring only.\n"
    f"optistruct's front has {len(front)} structures; this run searched for {search_seconds:.0f} s."
)

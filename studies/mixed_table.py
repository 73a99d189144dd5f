"""A table with categories and missing values, searched without any preparation.

With `OPTISTRUCT_DATA` set to a folder that holds `titanic.csv.gz` (target `Survived`), that is the
table. Otherwise it is scikit-learn's diabetes data in its raw units, with sex and age group as
categories and one cell in ten taken out at random.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import rich
from sklearn.datasets import load_diabetes

from optistruct import StructureStudy, objectives, reporting, spaces


def titanic(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Read the passengers: three text columns, 866 missing cells."""
    table = pd.read_csv(folder / "titanic.csv.gz")
    return table.drop(columns="Survived"), table["Survived"]


def diabetes() -> tuple[pd.DataFrame, pd.Series]:
    """Make the diabetes data a mixed table with holes."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X["sex"] = X["sex"].map({1.0: "one", 2.0: "two"})
    X["age"] = pd.cut(X["age"], [0, 35, 50, 65, 100], labels=["-35", "-50", "-65", "-100"])
    holes = np.random.default_rng(0).random(X.shape) < 0.1
    return X.mask(holes), y


folder = Path(os.environ.get("OPTISTRUCT_DATA", ""))
has_titanic = (folder / "titanic.csv.gz").exists()
X, y = titanic(folder) if has_titanic else diabetes()
name = "mixed_table_titanic" if has_titanic else "mixed_table_diabetes"

study = StructureStudy(
    spaces.tabular(
        spaces.choice(
            spaces.linear,
            spaces.decision_tree,
            spaces.random_forest,
            spaces.hist_gradient_boosting,
            spaces.lightgbm,
        )
    ),
    [
        objectives.Score("balanced_accuracy" if has_titanic else "r2"),
        objectives.ParameterCount(),
        objectives.InferenceTime(),
    ],
    name=name,
)
study.optimize(X, y, n_trials=50)

rich.print(reporting.front_table(study))
print("its page:", reporting.to_html(study, f"{name}.html"))

"""Search model structures and hyperparameters under several objectives at once, on Optuna.

A structure space says what can be built, objectives say what is good, and a study searches:

    study = StructureStudy(spaces.lightgbm, [objectives.Score("accuracy"),
                           objectives.ParameterCount()], name="churn")
    study.optimize(X, y, n_trials=100)
    model = study.front().select("knee").fit(X, y)

Members: `StructureStudy`, `load_study`, `ParetoFront`, `Candidate`, and the modules `spaces`,
`objectives`, `samplers`, `reporting`, `exceptions`. They are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optistruct import exceptions, objectives, reporting, samplers, spaces
    from optistruct.front import Candidate, ParetoFront
    from optistruct.loading import load_study
    from optistruct.study import StructureStudy

__all__ = [
    "Candidate",
    "ParetoFront",
    "StructureStudy",
    "exceptions",
    "load_study",
    "objectives",
    "reporting",
    "samplers",
    "spaces",
]

_HOMES = {
    "Candidate": "front",
    "ParetoFront": "front",
    "StructureStudy": "study",
    "load_study": "loading",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `optistruct --help` is quick."""
    if name not in __all__:
        raise AttributeError(f"module 'optistruct' has no attribute {name!r}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"optistruct.{_HOMES[name]}"), name)
    return importlib.import_module(f"optistruct.{name}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)

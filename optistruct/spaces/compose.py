"""Spaces made of spaces: a choice among families, a pipeline of steps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline as SklearnPipeline

from optistruct.exceptions import SpaceError
from optistruct.spaces.build import AnyTrial, Space, space_name, suggest
from optistruct.spaces.problem import Problem

__all__ = ["Choice", "Pipeline", "choice", "pipeline"]


class _Prefixed:
    """A trial whose parameters carry a prefix; everything else is the trial's own."""

    def __init__(self, trial: AnyTrial, prefix: str) -> None:
        self._trial = trial
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._trial, name)
        if not name.startswith("suggest_"):
            return found

        def suggest_prefixed(name: str, *args: Any, **kwargs: Any) -> Any:
            return found(f"{self._prefix}.{name}", *args, **kwargs)

        return suggest_prefixed


class Choice:
    """A conditional choice among spaces; see `choice`."""

    name = "choice"

    def __init__(self, spaces: Sequence[Space]) -> None:
        self.spaces = tuple(spaces)
        names = [space_name(space) for space in self.spaces]
        if not names:
            raise SpaceError("choice needs at least one space, got none")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SpaceError(f"choice needs spaces of different names, got {twice[0]!r} twice")

    def __call__(self, trial: AnyTrial, problem: Problem) -> Any:
        """Suggest a family, then that family's structure."""
        families = {space_name(space): space for space in self.spaces}
        family = trial.suggest_categorical("family", list(families))
        prefixed: Any = _Prefixed(trial, family)
        return suggest(families[family], prefixed, problem)


class Pipeline:
    """Steps in a row, of which some are searched; see `pipeline`."""

    name = "pipeline"

    def __init__(self, steps: Sequence[Any]) -> None:
        self.steps = tuple(steps)
        if not self.steps:
            raise SpaceError("pipeline needs at least a model, got no step")

    def __call__(self, trial: AnyTrial, problem: Problem) -> Any:
        """Suggest every step; those that come out as None are left out."""
        *before, last = self.steps
        built = []
        for name, step in zip(_distinct([_step_name(s) for s in before]), before, strict=True):
            transformer = _step(step, _Prefixed(trial, name), problem)
            if transformer is not None and transformer != "passthrough":
                built.append((name, transformer))
                problem = _after(transformer, problem)
        model = _step(last, trial, problem)
        return SklearnPipeline([*built, ("model", model)]) if built else model


def choice(*spaces: Space) -> Choice:
    """Choose among families of structures.

    The parameter `family` names the space chosen, and each family's parameters carry its name:
    `random_forest.max_depth`.

    Args:
        *spaces: Search functions of different names.

    Returns:
        A search function (trial, problem) -> estimator.

    Raises:
        SpaceError: If there is no space, or two have the same name.
    """
    return Choice(spaces)


def pipeline(*steps: Any) -> Pipeline:
    """Put preprocessing steps before a model.

    The parameters of a searched step carry its name (`pca.n_components`; the second step of the
    same name is `pca-2`); those of the model keep their own. A step that comes out as None or
    "passthrough" is left out of the structure.

    Args:
        *steps: Each a search function (trial[, problem]) -> transformer or None, such as
            `spaces.scaler`, or an unfitted transformer that is taken as it is; the last one is
            the model: a space or an unfitted estimator.

    Returns:
        A search function (trial, problem) -> estimator.

    Raises:
        SpaceError: If there is no step.
    """
    return Pipeline(steps)


def _after(transformer: Any, problem: Problem) -> Problem:
    """Tell the steps that follow how many columns a selector or a projection leaves."""
    parameters = transformer.get_params(deep=False)
    width = parameters.get("k", parameters.get("n_components"))
    if not isinstance(width, int):
        return problem
    return replace(problem, features=min(width, problem.features), categorical=(), empty=())


def _is_fixed(step: Any) -> bool:
    return step is None or isinstance(step, str) or hasattr(step, "get_params")


def _step(step: Any, trial: Any, problem: Problem) -> Any:
    if _is_fixed(step):
        return clone(step) if hasattr(step, "get_params") else step
    return suggest(step, trial, problem)


def _step_name(step: Any) -> str:
    return type(step).__name__.lower() if _is_fixed(step) else space_name(step)


def _distinct(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return distinct

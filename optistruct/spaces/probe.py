"""What a space proposes, seen from outside: its parameters and a hash of its structures."""

import hashlib
from dataclasses import dataclass

import optuna
from optuna.distributions import (
    BaseDistribution,
    distribution_to_json,
    json_to_distribution,
)

from optistruct.exceptions import OptistructError, SpaceError
from optistruct.spaces.build import Space, build, space_name
from optistruct.spaces.problem import Problem
from optistruct.spaces.written import written

__all__ = ["Probe", "probe"]

_TRIALS = 48


@dataclass(frozen=True)
class Probe:
    """What a space proposed in a fixed series of random trials.

    Attributes:
        parameters: Each parameter's name and Optuna's JSON of its distribution.
        structures: Hash of the structures built, in order.
    """

    parameters: dict[str, str]
    structures: str

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Each parameter's name and what it is asked with."""
        return {name: json_to_distribution(text) for name, text in self.parameters.items()}


def probe(space: Space, problem: Problem, seed: int) -> Probe:
    """Call a space with 48 random trials, always the same ones, and note what it does.

    Two spaces of one probe propose the same structures, however their code is written; a branch
    that is taken less often than once in 48 may be missed.

    Raises:
        SpaceError: If every call fails, or one does not return an estimator, or a parameter has
            choices that a database does not keep.
        RecipeError: If the space was read from a database and cannot be imported by name.
    """
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    finally:
        optuna.logging.set_verbosity(verbosity)
    parameters: dict[str, str] = {}
    structures = hashlib.sha256()
    failures: list[Exception] = []
    for _ in range(_TRIALS):
        trial = study.ask()
        try:
            described = written(build(space, trial, problem, seed))
        except OptistructError:
            raise
        except Exception as error:  # a space may refuse some of its structures
            failures.append(error)
            described = type(error).__name__
        structures.update(described.encode())
        for name, distribution in trial.distributions.items():
            parameters[name] = _stored(name, distribution)
    if len(failures) == _TRIALS:
        reason = failures[0]
        raise SpaceError(
            f"the space {space_name(space)!r} fails at every trial: "
            f"{type(reason).__name__}: {reason}"
        ) from reason
    return Probe(dict(sorted(parameters.items())), structures.hexdigest())


def _stored(name: str, distribution: BaseDistribution) -> str:
    """Write a distribution as a database keeps it, from which it must come back."""
    choices = getattr(distribution, "choices", ())
    told_apart = {(distribution.to_internal_repr(one), repr(one)) for one in choices}
    if len({place for place, _ in told_apart}) < len(told_apart):  # as 1 and 1.0 are
        raise SpaceError(
            f"two of the choices of {name!r} are equal but not the same, and a database keeps the "
            f"first of them, got {choices}: leave one out, or suggest names and look up what they "
            "stand for"
        )
    try:
        text: str = distribution_to_json(distribution)
        if json_to_distribution(text) == distribution:
            return text
    except TypeError:
        pass
    raise SpaceError(
        f"the choices of {name!r} must be None or of type bool, int, float or str, as a database "
        f"keeps no others, got {getattr(distribution, 'choices', distribution)}: suggest names, "
        "say, and look up what they stand for"
    )

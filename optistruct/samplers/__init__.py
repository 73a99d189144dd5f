"""Samplers: who proposes the next structure.

Each is an `optuna.samplers.BaseSampler`, usable in any Optuna study. What it must remember it
derives from the trials' history, so a restart changes nothing. `by_name` knows "tpe" and "nsga2".
"""

from collections.abc import Callable

from optuna.samplers import BaseSampler

from optistruct.exceptions import UnknownNameError
from optistruct.samplers.seeding import SeededNSGAII, SeededTPE

__all__ = ["SAMPLERS", "SeededNSGAII", "SeededTPE", "by_name"]

SAMPLERS: dict[str, Callable[..., BaseSampler]] = {"tpe": SeededTPE, "nsga2": SeededNSGAII}
"""Makers of samplers by name; each takes `seed`."""


def by_name(name: str, *, seed: int = 0) -> BaseSampler:
    """Make a sampler.

    Args:
        name: "tpe" or "nsga2".
        seed: Seed of everything random in it.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    try:
        return SAMPLERS[name](seed=seed)
    except KeyError:
        raise UnknownNameError("sampler", name, SAMPLERS) from None

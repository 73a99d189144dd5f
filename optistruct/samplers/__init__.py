"""Samplers: who proposes the next structure.

Each is an `optuna.samplers.BaseSampler`, usable in any Optuna study, with several objectives, on
conditional spaces. What it must remember it derives from the trials' history, so a restart changes
nothing, and every random stream belongs to one trial, so two workers never draw from the same.

`by_name` knows:

- "smsego": trees guess what structures will do, and the largest gain in hypervolume is next;
- "nsga2", "greedy": crossing and changing the best structures, also conditional ones;
- "grid", "backtracking": every structure of a finite space once, without the branches that must
  break a limit; of the latter, reports tell how much was cut;
- "random": random structures, none twice;
- "tpe", "optuna-nsga2", "nsga3", "gp": Optuna's own, the same after a restart.
"""

from collections.abc import Callable, Sequence
from typing import Any

from optuna.samplers import BaseSampler

from optistruct.exceptions import UnknownNameError
from optistruct.samplers.backtracking import BacktrackingSampler, Visited, visited
from optistruct.samplers.greedy import GreedySampler
from optistruct.samplers.grid import GridSampler
from optistruct.samplers.history import RACE, Scale
from optistruct.samplers.nsga2 import NSGA2Sampler
from optistruct.samplers.optuna_samplers import SeededGP, SeededNSGAII, SeededNSGAIII
from optistruct.samplers.random import RandomSampler
from optistruct.samplers.smsego import SMSEGOSampler
from optistruct.samplers.structure_sampler import StructureSampler
from optistruct.samplers.submodels import Nest, Nested
from optistruct.samplers.tpe import SeededTPE
from optistruct.samplers.visits import Visits

__all__ = [
    "RACE",
    "SAMPLERS",
    "BacktrackingSampler",
    "GreedySampler",
    "GridSampler",
    "NSGA2Sampler",
    "Nest",
    "Nested",
    "RandomSampler",
    "SMSEGOSampler",
    "SeededGP",
    "SeededNSGAII",
    "SeededNSGAIII",
    "SeededTPE",
    "StructureSampler",
    "Visited",
    "Visits",
    "by_name",
    "visited",
]

SAMPLERS: dict[str, Callable[..., BaseSampler]] = {
    "smsego": SMSEGOSampler,
    "nsga2": NSGA2Sampler,
    "greedy": GreedySampler,
    "grid": GridSampler,
    "backtracking": BacktrackingSampler,
    "random": RandomSampler,
    "tpe": SeededTPE,
    "optuna-nsga2": SeededNSGAII,
    "nsga3": SeededNSGAIII,
    "gp": SeededGP,
}
"""Makers of samplers by name; each takes `seed`, and ours `scales` and `nested`."""


def by_name(
    name: str,
    *,
    seed: int = 0,
    scales: Sequence[Scale] | None = None,
    nested: Nested | None = None,
) -> BaseSampler:
    """Make a sampler.

    Args:
        name: One of `SAMPLERS`.
        seed: Seed of everything random in it.
        scales: "linear" or "log" for each objective, the scale on which its values compare; None
            is linear for all. Optuna's own samplers know no scales.
        nested: Reads what submodels a trial measured; None for none. Optuna's own know of none.

    Raises:
        UnknownNameError: If there is none of this name.
        ArgumentError: If it needs a package that is not installed.
    """
    if name not in SAMPLERS:
        raise UnknownNameError("sampler", name, SAMPLERS)
    make: Any = SAMPLERS[name]
    if isinstance(make, type) and issubclass(make, StructureSampler):
        return make(seed=seed, scales=scales, nested=nested)
    return make(seed=seed)  # type: ignore[no-any-return]

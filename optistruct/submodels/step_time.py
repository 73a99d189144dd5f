"""How long a fit goes on for one more tree, round or epoch: a guess from the table's size.

It is the same on every machine and in every run, as no measured time would be, so what is decided
by it can be repeated. For LightGBM and random forests it was within a factor of three of the mean
over random structures, on nine tables of 341 to 4,800 training rows; the constants of the others
are rougher still, from synthetic tables and default parameters.
"""

from typing import NamedTuple

__all__ = ["StepTime"]


class StepTime(NamedTuple):
    """The time of one step of a family, as it was on one core of a machine of 2026.

    Attributes:
        seconds: Those of a step on next to no data.
        cell_seconds: Those of each cell of the training table besides.
        is_per_output: Whether each output (a class, of more than two) takes a step of its own.
    """

    seconds: float
    cell_seconds: float
    is_per_output: bool = False

    def of(self, rows: float, features: float, outputs: float) -> float:
        """Guess the seconds of one step on a table.

        Args:
            rows: Number of training rows.
            features: Number of columns.
            outputs: Outputs of the model.
        """
        a_tree = self.seconds + self.cell_seconds * rows * features
        return a_tree * outputs if self.is_per_output else a_tree

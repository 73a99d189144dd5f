"""What a structure is judged by: performance P(S) and resources R(S).

An objective knows its name, direction, unit and scale, measures one fitted model, and may carry a
limit, which a study passes on to the sampler as a constraint. An objective of your own is a
frozen dataclass that derives from `Objective`.
"""

from optistruct.objectives.names import by_name
from optistruct.objectives.objective import Direction, Objective, Scale, check_objectives
from optistruct.objectives.resources import InferenceTime, ModelSize, Operations, ParameterCount
from optistruct.objectives.score import Score

__all__ = [
    "Direction",
    "InferenceTime",
    "ModelSize",
    "Objective",
    "Operations",
    "ParameterCount",
    "Scale",
    "Score",
    "by_name",
    "check_objectives",
]

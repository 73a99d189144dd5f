"""What a fitted structure costs: parameters, inference time, size; and on which machine."""

from optistruct.resources.latency import inference_time, reference_time
from optistruct.resources.machine import describe_machine
from optistruct.resources.parameters import count_parameters
from optistruct.resources.size import pickled_size
from optistruct.resources.threads import single_threaded

__all__ = [
    "count_parameters",
    "describe_machine",
    "inference_time",
    "pickled_size",
    "reference_time",
    "single_threaded",
]

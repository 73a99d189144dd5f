"""What a structure costs: parameters, operations, inference time, size; on which machine."""

from optistruct.resources import families
from optistruct.resources.bounds import Bounds, Cost, Table, bound_cost
from optistruct.resources.definitions import define_for
from optistruct.resources.latency import (
    InferenceTiming,
    check_batch_size,
    measure_inference_time,
    measure_side_by_side,
    rounds_for,
)
from optistruct.resources.machine import describe_machine, machine_text
from optistruct.resources.onnx_runtime import OnnxModel, check_onnx, to_onnx
from optistruct.resources.operations import count_operations, operations_per_row
from optistruct.resources.parameters import (
    Members,
    ParameterCount,
    Scalars,
    Weights,
    count_parameters,
    stored_arrays,
)
from optistruct.resources.reference import reference_time
from optistruct.resources.size import FORMATS, check_format, model_size
from optistruct.resources.threads import LIBRARIES, one_thread, single_threaded

__all__ = [
    "FORMATS",
    "LIBRARIES",
    "Bounds",
    "Cost",
    "InferenceTiming",
    "Members",
    "OnnxModel",
    "ParameterCount",
    "Scalars",
    "Table",
    "Weights",
    "bound_cost",
    "check_batch_size",
    "check_format",
    "check_onnx",
    "count_operations",
    "count_parameters",
    "define_for",
    "describe_machine",
    "families",
    "machine_text",
    "measure_inference_time",
    "measure_side_by_side",
    "model_size",
    "one_thread",
    "operations_per_row",
    "reference_time",
    "rounds_for",
    "single_threaded",
    "stored_arrays",
    "to_onnx",
]

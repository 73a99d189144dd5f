"""What the tests of all families share."""

import numpy as np

from optistruct.resources import count_parameters
from optistruct.resources.parameters import stored_arrays


def arrays(model):
    """Take the parts out of their wrappers, once their sizes are seen to be the count."""
    stored = {name: getattr(part, "array", part) for name, part in stored_arrays(model).items()}
    parts = {name: part for name, part in stored.items() if part is not None}
    assert count_parameters(model).total == sum(map(np.size, parts.values()))
    return parts

"""What it takes to store a matrix, which may be sparse."""

from typing import Any

from scipy import sparse

__all__ = ["matrix"]


def matrix(name: str, stored: Any) -> dict[str, Any]:
    """Hand out a matrix under its name; a compressed sparse one as the three arrays it is."""
    if not sparse.issparse(stored):
        return {name: stored}
    return {
        name: stored.data,
        f"{name}_indices": stored.indices,
        f"{name}_indptr": stored.indptr,
    }

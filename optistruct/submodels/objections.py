"""Why models of several families hold no submodels."""

from typing import Any

__all__ = ["several_targets", "warm_start"]


def warm_start(structure: Any) -> str | None:
    """Refuse a model whose fit goes on from an earlier one, maybe of other parameters."""
    if getattr(structure, "warm_start", False):
        return (
            f"a {type(structure).__name__} with warm_start=True may be made of several fits, so "
            "its parts need not be those of one with fewer: set warm_start=False"
        )
    return None


def several_targets(structure: Any) -> str | None:
    """Refuse a model of several targets at once; known once it is fitted."""
    if getattr(structure, "n_outputs_", 1) > 1 or getattr(structure, "outputs_2d_", False):
        return f"this {type(structure).__name__} predicts several targets: submodels are of one"
    return None

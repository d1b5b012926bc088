"""Whether what only makes things faster is used."""

from __future__ import annotations

__all__ = ["are_open"]


def are_open() -> bool:
    """True: the fast roads are taken wherever they lead to the same numbers.

    All of them ask here, when nets, optimizers and trainings are made and not at each step. Whoever doubts
    a road puts a function in this place that says False, as the test does that shows that nothing needs them.
    """
    return True

"""Exercises in backpropagation with pleasant numbers, their keys, and the marking of what was filled in."""

from .kinds import exercise, worksheets
from .sheets import Exercise, Marked, Sheet

__all__ = ["Exercise", "Marked", "Sheet", "exercise", "worksheets"]

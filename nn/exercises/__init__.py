"""Exercises in backpropagation with pleasant numbers, their keys, and the marking of what was filled in."""

from .exercise import Exercise, Marked, Sheet, exercise, worksheets

__all__ = ["Exercise", "Marked", "Sheet", "exercise", "worksheets"]

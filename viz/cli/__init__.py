"""Graphs, derivations and pages from the shell, and the language in which formulas are written there."""

from .commands import DESCRIPTION, main

__all__ = ["DESCRIPTION", "main"]

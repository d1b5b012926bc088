"""Derivations in matrices: what is X and what a weight, how arrays are written, and the chain of one factor a line."""

from . import builders

__all__ = ["builders"]

"""Derivations in matrices: what is X and what a weight, how arrays are written, and the chain of one factor a line."""

from . import forms

__all__ = ["forms"]

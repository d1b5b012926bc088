"""Why a net does not learn: what is wrong with data, weights, rates and losses, with evidence and remedy.

A cause stands before its effects: the order is that of `CHECKS`. A fault is never right. A hint is one only in a
model that does not learn, or that learns little where scaled data were tried and helped; else it is a note.
"""

from .diagnosing import diagnose
from .findings import Diagnosis, Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]

"""Bridges between numbers and arrays: a recorded computation of Values as one of whole arrays."""

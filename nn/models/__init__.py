"""Nets of layers: Sequential, what it says of itself, how it is kept, and the way to nets of Values."""

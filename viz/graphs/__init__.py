"""What the picture of a graph shows: every operation, what has a name, units of a network, layers."""

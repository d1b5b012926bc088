"""How numbers, names and derivatives are written."""

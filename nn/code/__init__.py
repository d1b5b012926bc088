"""A model as a program for others to run: in NumPy, written by its own derivation, in PyTorch and in Keras."""

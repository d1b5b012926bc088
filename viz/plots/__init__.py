"""Pictures of a training with matplotlib: one plot, one file."""

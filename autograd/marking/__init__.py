"""check_work: whether a gradient worked out by hand is right, and which mistake explains it if it is not."""

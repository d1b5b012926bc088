"""The reverse pass: over Values, over Tensors, and in its pure form for both."""

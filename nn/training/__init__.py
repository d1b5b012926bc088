"""How a model is trained and measured: the samples, the step, what is measured, and the loop around them."""

"""What only makes things faster. Nothing in `autograd` needs it; without it all works and is slower.

Neurons as one node, parameters as one vector, layers in a row without nodes, and training steps
written down once and run again.
"""

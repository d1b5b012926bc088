"""What has to work where nothing but the wheel was installed: no renderer, scikit-learn, matplotlib or PyTorch.

The packages are the installed ones, also if it is run in the repository: Python looks beside this file, not there.
"""

import autograd
import nn
import viz
from viz import cli

x = autograd.Value(3.0, "x")
L = x * x + nn.MLP(1, [2, 1], rng=0)([x])
L.backward()
assert autograd.derive(L, x).value == autograd.gradients(L, x)
assert "digraph" in viz.draw_graph(L).source
assert "<html" in viz.explore(L).html
net = nn.Sequential([nn.Dense(2, activation="tanh", input_dim=1), nn.Dense(1)], rng=0)
net.compile("sgd", "mse")
net.fit([[0.0], [1.0]], [[1.0], [0.0]], epochs=2)
assert cli.main(["paths", "L = (w*x - y)**2", "w=0.4", "x=1.5", "y=1", "--wrt", "w"]) == 0

"""What slips in while one writes: each line that ends in `# wrong` is one that a checker of types is to find."""

import numpy as np

import nn
import viz
from autograd import Tensor, Value, derive, gradients, sigmoid, softmax, squared_error

w, x = Value(0.5, "w"), Value(2.0, "x")
L = squared_error(sigmoid(w * x), 1.0)
W = Tensor(np.ones((2, 2)), "W")
L.backwards()  # wrong: a misspelt method
print(sigmoid(w).gard)  # wrong: a misspelt attribute
viz.draw_graph(L, level="opp")  # wrong: no such level
viz.draw_graph(3)  # wrong: a number has no graph
derive(L, 5)  # wrong: nor can one derive by it
derive(L, W)  # wrong: a Value by a Tensor
nn.Adam(0.1, beta1=0.9)  # wrong: it is beta_1
nn.MLP(2, [3, 1], "sigmoidd")  # wrong: no such activation
nn.Dense(4, activation="rleu")  # wrong: nor this
sigmoid("w")  # wrong: a name is no number
softmax(W, axes=0)  # wrong: it is axis
gradients(L, w).backward()  # wrong: a number has no graph, create_graph=True is missing
model = nn.Sequential([nn.Dense(1, input_shape=(2,))])
model.compile("addam", "mse")  # wrong: no such optimizer
history = model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
print(history.hist["loss"])  # wrong: it is history.history
print(derive(L, w).latexx())  # wrong: a misspelt method of a derivation

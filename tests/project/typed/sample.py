"""A program of somebody who has his types checked: `mypy --strict` finds nothing to say about it.

It is also run. What an editor is to know of results is asserted by `assert_type`, where there is one answer.
"""

import math
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import nn
import viz
from autograd import (
    Derivation,
    MatrixDerivation,
    Tensor,
    Value,
    derive,
    exp,
    grad,
    gradients,
    hessian,
    log,
    matmul,
    maximum,
    mean,
    no_grad,
    sigmoid,
    softmax,
    squared_error,
    stack,
    sum,
    tanh,
    value_and_grad,
    where,
)
from autograd.op import elementwise, reduction, structural
from nn.callbacks import Callback, EarlyStopping, History
from nn.losses import Loss
from nn.optimizers import Optimizer

Array = NDArray[np.float64]

# ---------------------------------------------------------------- numbers

w, b = Value(0.5, "w"), Value(-1.0, label="b")
yhat = sigmoid(w * 2.0 + b)
assert_type(yhat, Value)
yhat.label = "yhat"
L = squared_error(yhat, 1.0)
assert_type(L, Value)
L.label = "L"
L.backward()
slope: float = w.grad
found = derive(L, w)
assert_type(found, Derivation)
latex: str = found.latex()
best: list[str] = [str(path) for path in found.paths]
assert_type(exp(0.5), float)
assert_type(maximum(w, 0.0), Value)
assert_type(sum([w, b]), Value)
assert_type(gradients(L, w), float)
second = gradients(gradients(L, w, create_graph=True), w)
assert_type(second, float)
twelve: float = grad(lambda x: x**3)(2.0)

# ---------------------------------------------------------------- arrays

X: Array = np.random.default_rng(0).normal(size=(20, 3))
Y: Array = np.tanh(X @ np.array([[1.0], [-2.0], [0.5]]))
W = Tensor(np.zeros((3, 1)), "W")
P = tanh(matmul(X, W))
assert_type(P, Tensor)
error = ((P - Y) ** 2).mean()
assert_type(error, Tensor)
error.backward()
assert W.grad is not None
W.data = W.data - 0.1 * W.grad
assert_type(derive(squared_error(tanh(X @ W), Y), W), MatrixDerivation)
assert_type(softmax(W, axis=0), Tensor)
assert_type(where(W > 0, W, 0.0), Tensor)
assert_type(mean(W, axis=0), Tensor)
assert_type(stack([W, W]), Tensor)
numbers: Array = W.numpy()
scaled: float = (W * 2).sum().item()


def cost(v: Tensor, rate: float = 1.0) -> Tensor:
    return (log(1.0 + exp(X @ v)) * rate).mean()


value, slopes = value_and_grad(cost)(np.zeros((3, 1)))
curvature = hessian(cost)(np.zeros((3, 1)))
print(value, np.shape(slopes), np.shape(curvature))

# ---------------------------------------------------------------- of one's own


@elementwise(lambda z, x: sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)))
def swish(x: Any) -> Any:
    """x σ(x). A rule and its function are read on whatever there is, hence Any; what is called has types."""
    return x * sigmoid(x)


@reduction(lambda z, x: 2 * x)
def energy(x: Any) -> Any:
    """x₁² + ... + xₙ²."""
    return sum(u * u for u in x)


@structural(lambda g, z, x: g[::-1])
def turned(x: Any) -> Any:
    """The rows from last to first."""
    return x[::-1]


assert_type(swish(w), Value)
assert_type(swish(W), Tensor)
assert_type(energy([w, b]), Value)
assert_type(energy(W, axis=0), Tensor)
assert_type(turned(W), Tensor)


class Scale(nn.BatchLayer):
    def make_parameters(self, input_shape: tuple[int, ...], dtype: np.dtype, rng: np.random.Generator) -> None:
        self.scale = Tensor(np.ones(input_shape), dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Patience(Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None and logs["loss"] < 1e-3:
            self.model.stop_training = True


class LogCosh(Loss):
    name = "log_cosh"

    def of_batch(self, y_pred: Tensor, target: Array, weight: float | Array, from_logits: bool) -> Tensor:
        d = y_pred - target
        return ((log(exp(d) + exp(-d)) - math.log(2)).mean(axis=1) * weight).sum()


# ---------------------------------------------------------------- nets

net = nn.MLP(2, [3, 1], "tanh", rng=0)
with no_grad():
    answer = net([0.1, 0.2])
print(answer.data, net.layers[0].neurons[1].w[0].label)
optimizer: Optimizer = nn.Adam(net.parameters(), 0.01, clipnorm=1.0)
optimizer.zero_grad()
squared_error(net([0.1, 0.2]), 1.0).backward()
optimizer.step()

model = nn.Sequential([Scale(input_shape=(3,)), nn.Dense(4, activation="relu"), nn.Dense(1)], dtype="float64", rng=0)
model.compile(optimizer=nn.SGD(0.01, momentum=0.9), loss=LogCosh(), metrics=["mae"])
history = model.fit(X, Y, epochs=2, callbacks=[Patience(), EarlyStopping("loss")], verbose=0)
assert_type(history, History)
losses: list[float] = history.history["loss"]
predictions = model.predict(X)
print(losses[-1], predictions.shape, model.summary().total, model.get_layer(index=1).name)

# ---------------------------------------------------------------- pictures

dot: str = viz.draw_graph(L, level="op").source
page: str = viz.explore(L, w).html

"""playground: a net and its samples as a page in which it is trained, sample by sample or on the average."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from autograd import Value, binary_cross_entropy, dot, log, squared_error
from autograd.arguments import lookup
from autograd.operands import describe, real_array
from nn import MLP, Sequential, inputs, to_mlp
from nn.activations import activation_name

from .page import Exploration, explore

__all__ = ["playground"]


def _categorical(predictions: Sequence[Value], targets: Sequence[Value]) -> Value:
    return -dot(targets, [log(p) for p in predictions])


_LOSSES: dict[str, Callable[..., Value]] = {
    "mse": squared_error,
    "squared_error": squared_error,
    "binary_crossentropy": binary_cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "categorical_crossentropy": _categorical,
}
_AFTER = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}


def playground(
    model: object,
    x: ArrayLike,
    y: ArrayLike,
    loss: str | Callable[..., Value] = "auto",
    *,
    title: str | None = None,
    digits: int = 4,
) -> Exploration:
    """A page in which a net is trained: by hand, by one sample or by all, with each sample's gradients beside it.

    model  an MLP, or a Sequential of Dense layers; it is not changed
    x, y   samples in rows: (n, inputs) and (n, outputs), or (n,) for one output; for a softmax also its classes
    loss   "auto": binary cross-entropy after a sigmoid, cross-entropy after a softmax, else ½ Σ (prediction - y)²;
           "mse", "binary_crossentropy", "categorical_crossentropy", or a function of predictions and targets
    title, digits   as of `explore`

    With two inputs the page has a map of the output, and each unit a map of its own. The net that was trained in
    the page can be read back: "Copy" gives its weights as Python.
    TypeError for another model, ValueError for shapes that do not fit.
    """
    if isinstance(model, Sequential):
        model = to_mlp(model)
    if not isinstance(model, MLP):
        raise TypeError(f"playground: expected an MLP or a Sequential of Dense layers, got {describe(model)}")
    samples = np.asarray(real_array(x, "playground: x"), np.float64)
    targets = np.asarray(real_array(y, "playground: y"), np.float64)
    output = model.layers[-1]
    if targets.ndim == 1 and output.nout > 1 and (targets == targets.astype(int)).all():
        if targets.min(initial=0) < 0 or targets.max(initial=0) >= output.nout:
            raise ValueError(f"playground: expected classes 0..{output.nout - 1} in y")
        targets = np.eye(output.nout)[targets.astype(int)]
    targets = targets.reshape(len(targets), -1) if targets.ndim else targets.reshape(1, 1)
    if samples.ndim != 2 or samples.shape[1] != model.layers[0].nin or targets.shape != (len(samples), output.nout):
        raise ValueError(
            f"playground: expected x of shape (n, {model.layers[0].nin}) and y of shape (n, {output.nout}); "
            f"got {np.shape(x)} and {np.shape(y)}"
        )
    if not callable(loss):
        name = _AFTER.get(activation_name(output.activation), "mse") if loss == "auto" else loss
        loss = lookup("loss", name, _LOSSES)
    predictions, asked = model(inputs(samples[0].tolist())), inputs(targets[0].tolist(), "y")
    result = loss(predictions, asked) if isinstance(predictions, list) else loss(predictions, asked[0])
    result.label = "L"
    result.backward()
    title = "Playground" if title is None else title
    return explore(result, level="neurons", samples={"x": samples, "y": targets}, title=title, digits=digits)

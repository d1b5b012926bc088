"""How a net of Values is trained: the loop of all trainings, and a step on single numbers, vectorised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import Tensor, Value, linear, mean, modes, no_grad, softmax, vectorize
from autograd.op import operation_of

from ..attributes import changed
from ..losses import Loss, Weight, find_loss
from ..metrics import find_metric
from ..module import TrainingMode
from ..optimizers import find_optimizer

__all__ = ["NeuronTraining"]


class NeuronTraining:
    """What the training loop and callbacks see of a net of Values; made by `MLP.compile`.

    net: layers of neurons, called with one sample. The rest is as in `Sequential.compile`.
    """

    dtype = np.dtype(np.float64)
    finish = None
    stop_training = False

    def __init__(self, net: Any, optimizer: Any, loss: Any, metrics: Any, rng: np.random.Generator) -> None:
        self.net, self.rng = net, rng
        self.loss: Loss = find_loss(loss)
        self.optimizer = find_optimizer(optimizer)
        given = [] if metrics is None else list(metrics) if isinstance(metrics, list | tuple) else [metrics]
        self.metrics = [find_metric(metric) for metric in given]
        self.metrics_names = ["loss", *(metric.name for metric in self.metrics)]
        self.output_shape = (net.layers[-1].nout,)
        self.input_names, self.input_shapes = ("x",), ((net.layers[0].nin,),)
        self.vectorizes = True
        if type(self.loss).of_sample is Loss.of_sample:
            raise TypeError(
                f"compile: a net of Values knows no loss {self.loss.name!r} of one sample; write it as a function of "
                "one sample, each = vectorize(lambda x, y: ...), and train by each.mean(x, y), or train "
                "to_sequential(net)"
            )
        self._each: Any = None
        self._known: tuple[Any, Any] = (None, None)
        self.optimizer.bind(net.parameters())

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_each": None, "_known": (None, None)}  # a copy makes its own programs

    @property
    def each(self) -> Any:
        """The loss of one sample, vectorised."""
        layers = self.net.layers
        now = changed[0], list(layers), [list(layer.neurons) for layer in layers]
        when, parts = self._known
        if when != now:  # look again at what a program is made of; attributes of other nets were set, most times
            found = _parts(self.net, self.loss)
            if parts != found:
                self.optimizer.bind(self.net.parameters())
                self._each = None
            self._known = now, found
        if self._each is None:
            self._each = vectorize(_of_sample(self.loss, self.net))
        return self._each

    # ------------------------------------------------------------ as the loop sees it

    @property
    def objective(self) -> NeuronTraining:
        """What makes a step."""
        return self

    @property
    def training(self) -> TrainingMode:
        """The mode that a step is made in."""
        return TrainingMode(self.net.modules(), True)

    def modules(self) -> list[Any]:
        """The modules of the net."""
        return self.net.modules()

    def wrong_inputs(self, shape: tuple[int, ...], place: int = 0) -> str:
        """What to say about samples of another shape."""
        return f"{self.net} takes samples of {self.input_shapes[0][0]} numbers, x has shape {shape}"

    def step(self, x: np.ndarray, y: np.ndarray, weight: Weight) -> tuple[float, np.ndarray]:
        """Train on one batch: its loss before the step, and what the net gave, if there are metrics."""
        outputs = self.outputs(x) if self.metrics else y
        arrays = [x, y] if not isinstance(weight, np.ndarray) else [x, y, weight * len(x)]
        loss = self.each.mean(*arrays) if self.vectorizes else _mean(self.each.function, arrays)
        if loss.data - loss.data == 0.0:
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return loss.data, outputs

    def forward(self, x: np.ndarray, y: np.ndarray, weight: Weight) -> tuple[Tensor, Tensor]:
        """What the net gives, and the loss, as Tensors."""
        outputs = Tensor(self.outputs(x))
        return outputs, self.loss.of_batch(outputs, y, weight, self.loss.from_logits)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the net gives for all samples, computed on arrays where its activations can be."""
        a: Any = Tensor(x)
        with no_grad():
            for layer in self.net.layers:
                weights, biases = layer.get_weights()
                a = linear(a, weights, biases)
                own = {id(neuron.activation): neuron.activation for neuron in layer.neurons}
                activation = layer.activation if _is_of_rows(layer.activation) else next(iter(own.values()))
                if len(own) > 1 or not (operation_of(activation) or _is_of_rows(activation)):
                    return np.array([_numbers(self.net(row)) for row in x.tolist()])
                a = activation(a)
        return a.numpy()

    # ------------------------------------------------------------ as callbacks see it

    def get_weights(self) -> list[np.ndarray]:
        """All parameters and buffers, in the order of `state_dict`."""
        return list(self.net.state_dict().values())

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set what `get_weights` gave."""
        self.net.load_state_dict(dict(zip(self.net.state_dict(), weights, strict=True)))


def _parts(net: Any, loss: Loss) -> list[Any]:
    """All that the loss of a sample depends on, apart from numbers."""
    units = [
        (layer.activation, neuron.activation, neuron.elementary, neuron.w, neuron.b)
        for layer in net.layers
        for neuron in layer.neurons
    ]
    options = [dict(vars(x)) for x in (loss, *(unit[1] for unit in units)) if hasattr(x, "__dict__")]
    return [units, options]


def _is_of_rows(activation: Any) -> bool:
    return activation is softmax


def _numbers(outputs: Any) -> list[float]:
    return [v.data for v in (outputs if isinstance(outputs, list) else [outputs])]


def _mean(one: Callable[..., Value], arrays: Sequence[np.ndarray]) -> Value:
    """The mean over samples, one by one."""
    with modes.recording():
        return mean([one(*sample) for sample in zip(*(x.tolist() for x in arrays), strict=True)])


def _of_sample(loss: Loss, net: Any) -> Callable[..., Value]:
    """The loss of one sample as a function of its numbers, its target and, if it has one, its weight."""
    last = net.layers[-1]
    skips = loss.activation is not None and not loss.from_logits and last.activation is loss.activation
    from_logits = skips or loss.from_logits

    def one(x: Sequence[float], y: Sequence[float], weight: float | None = None) -> Value:
        outputs = net(x)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        if skips:  # from the weighted sums, as a loss of Tensors is
            first = outputs[0].operand_groups[0]
            outputs = list(first) if isinstance(first, tuple) else [a.operand_groups[0] for a in outputs]
        found = loss.of_sample(outputs, y, from_logits)
        return found if weight is None else found * weight

    return one

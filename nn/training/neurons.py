"""How a net of Values is trained: the loop of all trainings, and a step on single numbers, vectorised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from autograd import Tensor, Value, linear, mean, modes, no_grad, softmax, vectorize
from autograd.op import operation_of
from autograd.operands import Operand

from ..attributes import changed
from ..losses import Loss, Weight, find_loss
from ..metrics import find_metric
from ..module import Module, TrainingMode
from ..optimizers import Optimizer, find_optimizer

__all__ = ["NeuronTraining"]


class Net(Protocol):
    """A net of Values as a training sees it: layers of neurons, called with one sample."""

    @property
    def layers(self) -> Sequence[Any]: ...
    def __call__(self, x: Any, /) -> Any: ...
    def modules(self) -> list[Module]: ...
    def parameters(self) -> list[Any]: ...
    def state_dict(self) -> dict[str, np.ndarray]: ...
    def load_state_dict(self, state: Mapping[str, Any], /) -> None: ...


class NeuronTraining:
    """What the training loop and callbacks see of a net of Values; made by `MLP.compile`.

    net: layers of neurons, called with one sample. The rest is as in `Sequential.compile`.
    """

    dtype = np.dtype(np.float64)
    finish = None
    stop_training = False

    def __init__(
        self,
        net: Net,
        optimizer: str | Optimizer,
        loss: str | Loss | None,
        metrics: object,
        rng: np.random.Generator,
    ) -> None:
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
        self._places: tuple[Any, Any] = (None, None)
        self._mode = TrainingMode((), True)
        self.each  # noqa: B018 (binds the optimizer)

    def __getstate__(self) -> dict[str, object]:
        own = {"_each": None, "_known": (None, None), "_places": (None, None), "_mode": TrainingMode((), True)}
        return vars(self) | own  # a copy makes its own programs

    @property
    def each(self) -> Any:
        """The loss of one sample, vectorised."""
        layers = self.net.layers
        now = changed[0], list(layers), [list(layer.neurons) for layer in layers]
        when, parts = self._known
        if when != now:  # look again at what a program is made of; attributes of other nets were set, most times
            found = _parts(self.net, self.loss)
            if parts != found:
                self._each = vectorize(_of_sample(self.loss, self.net))
                self._bind()
            self._known, self._mode = (now, found), TrainingMode(self.net.modules(), True)
        return self._each

    def _bind(self) -> None:
        """Let the optimizer move the parameters, in the vector at which the programs look if that is of just these."""
        parameters, found = self.net.parameters(), self._each.parameters
        if set(self.optimizer.parameters) != set(parameters):
            self.optimizer.bind(found if set(found) == set(parameters) else parameters)

    def apart(self) -> AbstractContextManager[None]:
        """Inside, steps go from vector to vector; at the end the Values have their numbers and gradients.

        It makes no difference where the optimizer has another vector, or code of the user's runs, which may look.
        """
        each, schedule = self._each, self.optimizer.schedule
        if each.numbers.is_apart:
            return nullcontext()
        runs = [type(self.optimizer), *self.metrics, *([] if schedule is None else [schedule])]
        are_ours = all(x.__module__.partition(".")[0] == "nn" for x in runs)
        are_ours &= not any(metric.by_batch for metric in self.metrics)
        is_alone = are_ours and self.vectorizes and self.optimizer.use(each.numbers)
        return each.training() if is_alone else nullcontext()

    # ------------------------------------------------------------ as the loop sees it

    @property
    def objective(self) -> NeuronTraining:
        """What makes a step; looked at again in each epoch, and for each batch of which a callback hears."""
        self.each  # noqa: B018 (looks again at what it is made of)
        return self

    @property
    def training(self) -> _Training:
        """The mode that a step is made in."""
        return _Training(self)

    def modules(self) -> list[Module]:
        """The modules of the net."""
        return self.net.modules()

    def wrong_inputs(self, shape: tuple[int, ...], place: int = 0) -> str:
        """What to say about samples of another shape."""
        return f"{self.net} takes samples of {self.input_shapes[0][0]} numbers, x has shape {shape}"

    def step(self, x: np.ndarray, y: np.ndarray, weight: Weight) -> tuple[float, np.ndarray]:
        """Train on one batch: its loss before the step, and what the net gave, if there are metrics."""
        outputs = self.outputs(x) if self.metrics else y
        arrays = [x, y] if not isinstance(weight, np.ndarray) else [x, y, weight * len(x)]
        self.optimizer.zero_grad()
        value = self._each.step(*arrays) if self.vectorizes else _step(self._each.function, arrays)
        if value - value == 0.0:
            self.optimizer.step()
        return value, outputs

    def forward(self, x: np.ndarray, y: np.ndarray, weight: Weight) -> tuple[Tensor, Tensor]:
        """What the net gives, and the loss, as Tensors."""
        outputs = Tensor(self.outputs(x))
        return outputs, self.loss.of_batch(outputs, y, weight, self.loss.from_logits)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the net gives for all samples, computed on arrays where its activations can be."""
        a: Operand = Tensor(x)
        with no_grad():
            for layer, (weights, biases) in zip(self.net.layers, self._matrices(), strict=True):
                a = linear(a, weights, biases)
                own = {id(neuron.activation): neuron.activation for neuron in layer.neurons}
                activation = layer.activation if _is_of_rows(layer.activation) else next(iter(own.values()))
                if len(own) > 1 or not (operation_of(activation) or _is_of_rows(activation)):
                    self.each.numbers.show()
                    return np.array([_numbers(self.net(row)) for row in x.tolist()])
                a = activation(a)
        return a.numpy()

    def _matrices(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The weights and biases of every layer, taken from the vector of all."""
        flat = self.each.numbers
        if self._places[0] is not flat:
            place = {v: i for i, v in enumerate(flat.values)}
            units = [layer.neurons for layer in self.net.layers]
            self._places = (
                flat,
                [
                    (
                        np.array([[place[w] for w in unit.w] for unit in layer]),
                        np.array([place[unit.b] for unit in layer]),
                    )
                    for layer in units
                ],
            )
        vector = flat.begin()
        return [(vector[w], vector[b]) for w, b in self._places[1]]

    # ------------------------------------------------------------ as callbacks see it

    def get_weights(self) -> list[np.ndarray]:
        """All parameters and buffers, in the order of `state_dict`."""
        return list(self.net.state_dict().values())

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set what `get_weights` gave."""
        self.net.load_state_dict(dict(zip(self.net.state_dict(), weights, strict=True)))


class _Training:
    """A net in training, inside a `with`; see `TrainingMode`, and `NeuronTraining.apart` for several steps."""

    def __init__(self, trained: NeuronTraining) -> None:
        self._mode, self._apart = trained._mode, trained.apart()
        self.around = self._mode.around

    def __enter__(self) -> None:
        self._mode.__enter__()
        self._apart.__enter__()

    def __exit__(self, *raised: Any) -> None:
        self._apart.__exit__(*raised)
        self._mode.__exit__(*raised)


def _parts(net: Net, loss: Loss) -> list[object]:
    """All that the loss of a sample depends on, apart from numbers."""
    units = [
        (layer.activation, neuron.activation, neuron.elementary, neuron.w, neuron.b)
        for layer in net.layers
        for neuron in layer.neurons
    ]
    options = [dict(vars(x)) for x in (loss, *(unit[1] for unit in units)) if hasattr(x, "__dict__")]
    return [units, options]


def _is_of_rows(activation: object) -> bool:
    return activation is softmax


def _numbers(outputs: Operand) -> list[float]:
    return [v.data for v in (outputs if isinstance(outputs, list) else [outputs])]


def _step(one: Callable[..., Value], arrays: Sequence[np.ndarray]) -> float:
    """The mean over samples, one by one, and its gradients, if it is finite."""
    with modes.recording():
        loss = mean([one(*sample) for sample in zip(*(x.tolist() for x in arrays), strict=True)])
    if loss.data - loss.data == 0.0:
        loss.backward()
    return loss.data


def _of_sample(loss: Loss, net: Net) -> Callable[..., Value]:
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

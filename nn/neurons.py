"""Nets of Values: a neuron, a layer of them, and layers in a row, every scalar visible.

They name their own nodes in the grammar of lecture notes, so that `derive(loss, w)` reads like
one: `w[l]_j,k` goes into unit j of layer l from unit k, `z[l]_j` is the weighted sum of the unit and
`a[l]_j` its activation. With the activation "linear" a = z, and the one node is called z.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd import Value, linear
from autograd.arguments import Rng, generator, positive_integer, shaped_array
from autograd.fast.neuron import Inputs, Weights, record, recorder
from autograd.formulas.names import Name
from autograd.graph import is_node
from autograd.op import operation_of
from autograd.operands import Operand, describe, real

from .activations import Function, activation_name, check_units, find_activation, is_of_one_number, is_over_layer
from .attributes import advised
from .initializers import DEFAULT_INITIALIZER, Initializer, find_initializer
from .losses import Loss
from .models.of_neurons import sequential_of
from .models.sequential import Sequential
from .module import Module
from .optimizers import Optimizer
from .training import loop as loop
from .training.neurons import NeuronTraining
from .training.samples import checked_samples
from .training.trained import Trained
from .training.trials import begun

__all__ = ["MLP", "Layer", "Neuron", "inputs"]

# The numbers or Values that a net is given, in a row; one where it takes one.
Sample = Sequence[Operand] | np.ndarray | Value | float


class Neuron(Module):
    """One unit: z = w₁x₁ + ... + wₙxₙ + b, a = g(z).

    nin: the number of inputs. activation: g, a name from `nn.activations` or a function of one
    Value. elementary: build z of visible × and + nodes instead of one node. initializer: a name
    from `nn.initializers` or a function; the bias starts at 0. rng: an int seed, a numpy
    Generator or None.

    w  the weights, a tuple of Values labelled w_1, w_2, ...
    b  the bias, labelled b

    Call it with a sequence of nin numbers or Values; the result is the Value a.
    """

    settled: tuple[str, ...] = ("nin", "initializer", "rng")
    w: tuple[Value, ...]
    b: Value

    def is_settled(self) -> bool:
        """True once there are weights."""
        return "b" in vars(self)

    def __init__(
        self,
        nin: int,
        activation: str | Function = "relu",
        *,
        elementary: bool = False,
        initializer: str | Initializer = DEFAULT_INITIALIZER,
        rng: Rng = None,
    ) -> None:
        self.nin = positive_integer("Neuron", "nin", nin)
        rng = generator(rng)
        self.activation = find_activation(activation, rng=rng)
        if is_over_layer(self.activation):
            name = activation_name(self.activation)
            raise ValueError(f"Neuron: {name} needs all units of a layer; use Layer(..., activation={name!r})")
        self.elementary = bool(elementary)
        self.w = tuple(Value(0.0) for _ in range(self.nin))
        self.b = Value(0.0)
        self.name_nodes()
        self.set_weights(find_initializer(initializer)((1, self.nin), rng=rng)[0], 0.0)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "w":
            value = tuple(value)
            if len(value) != self.nin or not all(map(is_node, value)):
                raise ValueError(f"{self}: expected w to be {self.nin} Values; got {len(value)} members: {value}")
        elif name == "b" and not is_node(value):
            raise TypeError(f"{self}: expected b to be a Value; got {describe(value)}. To set its number write b.data")
        elif name == "activation":
            value = find_activation(value)
        super().__setattr__(name, value)
        if name in ("activation", "elementary", "w", "b", "_a") and "_a" in vars(self):
            self._prepare()

    def _prepare(self) -> None:
        """What `_respond` needs of the parameters, one object for all samples."""
        op = operation_of(self.activation)
        self._record = recorder()
        self._is_fused = self._record is record and not self.elementary and is_of_one_number(op)
        self._op = None if self.activation is linear else op
        self._weights = Weights((*self.w, self.b))
        self._weights.sum_label = self._z
        self._weights.label = self._a if self._is_fused and self._op is not None else self._z

    def __call__(self, x: Sample) -> Value:
        return self._respond(Inputs(_as_inputs(x, self.nin, self)))

    def _respond(self, x: Inputs) -> Value:
        if self._is_fused:
            return record(self._op, self._weights, x)
        if self.elementary:
            z = _weighted_sum(self.w, x.values, self.b)
            z.label = self._z
        else:
            z = self._record(None, self._weights, x)
        if self.activation is linear:
            return z
        a = self.activation(z)
        try:
            a._label = self._a
        except AttributeError:
            raise TypeError(f"{self}: expected a Value from the activation, got {describe(a)}") from None
        return a

    def name_nodes(self, layer: object = None, unit: object = None) -> None:
        """Label the parameters, and all nodes made from now on, as those of a unit of a layer.

        `name_nodes(2, 1)` gives w[2]_1,1, w[2]_1,2, ..., b[2]_1, z[2]_1, a[2]_1. Without layer or
        unit that part of the name is left out.
        """
        place = None if layer is None else str(layer)
        j = () if unit is None else (str(unit),)
        for k, w in enumerate(self.w, 1):
            w.label = Name("w", place, index=(*j, str(k))).label()
        self.b.label, self._z, self._a = (Name(base, place, index=j).label() for base in "bza")

    def get_weights(self) -> tuple[np.ndarray, float]:
        """The weights as an array of shape (nin,), and the bias."""
        return np.array([w.data for w in self.w]), self.b.data

    def set_weights(self, weights: ArrayLike, bias: float) -> None:
        """Set the numbers. weights: nin numbers; bias: one. ValueError with both shapes if they do not fit."""
        self._write(shaped_array(f"{self}: weights", weights, (self.nin,)), real(bias, f"{self}: bias"))

    def _write(self, weights: np.ndarray, bias: float) -> None:
        for w, data in zip(self.w, weights.tolist(), strict=True):
            w.data = data
        self.b.data = bias

    def __repr__(self) -> str:
        return f"Neuron({self.nin}, {activation_name(self.activation)!r})"


class Layer(Module):
    """nout Neurons that look at the same nin inputs.

    Arguments as for Neuron; softmax, over all units, is possible here. `neurons` holds the units,
    labelled w_j,k, b_j, z_j, a_j for unit j and input k.

    Call it with a sequence of nin numbers or Values; the result is a list of nout Values, or the
    Value itself if nout is 1.
    """

    settled: tuple[str, ...] = ("nin", "nout", "elementary", "initializer", "rng")
    neurons: list[Neuron]

    def is_settled(self) -> bool:
        """True once there are neurons."""
        return "neurons" in vars(self)

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: str | Function = "relu",
        *,
        elementary: bool = False,
        initializer: str | Initializer = DEFAULT_INITIALIZER,
        rng: Rng = None,
    ) -> None:
        self.nin = positive_integer("Layer", "nin", nin)
        self.nout = positive_integer("Layer", "nout", nout)
        rng = generator(rng)
        self.activation = find_activation(activation, rng=rng)
        check_units(str(self), self.activation, self.nout)
        each = linear if self._is_over_layer else self.activation
        self.neurons = [Neuron(nin, each, elementary=elementary, initializer="zeros") for _ in range(self.nout)]
        self.name_nodes()
        self.set_weights(find_initializer(initializer)((self.nout, self.nin), rng=rng), np.zeros(self.nout))

    def __call__(self, x: Sample) -> Operand:  # a list of Values if there are several outputs
        given = Inputs(_as_inputs(x, self.nin, self))
        outputs: Operand = [
            record(neuron._op, neuron._weights, given) if neuron._is_fused else neuron._respond(given)
            for neuron in self.neurons
        ]
        if self._is_over_layer:
            outputs = self.activation(outputs)
            for neuron, a in zip(self.neurons, outputs, strict=True):
                a._label = neuron._a
        return outputs[0] if self.nout == 1 else outputs

    def name_nodes(self, layer: object = None) -> None:
        """Label the parameters, and all nodes made from now on, as those of this layer: w[2]_1,1, ..."""
        for j, neuron in enumerate(self.neurons, 1):
            neuron.name_nodes(layer, j)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "activation":
            value = find_activation(value)
            for neuron in vars(self).get("neurons", ()):
                neuron.activation = linear if is_over_layer(value) else value
        super().__setattr__(name, value)
        if name == "activation":
            self._is_over_layer = is_over_layer(value)

    def get_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """The weights, shape (nout, nin), and the biases, shape (nout,)."""
        weights, biases = zip(*(neuron.get_weights() for neuron in self.neurons), strict=True)
        return np.array(weights), np.array(biases)

    def set_weights(self, weights: ArrayLike, biases: ArrayLike) -> None:
        """Set the numbers. weights: (nout, nin); biases: (nout,). ValueError with both shapes if they do not fit."""
        self._write(*self._checked(weights, biases, str(self), ""))

    def _checked(self, weights: ArrayLike, biases: ArrayLike, where: str, which: str) -> tuple[np.ndarray, np.ndarray]:
        return (
            shaped_array(f"{where}: weights{which}", weights, (self.nout, self.nin)),
            shaped_array(f"{where}: biases{which}", biases, (self.nout,)),
        )

    def _write(self, weights: np.ndarray, biases: np.ndarray) -> None:
        for neuron, w, b in zip(self.neurons, weights, biases.tolist(), strict=True):
            neuron._write(w, b)

    def __repr__(self) -> str:
        return f"Layer({self.nin}, {self.nout}, {activation_name(self.activation)!r})"


class MLP(Trained, Module):
    """A multi-layer perceptron: layers of neurons, each fed by the one before.

    nin: the number of inputs. nouts: the number of units of each layer, the output layer last.
    activation: that of the hidden layers, one for all or a list with one for each.
    output_activation: that of the last layer. elementary, initializer, rng: as for Neuron.

    `layers` holds the layers, which count from 1 in labels: w[l]_j,k, b[l]_j, z[l]_j, a[l]_j.
    `compile` and `fit` train it as a Sequential is trained.

    >>> net = MLP(2, [3, 1], activation="tanh", rng=0)
    >>> len(net.parameters())
    13
    """

    settled: tuple[str, ...] = ("nin", "nouts", "activation", "output_activation", "elementary", "initializer")
    layers: list[Layer]

    def is_settled(self) -> bool:
        """True once there are layers."""
        return "layers" in vars(self)

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str | Function | list[str | Function] | tuple[str | Function, ...] = "relu",
        output_activation: str | Function = "linear",
        *,
        elementary: bool = False,
        initializer: str | Initializer = DEFAULT_INITIALIZER,
        rng: Rng = None,
    ) -> None:
        if not isinstance(nouts, list | tuple | np.ndarray):
            raise TypeError(f"MLP: expected nouts to be a list such as [16, 16, 1], got {describe(nouts)} {nouts!r}")
        if not len(nouts):
            raise ValueError("MLP: expected at least one layer in nouts, got an empty list")
        hidden = len(nouts) - 1
        if isinstance(activation, list | tuple):
            each = list(activation)
        else:
            find_activation(activation)  # without a hidden layer nobody else would notice a misspelt name
            each = [activation] * hidden
        if len(each) != hidden:
            raise ValueError(
                f"MLP: expected one activation for each of {hidden} hidden layers, got {len(each)}; "
                "the last layer has output_activation"
            )
        self.rng = rng = generator(rng)
        self._trained: NeuronTraining | None = None
        self.layers = [
            Layer(m, n, g, elementary=elementary, initializer=initializer, rng=rng)
            for m, n, g in zip([nin, *nouts], nouts, [*each, output_activation], strict=False)
        ]
        for number, layer in enumerate(self.layers, 1):
            layer.name_nodes(number)

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike],
        activation: str | Function | list[str | Function] | tuple[str | Function, ...] = "relu",
        output_activation: str | Function = "linear",
        *,
        elementary: bool = False,
    ) -> MLP:
        """A net with these weights, one matrix of shape (out, in) and one vector of biases per layer.

        >>> MLP.from_weights([[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45]]], [[0.35, 0.35], [0.60]])
        MLP(2, [2, 1], 'relu', 'linear')
        """
        shapes = [shaped_array(f"MLP: weights of layer {i}", w, (None, None)).shape for i, w in enumerate(weights, 1)]
        if not shapes:
            raise ValueError("MLP: expected the weights of at least one layer, got none")
        nouts = [out for out, _ in shapes]
        net = cls(shapes[0][1], nouts, activation, output_activation, elementary=elementary, initializer="zeros")
        net.set_weights(weights, biases)
        return net

    def __call__(self, x: Sample) -> Operand:  # a list of Values if there are several outputs
        outputs: Operand = x
        for layer in self.layers:
            outputs = layer(outputs)
        return outputs

    # ------------------------------------------------------------ training

    @advised
    def compile(
        self, optimizer: str | Optimizer = "rmsprop", loss: str | Loss | None = None, metrics: object = None
    ) -> None:
        """Say how to train, with the names and objects that `Sequential.compile` takes.

        After a sigmoid or softmax output, its cross-entropy is computed from the weighted sums. ValueError for
        unknown names (suggests the nearest), TypeError for a loss that knows no single samples.
        """
        if loss is None:
            raise ValueError("compile: expected a loss, such as loss='mse' or loss='binary_crossentropy'; got None")
        if self._trained is not None:
            loop.check_not_fitting(self._trained)
        self._trained = NeuronTraining(self, optimizer, loss, metrics, self.rng)

    def _to_train(self, where: str, *, vectorize: bool) -> NeuronTraining:
        trained = self._training_of(where)
        trained.vectorizes = vectorize
        return trained

    def _training_of(self, where: str) -> NeuronTraining:
        if self._trained is None:
            raise RuntimeError(f"{where}: the net is not compiled; call compile(optimizer='sgd', loss='mse') first")
        return self._trained

    def evaluate(
        self, x: ArrayLike, y: ArrayLike, batch_size: int | None = None, sample_weight: ArrayLike | None = None
    ) -> dict[str, float]:
        """Loss and metrics over all samples, by name. RuntimeError before `compile`."""
        trained = self._training_of("evaluate")
        return loop.evaluate(trained, checked_samples("evaluate", trained, x, y, sample_weight), batch_size)

    def _copy_to_diagnose(self) -> Sequential:
        trained = self._training_of("diagnose")
        model = sequential_of(self.layers, rng=0)
        optimizer = begun(trained.optimizer)
        optimizer.iterations = trained.optimizer.iterations
        model.compile(optimizer, copy.deepcopy(trained.loss))
        return model

    def get_weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The weights of every layer, each (out, in), and the biases of every layer, each (out,)."""
        weights, biases = zip(*(layer.get_weights() for layer in self.layers), strict=True)
        return list(weights), list(biases)

    def set_weights(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]) -> None:
        """Set the numbers: for every layer a matrix (out, in) and a vector (out,).

        ValueError with both shapes if one does not fit; then nothing has been changed.
        """
        for what, given in (("weights", weights), ("biases", biases)):
            if len(given) != len(self.layers):
                raise ValueError(f"{self}: expected {what} for {len(self.layers)} layers, got {len(given)}")
        checked = [
            layer._checked(w, b, str(self), f" of layer {number}")
            for number, (layer, w, b) in enumerate(zip(self.layers, weights, biases, strict=True), 1)
        ]
        for layer, (w, b) in zip(self.layers, checked, strict=True):
            layer._write(w, b)

    def __repr__(self) -> str:
        nouts = [layer.nout for layer in self.layers]
        *hidden, output = (activation_name(layer.activation) for layer in self.layers)
        shown = hidden[0] if len(set(hidden)) == 1 else hidden
        return f"MLP({self.layers[0].nin}, {nouts}, {shown!r}, {output!r})"


def inputs(x: Sample, name: str = "x") -> list[Value]:
    """Numbers as named nodes: inputs([0.05, 0.1]) is [Value(0.05, "x_1"), Value(0.1, "x_2")].

    x: a list, tuple or 1-d array. Values among them stay as they are.
    """
    return [u if is_node(u) else Value(u, f"{name}_{k}") for k, u in enumerate(_as_tuple(x, "inputs"), 1)]


_SEQUENCES = (list, tuple, np.ndarray)


def _as_inputs(x: Sample, nin: int, module: Module) -> tuple[Operand, ...]:
    """x as a tuple of nin numbers or Values, which all neurons of a layer share."""
    if x.__class__ is not tuple:
        x = tuple(x) if x.__class__ is list else _as_tuple(x, module)
    if len(x) != nin or x[0].__class__ in _SEQUENCES:
        rows = any(u.__class__ in _SEQUENCES for u in x)
        got = f"{len(x)} rows; call it for each row" if rows else f"{len(x)}"
        raise ValueError(f"{module}: expected {nin} input{'s' * (nin > 1)}, got {got}")
    return x


def _as_tuple(x: Sample, where: object) -> tuple[Operand, ...]:
    if isinstance(x, list | tuple):
        return tuple(x)
    if isinstance(x, np.ndarray) and x.ndim:
        return tuple(x.tolist())
    # A layer of one unit gives a Value, and the next layer takes it.
    try:
        return (x if is_node(x) else real(x),)
    except TypeError:
        expected = "a list, tuple or 1-d array of numbers or Values"
        raise TypeError(f"{where}: expected {expected}, got {describe(x)}") from None


def _weighted_sum(w: tuple[Value, ...], x: tuple[Operand, ...], b: Value) -> Value:
    """w₁x₁ + ... + wₙxₙ + b, every × and + a node of its own."""
    z = w[0] * x[0]
    for wk, xk in zip(w[1:], x[1:], strict=True):
        z = z + wk * xk
    return z + b

"""Layers of sequences, (steps, features): embeddings, and recurrent layers, which hand a state on from step to step.

What a recurrent layer computes at step t is labelled Z[l]⟨t⟩ and H[l]⟨t⟩, gates by their letters, so that a
derivation shows backpropagation through time: a weight has a share from every step. The weighted sums of all inputs
are one product before the first.
Layouts, gates and defaults are Keras', whose kernels have the units last; here they come first, as in `Dense`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from autograd import Tensor
from autograd.arguments import float_type, positive_integer
from autograd.formulas.names import Name
from autograd.operands import Operand
from autograd.ops.matrices import affine, matmul
from autograd.ops.shapes import getitem, stack, transpose

from ..activations import Function, activation_name, find_activation
from ..attributes import Check, flag
from ..initializers import Initializer, find_initializer
from ..regularizers import Regularizer, find_regularizer
from .base import BatchLayer, Shape, ShapeLike, Step, initial

__all__ = ["GRU", "LSTM", "Embedding", "SimpleRNN"]


class Embedding(BatchLayer):
    """A vector of numbers, which is learned, for each of several symbols: row i of a matrix for the integer i.

    input_dim: how many symbols there are; inputs are whole numbers from 0 to input_dim - 1 (floats that are whole
    will do). output_dim: the length of a vector. embeddings_initializer: how they start; uniform in ±0.05.
    embeddings_regularizer: what is added to the loss, see `nn.regularizers`.

    weight  E, (input_dim, output_dim), labelled W[l] in layer l of a net, as in Keras

    (batch, ...) becomes (batch, ..., output_dim). A row collects the gradients of all places where it was looked up.
    ValueError for numbers that are not whole or name no symbol.
    """

    checks: ClassVar[Mapping[str, Check]] = {
        "input_dim": positive_integer,
        "output_dim": positive_integer,
        "embeddings_initializer": lambda where, what, x: find_initializer(x),
        "embeddings_regularizer": lambda where, what, x: find_regularizer(x),
    }
    regularized: ClassVar[Mapping[str, str]] = {"weight": "embeddings_regularizer"}
    settled: tuple[str, ...] = (*BatchLayer.settled, "input_dim", "output_dim", "embeddings_initializer")
    weight: Operand

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: str | Initializer = "random_uniform",
        embeddings_regularizer: str | Regularizer | None = None,
        *,
        input_shape: ShapeLike | None = None,
        name: str | None = None,
    ) -> None:
        self.input_dim, self.output_dim = input_dim, output_dim
        super().__init__(input_shape=input_shape, name=name)
        self.embeddings_initializer: Any = embeddings_initializer
        self.embeddings_regularizer: str | Regularizer | None = embeddings_regularizer
        self.weight = None
        self._a: str | None = None

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        shape = (self.input_dim, self.output_dim)
        self.weight = initial(f"{self}: embeddings", self.embeddings_initializer, shape, dtype, rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def steps(self) -> list[Step]:
        return [(self._looked_up, (), self._a)]

    def _looked_up(self, x: Operand) -> Operand:
        numbers = x.numpy() if isinstance(x, Tensor) else x
        places = numbers.astype(np.intp)
        if numbers.size and (not (places == numbers).all() or places.min() < 0 or places.max() >= self.input_dim):
            wrong = numbers[(places != numbers) | (places < 0) | (places >= self.input_dim)].ravel()[0]
            raise ValueError(f"{self}: expected whole numbers from 0 to {self.input_dim - 1}, got {wrong:g}")
        return getitem(self.weight, places)

    def name_nodes(self, layer: int) -> None:
        self.weight.label, self._a = (Name(base, str(layer)).label() for base in "WA")

    def __repr__(self) -> str:
        return f"Embedding({self.input_dim}, {self.output_dim})"


class _Recurrent(BatchLayer):
    """What the recurrent layers share: their weights, and the loop over the steps."""

    gates: ClassVar[int]  # how many rows of weights a unit has
    kernels: ClassVar[tuple[str, ...]] = ("weight", "recurrent_weight")
    checks: ClassVar[Mapping[str, Check]] = {
        "units": positive_integer,
        **dict.fromkeys(("use_bias", "return_sequences"), flag),
        **dict.fromkeys(
            ("kernel_initializer", "recurrent_initializer", "bias_initializer"),
            lambda where, what, x: find_initializer(x),
        ),
        **dict.fromkeys(
            ("kernel_regularizer", "recurrent_regularizer", "bias_regularizer"),
            lambda where, what, x: find_regularizer(x),
        ),
    }
    regularized: ClassVar[Mapping[str, str]] = {
        "weight": "kernel_regularizer",
        "recurrent_weight": "recurrent_regularizer",
        "bias": "bias_regularizer",
    }
    settled: tuple[str, ...] = (
        *BatchLayer.settled,
        "units",
        "use_bias",
        "return_sequences",
        "kernel_initializer",
        "recurrent_initializer",
        "bias_initializer",
        "dtype",
    )
    units: int
    use_bias: bool
    return_sequences: bool
    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    weight: Operand
    recurrent_weight: Operand
    bias: Operand

    def __init__(
        self,
        units: int,
        activation: str | Function | None = "tanh",
        *,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        recurrent_initializer: str | Initializer = "orthogonal",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        recurrent_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        return_sequences: bool = False,
        input_shape: ShapeLike | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.units, self.use_bias, self.return_sequences = units, use_bias, return_sequences
        self.activation = activation
        super().__init__(input_shape=input_shape, name=name)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.recurrent_initializer = recurrent_initializer
        self.kernel_regularizer, self.recurrent_regularizer = kernel_regularizer, recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self.dtype = None if dtype is None else float_type(str(self), dtype)
        self.weight = self.recurrent_weight = self.bias = None
        self._layer: int | None = None

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        self.dtype = dtype = self.dtype or dtype
        rows = self.gates * self.units
        self.weight = initial(f"{self}: kernel", self.kernel_initializer, (rows, input_shape[-1]), dtype, rng)
        self.recurrent_weight = initial(
            f"{self}: recurrent kernel", self.recurrent_initializer, (rows, self.units), dtype, rng
        )
        if self.use_bias:
            self.bias = self._first_bias(dtype, rng)

    def _first_bias(self, dtype: np.dtype, rng: np.random.Generator) -> Tensor:
        return initial(f"{self}: bias", self.bias_initializer, (self.gates * self.units,), dtype, rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            advice = f"; put a Reshape({(*input_shape, 1)}) before it, for one feature" if len(input_shape) == 1 else ""
            raise ValueError(f"{self}: expected samples (steps, features), got {input_shape}{advice}")
        return (input_shape[0], self.units) if self.return_sequences else (self.units,)

    def steps(self) -> list[Step]:
        return [(self._run, (), None)]

    @property
    def last_activation(self) -> Function | None:
        return None  # a loss from logits cannot take the place of the last step

    def _run(self, x: Operand) -> Operand:
        bias, of_state = self._biases()
        inputs = transpose(x, (1, 0, 2))  # steps first, so that one of them lies together
        sums = matmul(inputs, self.weight.T) if bias is None else affine(inputs, self.weight, bias)
        across = self.recurrent_weight.T
        state: Operand = None
        outputs = []
        for t in range(x.shape[1]):
            state = self._step(sums[t], state, across, of_state, t)
            outputs.append(state[0])
        return stack(outputs, 1) if self.return_sequences else outputs[-1]

    def _biases(self) -> tuple[Operand, Operand]:
        """What is added to the weighted sums of the inputs, and to those of the state; None for nothing."""
        return self.bias, None

    def _step(self, u: Operand, state: Operand, across: Operand, bias: Operand, t: int) -> tuple[Operand, ...]:
        """The state after step t, what the layer gives first.

        u: sums of the inputs; state: the one before, or None; across and bias: what its sums are made with.
        """
        raise NotImplementedError

    def _called(self, base: str, t: int, z: Operand) -> Operand:
        if self._layer is not None:
            z._label = Name(base, str(self._layer), time=str(t + 1)).label()
        return z

    def name_nodes(self, layer: int) -> None:
        self._layer = layer
        self.weight.label = Name("W", str(layer), index=("x",)).label()
        self.recurrent_weight.label = Name("W", str(layer), index=("h",)).label()
        if self.bias is not None:
            self.bias.label = Name("b", str(layer)).label()

    def __repr__(self) -> str:
        g = "" if activation_name(self.activation) == "tanh" else f", {activation_name(self.activation)!r}"
        return f"{type(self).__name__}({self.units}{g}{', return_sequences=True' if self.return_sequences else ''})"


class SimpleRNN(_Recurrent):
    """A recurrent layer: h⟨t⟩ = g(W_x x⟨t⟩ + W_h h⟨t-1⟩ + b), with h⟨0⟩ = 0.

    units: the length of h. activation: g. return_sequences: True for h after every step, (batch, steps, units),
    False for the last, (batch, units). The recurrent weights start orthogonal, so that lengths stay. use_bias,
    initializers, regularizers and dtype are as of `Dense`.

    weight            W_x, (units, features), labelled W[l]_x
    recurrent_weight  W_h, (units, units), labelled W[l]_h
    bias              b, (units,), or None

    Samples are (steps, features). Source: Elman, Cognitive Science 14 (1990).
    """

    gates = 1

    def _step(self, u: Operand, state: Operand, across: Operand, bias: Operand, t: int) -> tuple[Operand, ...]:
        z = self._called("Z", t, u if state is None else u + state[0] @ across)
        return (self._called("H", t, self.activation(z)),)


class _Gated(_Recurrent):
    checks: ClassVar[Mapping[str, Check]] = {"recurrent_activation": lambda where, what, x: find_activation(x)}
    recurrent_activation: Any

    def __init__(
        self,
        units: int,
        activation: str | Function | None = "tanh",
        recurrent_activation: str | Function = "sigmoid",
        **options: Operand,
    ) -> None:
        self.recurrent_activation = recurrent_activation
        super().__init__(units, activation, **options)

    def _parts(self, z: Operand) -> list[Operand]:
        """The weighted sums of each gate."""
        every = (slice(None),) * (z.ndim - 1)
        return [z[(*every, slice(i * self.units, (i + 1) * self.units))] for i in range(self.gates)]


class LSTM(_Gated):
    """A recurrent layer with a memory c, and gates that open it for what is read, kept and given.

    The gates i, f, o = σ(W x⟨t⟩ + U h⟨t-1⟩ + b), each with weights of its own;
    the memory c⟨t⟩ = f ⊙ c⟨t-1⟩ + i ⊙ g(W x⟨t⟩ + U h⟨t-1⟩ + b); the output h⟨t⟩ = o ⊙ g(c⟨t⟩).

    units, activation g, return_sequences: as of `SimpleRNN`. recurrent_activation: σ.

    weight            W, (4 units, features), for i, f, c and o below each other, as Keras has them side by side
    recurrent_weight  U, (4 units, units)
    bias              b, (4 units,); that of f starts at 1, so that the memory keeps at first

    Results are labelled I[l]⟨t⟩, F[l]⟨t⟩, O[l]⟨t⟩, C̃[l]⟨t⟩ (what is read), C[l]⟨t⟩ and H[l]⟨t⟩.
    Source: Hochreiter and Schmidhuber, Neural Computation 9 (1997); the bias of 1: Jozefowicz et al., ICML 2015.
    """

    gates = 4

    def _first_bias(self, dtype: np.dtype, rng: np.random.Generator) -> Tensor:
        bias = super()._first_bias(dtype, rng).numpy().copy()
        bias[self.units : 2 * self.units] = 1
        return Tensor(bias, dtype=dtype)

    def _step(self, u: Operand, state: Operand, across: Operand, bias: Operand, t: int) -> tuple[Operand, ...]:
        z = self._called("Z", t, u if state is None else u + state[0] @ across)
        i, f, c, o = self._parts(z)
        g, open_ = self.activation, self.recurrent_activation
        i = self._called("I", t, open_(i))
        kept = None if state is None else self._called("F", t, open_(f)) * state[1]
        o = self._called("O", t, open_(o))
        memory = i * self._called("Ctilde", t, g(c))
        memory = self._called("C", t, memory if kept is None else kept + memory)
        return self._called("H", t, o * g(memory)), memory


class GRU(_Gated):
    """A recurrent layer with two gates, z for what is kept and r for what is looked at.

    The gates z, r = σ(W x⟨t⟩ + U h⟨t-1⟩ + b), each with weights of its own;
    h⟨t⟩ = z ⊙ h⟨t-1⟩ + (1 - z) ⊙ g(W x⟨t⟩ + b + r ⊙ (U h⟨t-1⟩ + b')).

    units, activation g, return_sequences: as of `SimpleRNN`. recurrent_activation: σ.

    weight            W, (3 units, features), for z, r and h below each other, as Keras has them side by side
    recurrent_weight  U, (3 units, units)
    bias              b and b', (2, 3 units), of inputs and of the state: Keras' reset_after=True

    Results are labelled U[l]⟨t⟩ (sums of the input) and S[l]⟨t⟩ (of the state), Z[l]⟨t⟩ and R[l]⟨t⟩ (the gates),
    H̃[l]⟨t⟩ (what is new) and H[l]⟨t⟩.
    Source: Cho et al., arXiv:1406.1078.
    """

    gates = 3

    def _first_bias(self, dtype: np.dtype, rng: np.random.Generator) -> Tensor:
        return initial(f"{self}: bias", self.bias_initializer, (2, 3 * self.units), dtype, rng)

    def _biases(self) -> tuple[Operand, Operand]:
        if self.bias is None:
            return None, None
        of_input, of_state = self.bias[0], self.bias[1]
        if self._layer is not None:
            for part, index in ((of_input, "x"), (of_state, "h")):
                part._label = Name("b", str(self._layer), index=(index,)).label()
        return of_input, of_state

    def _step(self, u: Operand, state: Operand, across: Operand, bias: Operand, t: int) -> tuple[Operand, ...]:
        g, open_ = self.activation, self.recurrent_activation
        of_state: Operand = None if state is None else state[0] @ across
        if bias is not None:
            of_state = bias if of_state is None else self._called("S", t, of_state + bias)
        z, r, new = self._parts(self._called("U", t, u))
        of_z, of_r, of_new = (None,) * 3 if of_state is None else self._parts(of_state)
        z = self._called("Z", t, open_(z if of_z is None else z + of_z))
        if of_new is not None:
            new = new + self._called("R", t, open_(r + of_r)) * of_new
        new = self._called("Htilde", t, g(new))
        kept = (1 - z) * new if state is None else z * state[0] + (1 - z) * new
        return (self._called("H", t, kept),)

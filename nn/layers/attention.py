"""Attention: each step of a sequence looks at all others, weighs them, and takes the mean of what they show.

Names, options and the layout of weights are Keras'. What is computed is labelled Q[l], K[l], V[l], S[l] (scores),
P[l] (their softmax) and O[l], so that a derivation reads as textbooks do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from autograd import Tensor, no_grad
from autograd.arguments import checked_fraction, float_type, positive_integer
from autograd.formulas.names import Name
from autograd.operands import Operand, describe
from autograd.ops.matrices import affine, matmul
from autograd.ops.shapes import reshape, transpose
from autograd.ops.softmaxes import softmax

from ..attributes import Check, flag
from ..initializers import Initializer, find_initializer
from ..regularizers import Regularizer, find_regularizer
from .base import BatchLayer, Place, Shape, ShapeLike, batch_shape, initial
from .basic import Dropout

__all__ = ["MultiHeadAttention"]

PARTS = "query", "key", "value", "output"
OUT_OF_SIGHT = -1e9  # added to a score: its softmax is 0


def _dimension(where: str, what: str, n: Operand) -> int | None:
    return None if n is None else positive_integer(where, what, n)


class MultiHeadAttention(BatchLayer):
    """Each step asks (Q), all steps answer (K) and show something (V): O = softmax(Q Kᵀ / √d) V, A = O W_Oᵀ + b_O.

    Q = X W_Qᵀ + b_Q of the query, K and V of key and value; in each of several heads with weights of its own, whose O
    lie side by side::

        x = Input((12, 32))                                                     # 12 steps of 32 features
        attended = MultiHeadAttention(num_heads=2, key_dim=16)(x, x, use_causal_mask=True)

    num_heads: how many. key_dim: d, numbers in a question and in an answer of a head. value_dim: in what it shows;
    key_dim if None. dropout: share of P that is 0 in training. use_bias: whether there are b.

    Called with query (batch, T, features), value (batch, S, ...), the query if it is missing, and key, the value if it
    is missing; gives (batch, T, features of the query). use_causal_mask: True if step t is to look at steps up to t
    only. attention_mask: (T, S) or (batch, T, S), True where t may look at s; T may be 1, a row for all steps. It is
    an array, or a place in a net: an Input of its own, whose samples are (T, S), which `fit` takes beside the others.

    query_weight, key_weight, value_weight   W_Q, W_K, W_V, (heads · d, features), labelled W[l]_Q and so on
    output_weight                            W_O, (features of the query, heads · value_dim)
    query_bias, key_bias, value_bias, output_bias   b_Q, b_K, b_V, b_O, or None

    In get_weights kernels have Keras' shapes, (features, heads, d). They start as glorot_uniform sees the matrices that
    stand here, as in PyTorch; Keras counts their three axes otherwise and starts with smaller numbers.
    Source: Vaswani et al., NeurIPS 2017 (arXiv:1706.03762).
    """

    takes_several = True
    call_options: ClassVar[tuple[str, ...]] = ("use_causal_mask", "attention_mask")
    kernels: ClassVar[tuple[str, ...]] = ("query_weight", "key_weight", "value_weight", "output_weight")
    regularized: ClassVar[Mapping[str, str]] = {
        f"{part}_{kind}": f"{option}_regularizer"
        for part in PARTS
        for kind, option in (("weight", "kernel"), ("bias", "bias"))
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **dict.fromkeys(("num_heads", "key_dim"), positive_integer),
        "value_dim": _dimension,
        "dropout": checked_fraction,
        "use_bias": flag,
        **dict.fromkeys(("kernel_initializer", "bias_initializer"), lambda where, what, x: find_initializer(x)),
        **dict.fromkeys(("kernel_regularizer", "bias_regularizer"), lambda where, what, x: find_regularizer(x)),
    }
    settled: tuple[str, ...] = (
        *BatchLayer.settled,
        *("num_heads", "key_dim", "value_dim", "use_bias", "kernel_initializer", "bias_initializer", "dtype"),
    )
    query_weight: Operand
    key_weight: Operand
    value_weight: Operand
    output_weight: Operand
    query_bias: Operand
    key_bias: Operand
    value_bias: Operand
    output_bias: Operand

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        *,
        input_shape: ShapeLike | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim
        self.dropout, self.use_bias = dropout, use_bias
        super().__init__(input_shape=input_shape, name=name)
        self.kernel_initializer: Any = kernel_initializer
        self.bias_initializer: Any = bias_initializer
        self.kernel_regularizer: str | Regularizer | None = kernel_regularizer
        self.bias_regularizer: str | Regularizer | None = bias_regularizer
        self.dtype = None if dtype is None else float_type(str(self), dtype)
        for part in PARTS:
            setattr(self, f"{part}_weight", None)
            setattr(self, f"{part}_bias", None)
        self._dropped = Dropout(0.0)
        self._layer: int | None = None

    def make_parameters(self, input_shape: Any, dtype: np.dtype, rng: np.random.Generator) -> None:
        self.dtype = dtype = self.dtype or dtype
        query, value, key = _three(input_shape)
        d, shown = self.num_heads * self.key_dim, self.num_heads * (self.value_dim or self.key_dim)
        shapes = {"query": (d, query[-1]), "key": (d, key[-1]), "value": (shown, value[-1])}
        for part, shape in (shapes | {"output": (query[-1], shown)}).items():
            kernel = initial(f"{self}: {part} kernel", self.kernel_initializer, shape, dtype, rng)
            setattr(self, f"{part}_weight", kernel)
            if self.use_bias:
                setattr(
                    self, f"{part}_bias", initial(f"{self}: {part} bias", self.bias_initializer, shape[:1], dtype, rng)
                )
        self._dropped.build(query, rng=rng)

    def kept(self, shapes: tuple[Shape, ...]) -> Operand:
        query, value, key = _three(shapes)
        return query if query == value == key else (query, value, key)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        query, value, key = _three(input_shape)
        if any(len(shape) != 2 for shape in (query, value, key)):
            raise ValueError(f"{self}: expected samples (steps, features), got {batch_shape(input_shape)}")
        if value[0] != key[0]:
            raise ValueError(f"{self}: expected a key for each value, got {batch_shape((value, key))}")
        return tuple(query)

    def keras_shape(self, name: str, shape: Shape) -> Shape:
        """The shape in which Keras keeps the parameter of this name, of this shape after the units came last."""
        if name == "output_weight":
            return (self.num_heads, -1, shape[-1])
        return shape if name == "output_bias" else (*shape[:-1], self.num_heads, -1)

    def forward(self, *xs: Operand, use_causal_mask: bool = False, attention_mask: Operand = None) -> Operand:
        p, v = self._weighed(xs, use_causal_mask, attention_mask)
        o = matmul(self._dropped.forward(p) if self.dropout else p, v)
        if self.num_heads > 1:
            m, heads, steps, n = o.shape
            o = reshape(transpose(o, (0, 2, 1, 3)), (m, steps, heads * n))
        return self._called("A", self._projected("output", self._called("O", o)))

    def attention_scores(
        self,
        query: ArrayLike | Tensor,
        value: ArrayLike | Tensor | None = None,
        key: ArrayLike | Tensor | None = None,
        *,
        use_causal_mask: bool = False,
        attention_mask: Operand = None,
    ) -> np.ndarray:
        """P, how much each step looks at each: (batch, heads, T, S), whose rows sum up to 1; as after `eval()`."""
        xs = tuple(x if isinstance(x, Tensor) else Tensor(x) for x in (query, value, key) if x is not None)
        if self.built_for is None:
            raise RuntimeError(f"{self}: it has no weights yet; call it, or the model that it is in, first")
        with no_grad():
            p = self._weighed(xs, use_causal_mask, attention_mask)[0].numpy()
        return p if self.num_heads > 1 else p[:, None]

    def _weighed(self, xs: tuple[Operand, ...], causal: bool, mask: Operand) -> tuple[Operand, Operand]:
        """P and V, (batch, steps, ...), or (batch, heads, steps, ...) of several heads."""
        query, value, key = _three(xs)
        q, k, v = (self._projected(part, x) for part, x in (("query", query), ("key", key), ("value", value)))
        for base, x in (("Q", q), ("K", k), ("V", v)):
            self._called(base, x)
        if self.num_heads > 1:
            q, k, v = map(self._in_heads, (q, k, v))
        turned = transpose(k, (*range(k.ndim - 2), k.ndim - 1, k.ndim - 2))
        s = self._called("S", matmul(q * (1 / math.sqrt(self.key_dim)), turned))
        if causal or mask is not None:
            s = s + self._sight(s, flag(str(self), "use_causal_mask", causal), mask)
        if self.dropout != self._dropped.rate:
            self._dropped.rate = self.dropout
        return self._called("P", softmax(s, -1)), v

    def _sight(self, s: Operand, causal: bool, mask: Operand) -> np.ndarray:
        """What is added to the scores: 0 where a step may look, else a number far below all scores."""
        steps, far = s.shape[-2:], s.dtype.type(OUT_OF_SIGHT)
        sight = np.where(np.tri(*steps) if causal else np.ones(steps), s.dtype.type(0), far)
        if mask is not None:
            sight = np.where(self._truth(mask, steps, len(s)), sight, far)
        return sight[:, None] if sight.ndim == 3 and self.num_heads > 1 else sight

    def _truth(self, mask: Operand, steps: Shape, samples: int | None) -> np.ndarray:
        """A mask as an array of truth values. ValueError for another shape; samples: None while that is not known."""
        given: Any = mask.numpy() if isinstance(mask, Tensor) else mask
        given = given if isinstance(given, np.ndarray) else np.asarray(given)
        if given.dtype.kind not in "biuf":
            raise self._other_mask(steps, samples, describe(mask))
        if given.shape[-2:] not in _masks(steps) or given.shape[:-2] not in ((), (samples,)):
            raise self._other_mask(steps, samples, given.shape)
        return given != 0

    def _other_mask(self, steps: Shape, samples: int | None, got: Operand) -> ValueError:
        each = f"an Input({steps})" if samples is None else (samples, *steps)
        return ValueError(
            f"{self}: expected attention_mask of shape {steps}, or {each} for one of each sample, True where a step "
            f"may look at another; got {got}"
        )

    def check_options(self, input_shape: Any, options: Mapping[str, Operand]) -> None:
        causal = options.get("use_causal_mask", False)
        if isinstance(causal, Place):
            raise TypeError(f"{self}: expected use_causal_mask to be True or False, got {causal}; see attention_mask")
        mask = options.get("attention_mask")
        if mask is not None:
            query, value, _ = _three(input_shape)
            steps = query[0], value[0]
            if not isinstance(mask, Place):
                self._truth(mask, steps, None)
            elif mask.shape not in _masks(steps):
                raise self._other_mask(steps, None, mask)

    def _projected(self, part: str, x: Operand) -> Operand:
        weight, bias = getattr(self, f"{part}_weight"), getattr(self, f"{part}_bias")
        return matmul(x, weight.T) if bias is None else affine(x, weight, bias)

    def _in_heads(self, x: Operand) -> Operand:
        m, steps, n = x.shape
        return transpose(reshape(x, (m, steps, self.num_heads, n // self.num_heads)), (0, 2, 1, 3))

    def _called(self, base: str, z: Operand) -> Operand:
        if self._layer is not None:
            z._label = Name(base, str(self._layer)).label()
        return z

    def name_nodes(self, layer: int) -> None:
        self._layer = layer
        for part, index in (("query", "Q"), ("key", "K"), ("value", "V"), ("output", "O")):
            for base, x in (("W", getattr(self, f"{part}_weight")), ("b", getattr(self, f"{part}_bias"))):
                if x is not None:
                    x.label = Name(base, str(layer), index=(index,)).label()

    def __repr__(self) -> str:
        return f"MultiHeadAttention({self.num_heads}, {self.key_dim})"


def _masks(steps: Shape) -> tuple[Shape, Shape]:
    """The shapes that a mask may have: for each step, or one for all of them."""
    return steps, (1, steps[-1])


def _three(xs: Operand) -> tuple[Operand, Operand, Operand]:
    """Query, value and key: without a key the value is it, without a value the query. Of shapes, or of batches."""
    if isinstance(xs[0], int):  # the shape of the only input
        return xs, xs, xs
    query, value, key = {1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 1, 2)}.get(len(xs), (None,) * 3)
    if query is None:
        raise TypeError(f"MultiHeadAttention: expected query, value and key, got {len(xs)} inputs")
    return xs[query], xs[value], xs[key]

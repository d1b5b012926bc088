"""Optimizers: what turns gradients into new weights.

An optimizer is a rule for one vector of numbers: what its class adds to `Optimizer` is the rule, in
operations that write into arrays which exist already. All parameters of a net are one such vector,
whether they are Tensors or Values, see `autograd.fast.flat_parameters`.

Names, arguments and defaults are those of Keras; where the formulas of Keras and PyTorch differ,
the docstring says which it is.
"""

from __future__ import annotations

import copy
import functools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypedDict, TypeGuard, Unpack, cast

import numpy as np
from numpy.typing import ArrayLike

from autograd import Tensor, Value
from autograd.arguments import checked_fraction, lookup, not_negative, whole_number
from autograd.fast.flat_parameters import Block, FlatValues, aligned, blocks
from autograd.foreign import finder
from autograd.graph import is_node
from autograd.ieee import quietly
from autograd.operands import describe

from . import schedules as schedules  # Keras looks for them here
from .attributes import Attributes, Check, flag, options_of
from .foreign import NAMES
from .module import Module, Parameter
from .schedules import Schedule

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "find_optimizer"]

Array = np.ndarray
Rate = float | Schedule
# What stands first: parameters, or the rate of an optimizer that is given them later.
Parameters = Iterable[Parameter] | Rate | None


WRITE = "what it computes is to be written into w: w -= ..., or np.subtract(w, ..., out=w)"
NUMBERS = {np.ndarray, float}
# How many bytes of each vector a rule of this file is given at a time, where there are several times as many: they
# stay in the cache from the first operation to the last. SGD then takes 0.6 of the time on 670,000 numbers, Adam too.
PIECE, SEVERAL = 1 << 17, 4
LIMITS = ("clipnorm", "clipvalue", "global_clipnorm")

# Of a block: its gradient, and a mask of what parameters have of it; None for all.
Gradient = tuple[Array, Array | None]


class Clipping(TypedDict, total=False):
    """How an optimizer keeps gradients short; at most one of the three."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Limit:
    """One of the three ways to clip, as an attribute: None where it is not the one in use."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: Optimizer | None, owner: type) -> float | Limit | None:
        if optimizer is None:
            return self
        kind, limit = optimizer._clipping or ("", None)
        return limit if kind == self.name else None

    def __set__(self, optimizer: Optimizer, limit: float | None) -> None:
        kept = {} if optimizer._clipping is None else dict([optimizer._clipping])
        optimizer._clipping = _checked_clipping(optimizer.name, kept | {self.name: limit})


class Optimizer(Attributes):
    """The base of all optimizers. One of your own defines `constants`, `rule` and, if it keeps any, `state`.

    parameters: what to train, usually `model.parameters()`; or the learning rate alone, for an optimizer
    that is given its parameters later, by `bind` or by a model's `compile`. All Values or all Tensors.
    learning_rate: a finite number of at least 0, or a schedule, a function step -> rate; see `nn.schedules`.
    clipvalue: no component of the gradient is to be larger than this. clipnorm: nor the norm of the
    gradient of any one parameter. global_clipnorm: nor the norm of all gradients together. At most one
    of the three; they act on what the rule sees, `.grad` stays as it is. A parameter Value is one number.

    A training step is::

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    A parameter without a gradient stays where it is, and so does its state.

    Groups of parameters with options of their own are dicts in the place of parameters, such as
    `AdamW([{"parameters": kernels}, {"parameters": biases, "weight_decay": 0.0}], 0.001)`; what they leave out, and
    clipping, is the optimizer's.

    iterations    how many steps were taken

    Every option may be set later under its name, and holds from the next step on.
    """

    default_rate = 0.001
    checks: ClassVar[Mapping[str, Check]] = {"iterations": whole_number}
    settled: tuple[str, ...] = ("parameters",)
    # For `autograd.fast.surroundings`: what is read, and the methods of which a program makes calls.
    _reads, _moves = ("parameters",), ("step", "zero_grad")
    clipnorm, clipvalue, global_clipnorm = Limit(), Limit(), Limit()
    schedule: Schedule | None
    _blocks: Sequence[_Block] = ()
    _groups: Sequence[tuple[dict[str, object], list[Parameter]]] = ()
    _clipping: tuple[str, float] | None = None

    def __init__(
        self,
        parameters: Parameters = None,
        learning_rate: Rate | None = None,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        if _is_number(parameters) or _is_schedule(parameters):
            if learning_rate is not None:
                raise TypeError(
                    f"{self.name}: got two learning rates, {parameters!r} and {learning_rate!r}; "
                    f"what follows the first is given by name, as in {self.name}(0.1, clipnorm=1.0)"
                )
            parameters, learning_rate = None, parameters
        given: Any = parameters
        self.parameters: Sequence[Any] = ()
        self.iterations = 0
        self.learning_rate = self.default_rate if learning_rate is None else learning_rate
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        self._clipping = _checked_clipping(self.name, limits)
        if given is not None:
            self.bind(given)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name[:1] != "_" and self._blocks:
            for block in self._blocks:
                block.keep(self._state_of(block))  # momentum that came later needs a velocity

    def is_settled(self) -> bool:
        """True once it has its parameters."""
        return bool(self._blocks)

    @property
    def name(self) -> str:
        """What it is called in messages: the name of the class."""
        return type(self).__name__

    # ------------------------------------------------------------ what a class of optimizers defines

    def state(self) -> dict[str, float]:
        """The vectors that the rule keeps from step to step: their names, and the number each starts with."""
        return {}

    def constants(self, rate: float, step: int) -> tuple[float, ...]:
        """The numbers that the rule needs at this step; steps count from 1."""
        raise NotImplementedError

    def rule(self, w: Array, g: Array, free: Array, c: Sequence[Array], state: Sequence[Array]) -> None:
        """Change the numbers w and the vectors of the state in place, as the gradient g says.

        All are of one length. g is only read, free is there to be used, c are the `constants`. What happens
        at one place is to depend on what is at that place only: not all parameters may have a gradient.
        """
        raise NotImplementedError

    # ------------------------------------------------------------ what a user does

    def bind(self, parameters: Iterable[Parameter]) -> None:
        """Give the optimizer its parameters, once. RuntimeError if it has others already."""
        groups = _grouped(self.name, parameters)
        found = checked_parameters(self.name, [p for _, members in groups for p in members])
        if self.parameters:
            same = [id(p) for p in found], [id(p) for p in self.parameters]
            if same[0] == same[1] or (self.groups and sorted(same[0]) == sorted(same[1])):
                return
            raise RuntimeError(self._bound_already())
        flat = getattr(parameters, "flat", None)  # of programs of Values, in which these are one vector already
        made: list[_Block] = []
        for number, (given, members) in enumerate(groups):
            options = self._own_options(given)
            with self._under(options):
                constants, state = self.constants(0.0, 1), self.state()
                if not isinstance(constants, tuple):
                    raise TypeError(f"{self.name}.constants: expected a tuple of numbers, got {describe(constants)}")
                several = (
                    blocks(cast(list[Value | Tensor], members))
                    if not isinstance(flat, FlatValues) or len(found) != len(flat.values)
                    else [flat]
                )
                is_ours = type(self).rule.__module__ == __name__
                made += [_Block(one, state, len(constants), options, number, is_ours) for one in several]
        made[0].is_simple = len(made) == 1 and not made[0].options and is_ours
        self.parameters = tuple(found)
        self._blocks, self._groups = made, groups

    def use(self, flat: FlatValues) -> bool:
        """Move this vector from now on, if it has just the Values that are moved, in their order; False if not."""
        if len(self._blocks) == 1 and self._blocks[0].flat is flat:
            return True
        if len(self._blocks) != 1 or list(self.parameters) != list(flat.values):
            return False
        self._blocks[0].flat = flat
        return True

    @property
    def groups(self) -> list[dict[str, object]]:
        """Its parameters as they were given, a dict for each group; empty where they were not given in groups."""
        if len(self._groups) == 1 and not self._groups[0][0]:
            return []
        return [{"parameters": list(members), **given} for given, members in self._groups]

    def _own_options(self, given: Mapping[str, object]) -> dict[str, object]:
        """What a group's options are as attributes, checked as if they were set."""
        known = [name for name in options_of(type(self)) if name not in ("parameters", *LIMITS)]
        for name in given:
            if name in LIMITS:
                raise TypeError(f"{self.name}: {name} holds for all groups together; give it to {self.name} itself")
            if name not in known:
                raise TypeError(f"{self.name}: a group has no option {name!r}; known: {', '.join(known)}")
        one = copy.copy(self)
        for name, option in given.items():
            setattr(one, name, option)
        before = vars(self)
        return {name: x for name, x in vars(one).items() if name in given or x is not before.get(name, before)}

    @contextmanager
    def _under(self, options: Mapping[str, object]) -> Iterator[None]:
        """With the options of a group in the place of its own."""
        if not options:
            yield
            return
        kept = {name: vars(self)[name] for name in options}
        vars(self).update(options)
        try:
            yield
        finally:
            vars(self).update(kept)

    def _state_of(self, block: _Block) -> dict[str, float]:
        with self._under(block.options):
            return self.state()

    def _bound_already(self) -> str:
        return (
            f"{self.name}: it trains {len(self.parameters)} parameters already, and its state belongs to them; make a "
            f"new {self.name}(...) for others, and compile the model with it again if it is a model's"
        )

    @property
    def learning_rate(self) -> float:
        """The rate of the next step. A number or a schedule may be assigned; either replaces what there was."""
        if self.schedule is None:
            return self._rate
        return not_negative(self.name, "learning_rate", self.schedule(self.iterations))

    @learning_rate.setter
    def learning_rate(self, learning_rate: Rate) -> None:
        schedule = learning_rate if _is_schedule(learning_rate) else None
        rate = learning_rate if schedule is None else schedule(self.iterations)
        self._rate = not_negative(self.name, "learning_rate", rate)
        self.schedule = schedule

    def step(self) -> None:
        """Move every parameter against its gradient. RuntimeError if no backward pass gave one."""
        if not self._blocks:
            self._check_bound("step")
        data = self.parameters[0]._data
        if type(data) not in NUMBERS and (step := getattr(data, "step", None)):  # see autograd.fast.effects
            step(self, functools.partial(Optimizer._step, self), self.parameters)
        else:
            quietly(self._step)  # a training that diverges comes to inf without a warning

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before a new backward pass."""
        if not self.parameters:
            self._check_bound("zero_grad")
        for block in self._blocks:
            block.flat.clear()

    def state_dict(self) -> dict[str, object]:
        """What it takes to go on from here: numbers and arrays, copies, by name.

        A schedule is not in it: it belongs to the program, as the other hyperparameters do.
        """
        self._check_bound("state_dict")
        rate = {} if self.schedule is not None else {"learning_rate": self._rate}
        vectors = {key: vector.copy() for key, vector in self._vectors()}
        return {"iterations": self.iterations, **rate, **vectors}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Go on from where `state_dict` was taken. ValueError, and no change, if it belongs to another optimizer."""
        self._check_bound("load_state_dict")
        vectors = dict(self._vectors())
        given = set(state) - {"iterations", "learning_rate"}
        if given != set(vectors) or "iterations" not in state:
            raise ValueError(
                f"{self.name}.load_state_dict(): expected {', '.join(['iterations', *vectors])}; "
                f"got {', '.join(state) or 'nothing'}. It is the state of another optimizer, or of other parameters"
            )
        for key, vector in vectors.items():
            if np.shape(state[key]) != vector.shape:
                raise ValueError(
                    f"{self.name}.load_state_dict(): expected {key!r} of shape {vector.shape}, "
                    f"got {np.shape(state[key])}: it belongs to other parameters"
                )
        iterations = int(not_negative(self.name, "iterations", state["iterations"]))
        arrays = [np.asarray(state[key], vector.dtype) for key, vector in vectors.items()]
        if "learning_rate" in state:
            self.learning_rate = not_negative(self.name, "learning_rate", state["learning_rate"])
        self.iterations = iterations
        for vector, array in zip(vectors.values(), arrays, strict=True):
            vector[...] = array

    def _kept(self) -> tuple[int, list[Array]]:
        """What steps change besides parameters, copied: how many there were, and the vectors of the state."""
        return self.iterations, [vector.copy() for block in self._blocks for vector in block.vectors]

    def _come_back(self, kept: tuple[int, list[Array]]) -> None:
        """Be as when `_kept` gave this."""
        vars(self)["iterations"], vectors = kept  # not a change of an option
        for vector, numbers in zip((v for block in self._blocks for v in block.vectors), vectors, strict=True):
            np.copyto(vector, numbers)

    @contextmanager
    def tried(self) -> Iterator[None]:
        """Inside, steps are taken back and taken again; a schedule hears of each once, for it may keep account."""
        holders: list[dict[str, Any]] = [vars(self), *(block.options for block in self._blocks)]
        asked = [(options, schedule) for options in holders if (schedule := options.get("schedule")) is not None]
        for options, schedule in asked:
            options["schedule"] = functools.cache(schedule)
        try:
            yield
        finally:
            for options, schedule in asked:
                options["schedule"] = schedule

    def __repr__(self) -> str:
        rate = repr(self._rate if self.schedule is None else self.schedule)
        bound = f"{len(self.parameters)} parameters, " if self.parameters else ""
        return f"{self.name}({bound}learning_rate={rate})"

    # ------------------------------------------------------------ how a step is taken

    def _step(self) -> None:
        rate = self._rate if self.schedule is None else self.learning_rate
        constants = self.constants(rate, self.iterations + 1)
        block = self._blocks[0]
        if block.is_simple and self._clipping is None:
            if constants != block.numbers:
                block.set_constants(constants)
            rule = self._in_pieces if block.is_cut else self.rule
            if block.flat.move(rule, block.free, block.constants, block.vectors):
                vars(self)["iterations"] += 1  # nothing to be checked, at every step
                return
        clipped = None if self._clipping is None else self._clipped()
        is_moved = False
        for i, block in enumerate(self._blocks):
            g, there = block.flat.gradient() if clipped is None else clipped[i]
            if there is None or np.count_nonzero(there):
                is_moved = True
                if block.options:
                    with self._under(block.options):
                        own = self.learning_rate
                        self._move(block, g, there, own, self.constants(own, self.iterations + 1))
                else:
                    self._move(block, g, there, rate, constants)
        if not is_moved:
            raise RuntimeError(
                f"{self.name}.step(): no parameter has a gradient since the last zero_grad(); "
                "call loss.backward() first, with a loss computed from these parameters"
            )
        vars(self)["iterations"] += 1

    def _move(self, block: _Block, g: Array, there: Array | None, rate: float, constants: tuple[float, ...]) -> None:
        """Apply the rule to one vector of parameters: to all of it, and then back where there is no gradient."""
        is_first = not self.iterations and type(self).rule.__module__ != __name__  # one of somebody's own
        if constants != block.numbers:
            block.set_constants(constants)
        w = block.flat.begin()
        before = [x.copy() for x in (w, *block.vectors)] if is_first else []
        kept: list[tuple[Array, Array]] = []
        if there is not None:
            rest = (~there).nonzero()[0]
            kept = [(x, x[rest]) for x in (w, *block.vectors)]
        rule: Callable[..., object] = self._in_pieces if block.is_cut else self.rule
        found = rule(w, g, block.free, block.constants, block.vectors)
        for x, numbers in kept:
            x[rest] = numbers
        if found is not None:
            raise TypeError(f"{self.name}.rule: expected nothing in return, got {describe(found)}; {WRITE}")
        if is_first:
            self._check_moved(rate, g, before, (w, *block.vectors))
        block.flat.end()

    def _in_pieces(self, w: Array, g: Array, free: Array, c: Sequence[Array], state: Sequence[Array]) -> None:
        """The rule for one piece of the vectors after another, each as long as `free`."""
        for start in range(0, w.size, free.size):
            s = slice(start, start + free.size)
            part = w[s]
            self.rule(part, g[s], free[: part.size], c, [x[s] for x in state])

    def _check_moved(self, rate: float, g: Array, before: Sequence[Array], after: Sequence[Array]) -> None:
        """UserWarning for a rule that left everything as it was: `w = w - ...` gives another array the name."""
        is_felt = rate * np.abs(g).max(initial=0.0) > np.abs(after[0]).max() * np.finfo(g.dtype).eps
        if is_felt and all(map(np.array_equal, before, after)):
            warnings.warn(f"{self.name}.rule changed no number in its first step; {WRITE}", stacklevel=6)

    def _clipped(self) -> list[Gradient]:
        """The gradients in arrays of our own, no larger than asked for."""
        kind, limit = self._clipping  # type: ignore[misc]
        clipped = [(np.array(g), there) for g, there in (block.flat.gradient() for block in self._blocks)]
        for g, there in clipped:
            if there is not None:
                g[~there] = 0  # what has no gradient counts nothing
        if kind == "clipvalue":
            for g, _ in clipped:
                np.clip(g, -limit, limit, out=g)
        elif kind == "clipnorm":
            for block, (g, _) in zip(self._blocks, clipped, strict=True):
                for place in block.flat.places:
                    _shorten([g[place]], limit)
        else:
            _shorten([g for g, _ in clipped], limit)
        return clipped

    def _vectors(self) -> Iterator[tuple[str, np.ndarray]]:
        """The state of all blocks, by name."""
        for block in self._blocks:
            number = f".{block.group}" if block.group else ""
            for name, vector in zip(self._state_of(block), block.vectors, strict=True):
                yield f"{name}.{vector.dtype}{number}", vector

    def _check_bound(self, method: str) -> None:
        if not self.parameters:
            raise RuntimeError(
                f"{self.name}.{method}(): it has no parameters yet; call bind(model.parameters()), "
                "or compile a model with it"
            )


class SGD(Optimizer):
    """Gradient descent, w = w - α ∂L/∂w; stochastic if L is the loss of a sample or a small batch.

    momentum: μ, at least 0 and below 1. Above 0 there is a velocity v = μ v - α g, and w = w + v.
    nesterov: the step looks ahead, w = w + μ v - α g. The rest is as in `Optimizer`.

    As in Keras and in the source, α is inside the velocity. PyTorch has it outside, which differs
    where α changes during training.
    Source: Polyak 1964; Sutskever, Martens, Dahl and Hinton, ICML 2013.
    """

    default_rate = 0.01
    checks: ClassVar[Mapping[str, Check]] = {"momentum": checked_fraction, "nesterov": flag}

    def __init__(
        self,
        parameters: Parameters = None,
        learning_rate: Rate | None = None,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        **clipping: Unpack[Clipping],
    ) -> None:
        self.momentum, self.nesterov = momentum, nesterov
        super().__init__(parameters, learning_rate, **clipping)

    def state(self) -> dict[str, float]:
        """The velocity, if there is momentum."""
        return {"velocity": 0.0} if self.momentum else {}

    def constants(self, rate: float, step: int) -> tuple[float, ...]:
        """α and μ."""
        return rate, self.momentum

    def rule(self, w: Array, g: Array, free: Array, c: Sequence[Array], state: Sequence[Array]) -> None:
        """w = w - α g; with momentum v = μ v - α g and w = w + v, or w = w + μ v - α g."""
        rate, momentum = c
        change = np.multiply(g, rate, free)
        if not state:
            np.subtract(w, change, w)
            return
        velocity = state[0]
        np.multiply(velocity, momentum, velocity)
        np.subtract(velocity, change, velocity)
        if self.nesterov:
            np.subtract(w, change, w)
            np.add(w, np.multiply(velocity, momentum, free), w)
        else:
            np.add(w, velocity, w)


class RMSprop(Optimizer):
    """Every weight's step is divided by the size that its gradients had lately.

    The mean square v = ρ v + (1 - ρ) g², and w = w - α g / (√v + ε). With momentum μ the steps add up,
    m = μ m + α g / (√v + ε) and w = w - m. centered: the variance v - mean(g)² in the place of v.
    rho: ρ, at least 0 and below 1. epsilon: ε. The rest is as in `Optimizer`.

    ε is outside of the root, as in PyTorch; Keras has √(v + ε), which is larger for small gradients.
    α is inside m, as in Keras; PyTorch has it outside, which differs where α changes during training.
    Source: Hinton, Neural Networks for Machine Learning, lecture 6e, 2012; centered: Graves,
    arXiv:1308.0850 (2013).
    """

    checks: ClassVar[Mapping[str, Check]] = {
        **dict.fromkeys(("rho", "momentum"), checked_fraction),
        "epsilon": not_negative,
        "centered": flag,
    }

    def __init__(
        self,
        parameters: Parameters = None,
        learning_rate: Rate | None = None,
        *,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **clipping: Unpack[Clipping],
    ) -> None:
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        super().__init__(parameters, learning_rate, **clipping)

    def state(self) -> dict[str, float]:
        """The mean square; the mean, if centered; the sum of the steps, if there is momentum."""
        return {"mean_square": 0.0} | ({"mean": 0.0} if self.centered else {}) | ({"sum": 0.0} if self.momentum else {})

    def constants(self, rate: float, step: int) -> tuple[float, ...]:
        """ρ, 1 - ρ, ε, α, μ and 0."""
        return self.rho, 1 - self.rho, self.epsilon, rate, self.momentum, 0.0

    def rule(self, w: Array, g: Array, free: Array, c: Sequence[Array], state: Sequence[Array]) -> None:
        """v = ρ v + (1 - ρ) g²; w = w - α g / (√v + ε)."""
        rho, rest, epsilon, rate, momentum, zero = c
        mean_square, *others = state
        _average(mean_square, np.multiply(g, g, free), rho, rest, free)
        size = mean_square
        if self.centered:
            mean, *others = others
            _average(mean, g, rho, rest, free)
            size = np.subtract(mean_square, np.multiply(mean, mean, free), free)
            np.maximum(size, zero, out=size)  # a variance, but for rounding
        np.add(np.sqrt(size, free), epsilon, free)
        change = np.multiply(np.divide(g, free, free), rate, free)
        if others:
            np.multiply(others[0], momentum, others[0])
            change = np.add(others[0], change, others[0])
        np.subtract(w, change, w)


class Adam(Optimizer):
    """Momentum, and every weight's step divided by the size that its gradients had lately.

    The means m = β₁ m + (1 - β₁) g and v = β₂ v + (1 - β₂) g² start at 0; divided by 1 - β₁ᵗ and
    1 - β₂ᵗ at step t they are unbiased, and w = w - α m̂ / (√v̂ + ε).
    beta_1, beta_2: at least 0 and below 1. epsilon: ε. The rest is as in `Optimizer`.

    This is algorithm 1 of the source, and PyTorch's. Keras adds ε to √v before the correction, where it
    counts 1 / √(1 - β₂ᵗ) times as much: 32 times in the first step.
    Source: Kingma and Ba, ICLR 2015 (arXiv:1412.6980).
    """

    checks: ClassVar[Mapping[str, Check]] = {
        **dict.fromkeys(("beta_1", "beta_2"), checked_fraction),
        "epsilon": not_negative,
    }

    def __init__(
        self,
        parameters: Parameters = None,
        learning_rate: Rate | None = None,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **clipping: Unpack[Clipping],
    ) -> None:
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(parameters, learning_rate, **clipping)

    def state(self) -> dict[str, float]:
        """The means of the gradient and of its square."""
        return {"m": 0.0, "v": 0.0}

    def constants(self, rate: float, step: int) -> tuple[float, ...]:
        """β₁, 1 - β₁, β₂, 1 - β₂, and ε and α with the corrections drawn into them (section 2 of the source)."""
        root = math.sqrt(1 - self.beta_2**step)
        return (
            *(self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2),
            *(self.epsilon * root, rate * root / (1 - self.beta_1**step)),
        )

    def rule(self, w: Array, g: Array, free: Array, c: Sequence[Array], state: Sequence[Array]) -> None:
        """m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; w = w - α m / (√v + ε)."""
        beta_1, rest_1, beta_2, rest_2, epsilon, rate = c
        m, v = state
        _average(m, g, beta_1, rest_1, free)
        _average(v, np.multiply(g, g, free), beta_2, rest_2, free)
        np.add(np.sqrt(v, free), epsilon, free)
        np.subtract(w, np.multiply(np.divide(m, free, free), rate, free), w)


class AdamW(Adam):
    """Adam, and every weight shrinks at each step: w = (1 - α λ) w before it moves.

    weight_decay: λ, at least 0. It acts on all parameters, biases too, and on the weights themselves,
    not through the gradient as an L2 penalty would. The rest is as in `Adam`. Keras and PyTorch agree;
    PyTorch's λ is 0.01 unless given, Keras' and ours 0.004.
    Source: Loshchilov and Hutter, ICLR 2019 (arXiv:1711.05101).
    """

    checks: ClassVar[Mapping[str, Check]] = {"weight_decay": not_negative}

    def __init__(
        self,
        parameters: Parameters = None,
        learning_rate: Rate | None = None,
        *,
        weight_decay: float = 0.004,
        **options: Any,
    ) -> None:
        self.weight_decay = weight_decay
        super().__init__(parameters, learning_rate, **options)

    def constants(self, rate: float, step: int) -> tuple[float, ...]:
        """1 - α λ, and what Adam needs."""
        return 1 - rate * self.weight_decay, *super().constants(rate, step)

    def rule(self, w: Array, g: Array, free: Array, c: Sequence[Array], state: Sequence[Array]) -> None:
        """w = (1 - α λ) w, then as Adam."""
        np.multiply(w, c[0], w)
        super().rule(w, g, free, c[1:], state)


class Adagrad(Optimizer):
    """Every weight's step is divided by the size of all its gradients so far.

    The sum of squares s = s + g², and w = w - α g / (√s + ε). initial_accumulator_value: where s
    starts, at least 0. epsilon: ε. The rest is as in `Optimizer`.

    ε is outside of the root, as in PyTorch; Keras has √(s + ε). PyTorch starts s at 0 unless told
    otherwise, Keras and we at 0.1.
    Source: Duchi, Hazan and Singer, JMLR 12 (2011).
    """

    checks: ClassVar[Mapping[str, Check]] = {"epsilon": not_negative, "initial_accumulator_value": not_negative}
    settled: tuple[str, ...] = (*Optimizer.settled, "initial_accumulator_value")

    def __init__(
        self,
        parameters: Parameters = None,
        learning_rate: Rate | None = None,
        *,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **clipping: Unpack[Clipping],
    ) -> None:
        self.epsilon, self.initial_accumulator_value = epsilon, initial_accumulator_value
        super().__init__(parameters, learning_rate, **clipping)

    def state(self) -> dict[str, float]:
        """The sum of the squares."""
        return {"accumulator": self.initial_accumulator_value}

    def constants(self, rate: float, step: int) -> tuple[float, ...]:
        """ε and α."""
        return self.epsilon, rate

    def rule(self, w: Array, g: Array, free: Array, c: Sequence[Array], state: Sequence[Array]) -> None:
        """s = s + g²; w = w - α g / (√s + ε)."""
        epsilon, rate = c
        accumulator = state[0]
        np.add(accumulator, np.multiply(g, g, free), accumulator)
        np.add(np.sqrt(accumulator, free), epsilon, free)
        np.subtract(w, np.multiply(np.divide(g, free, free), rate, free), w)


optimizers: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adagrad": Adagrad,
}


def find_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """A new optimizer for a name, in capitals or not; an optimizer is returned as it is.

    ValueError for an unknown name (suggests the nearest), TypeError for what is neither.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        got = f"a class; write {optimizer.__name__}()" if isinstance(optimizer, type) else describe(optimizer)
        raise TypeError(f"optimizer: expected a name or an optimizer, got {got}")
    known = optimizer.lower()
    return lookup("optimizer", known if known in optimizers else optimizer, optimizers)()


class _Block:
    """What an optimizer keeps for one vector of parameters: its state, and room to compute in.

    is_simple: it is the only one, and moved by a rule of this file. is_cut: it is moved in pieces.
    """

    is_simple = False

    def __init__(
        self,
        flat: Block,
        state: Mapping[str, float],
        constants: int,
        options: dict[str, Any],
        group: int,
        is_ours: bool,
    ) -> None:
        w = flat.begin()
        self.flat, self.options, self.group, self._size = flat, options, group, w.size
        self.is_cut = is_ours and w.nbytes > SEVERAL * PIECE
        self.free = aligned(PIECE // w.itemsize if self.is_cut else w.size, w.dtype)
        self.vectors = [self._filled(start) for start in state.values()]
        self._starts = dict(state)
        # A ufunc takes half as long with an array without axes as with a Python number.
        self.constants = tuple(np.empty((), w.dtype) for _ in range(constants))
        self.numbers: tuple[float, ...] = ()

    def keep(self, state: Mapping[str, float]) -> None:
        """Keep these vectors from now on: what is new starts, the others go on."""
        if state != self._starts:
            known = dict(zip(self._starts, self.vectors, strict=True))
            self.vectors = [known[name] if name in known else self._filled(start) for name, start in state.items()]
            self._starts = dict(state)

    def _filled(self, number: float) -> Array:
        found = aligned(self._size, self.free.dtype)
        found[:] = number
        return found

    def set_constants(self, numbers: tuple[float, ...]) -> None:
        """Let `constants` hold these numbers."""
        for place, number in zip(self.constants, numbers, strict=True):
            place[()] = number
        self.numbers = numbers


def _grouped(where: str, parameters: object) -> list[tuple[dict[str, object], list[Parameter]]]:
    """Groups of parameters, each with its options; parameters alone are one group without."""
    if not isinstance(parameters, list | tuple) or not any(isinstance(group, dict) for group in parameters):
        return [({}, checked_parameters(where, parameters))]
    groups = []
    for group in parameters:
        names = [name for name in ("parameters", "params") if isinstance(group, dict) and name in group]
        if len(names) != 1:
            raise TypeError(f'{where}: expected each group as {{"parameters": [...], ...}}, got {describe(group)}')
        options = {name: option for name, option in group.items() if name not in names}
        groups.append((options, checked_parameters(where, group[names[0]])))
    return groups


def checked_parameters(where: str, parameters: object) -> list[Parameter]:
    """The parameters as a list: at least one, leaf nodes only, each once, all Values or all Tensors."""
    if isinstance(parameters, Module) or is_node(parameters):
        remedy = "pass model.parameters()" if isinstance(parameters, Module) else "pass [w]"
        raise TypeError(f"{where}: expected a list of parameters, got one {describe(parameters)}; {remedy}")
    if not isinstance(parameters, Iterable) or isinstance(parameters, str):
        got = describe(parameters)
        if isinstance(parameters, str):
            got += f" {parameters!r}; a learning rate is a number, as 0.1"
        raise TypeError(f"{where}: expected a list of parameters, got {got}")
    found = list(parameters)
    if not found:
        raise ValueError(
            f"{where}: expected at least one parameter, got none; constants, which detach() and no_grad() give, "
            "are not trained"
        )
    for i, p in enumerate(found):
        if not is_node(p):
            raise TypeError(f"{where}: expected parameters, got {describe(p)} at place {i}")
        if not p.is_leaf:
            raise ValueError(f"{where}: parameter {i} is a result of {p.op.shown}; train what it is computed from")
    if len({id(p) for p in found}) < len(found):
        raise ValueError(f"{where}: a parameter is given twice and would move twice as far; give each once")
    if len({p.__class__ for p in found}) > 1:
        raise TypeError(f"{where}: expected Values or Tensors, got both; use an optimizer for each kind")
    return found


def _checked_clipping(where: str, limits: Mapping[str, float | None]) -> tuple[str, float] | None:
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if len(given) > 1:
        raise ValueError(f"{where}: expected one of {', '.join(LIMITS)} at most, got {' and '.join(given)}")
    for name, limit in given.items():
        if not not_negative(where, name, limit):
            raise ValueError(f"{where}: expected {name} to be above 0, got {limit!r}; no gradient would be left")
        return name, float(limit)
    return None


def _is_number(x: object) -> TypeGuard[float]:
    return isinstance(x, int | float | np.generic) or (isinstance(x, np.ndarray) and not x.ndim)


def _is_schedule(x: object) -> TypeGuard[Schedule]:
    return callable(x) and not isinstance(x, Module | type)


def _average(mean: np.ndarray, x: np.ndarray, share: np.ndarray, rest: np.ndarray, free: np.ndarray) -> None:
    """mean = share · mean + rest · x, in place. x may be free itself."""
    np.multiply(mean, share, mean)
    np.add(mean, np.multiply(x, rest, free), mean)


def _shorten(vectors: list[np.ndarray], limit: float) -> None:
    """Scale the vectors together, in place, so that their common norm is at most `limit`."""
    length = _norm(vectors)
    if length > limit:
        for v in vectors:
            v *= limit / length


def _norm(vectors: list[np.ndarray]) -> float:
    """The length of the vectors taken as one."""
    # Not v.dot(v): from 10,000 numbers on BLAS wakes its threads, which takes longer than the sum.
    square = sum(float(np.square(v).sum()) for v in vectors)
    if math.isfinite(square):
        return math.sqrt(square)
    largest = max(float(np.abs(v).max(initial=0.0)) for v in vectors)  # the squares may overflow, the length need not
    if not math.isfinite(largest):
        return largest
    return largest * math.sqrt(sum(float(np.square(v / largest).sum()) for v in vectors))


__getattr__ = finder(__name__, __all__, NAMES)

"""Names by which other libraries know what is here, and what it is called: read only where a name is not found.

The tables map a name to a sentence of advice. What is harmless is an alias where it is defined, and not in a table.
"""

from __future__ import annotations

import difflib
import dis
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["Foreign", "advice", "answer", "finder", "own_names", "unknown_option"]

# Packages and modules that people look for in one of ours.
PLACES = {
    **dict.fromkeys(("numpy", "np"), "use NumPy itself: import numpy as np. Its functions take Tensors"),
    "random": "use NumPy: rng = np.random.default_rng(0); rng.normal(size=(2, 3))",
    "functional": "functions are in autograd: from autograd import relu, softmax, squared_error",
    "optim": "optimizers are in nn: from nn import SGD, Adam",
    "nn": "nn is a package of its own: import nn",
    "utils": "data helpers are in nn.data (one_hot, shuffle, batches), pictures in viz",
    "extend": "an operation of one's own is one decorated function: from autograd.op import elementwise",
}

NAMES = {
    **PLACES,
    "backward": "call it on the result: loss.backward()",
    **dict.fromkeys(("make_vjp", "vjp"), "write gradients(result, operands, seed)"),
    **dict.fromkeys(("make_jvp", "jvp"), "there is no forward mode; jacobian(f)(x) @ v is its result"),
    "GradientTape": "everything that is computed from leaves is recorded: loss.backward(), or gradients(loss, weights)",
    "checkpoint": "nothing is thrown away and computed again here",
    "Variable": "write Value(2.0) for a number, Tensor([1.0, 2.0]) for an array",
    "Parameter": "a Value or Tensor kept in a Module is a parameter: write Value(2.0) or Tensor([1.0, 2.0])",
    "Scalar": "it is called Value",
    "Node": "it is called Value, for arrays Tensor",
    "Function": "an operation of one's own is one decorated function: from autograd.op import elementwise",
    "primitive": "an operation of one's own is one decorated function: from autograd.op import elementwise",
    "defvjp": "the rule is an argument of the decorator: @elementwise(lambda z, x: ...), from autograd.op",
    "custom_vjp": "the rule is an argument of the decorator: @elementwise(lambda z, x: ...), from autograd.op",
    "jit": "there is no compiler; vectorize(f) computes a function of one sample for all samples",
    **dict.fromkeys(("vmap", "pmap"), "it is called vectorize: each = vectorize(f); each(xs)"),
    **dict.fromkeys(("elementwise_grad", "egrad"), "differentiate the sum: grad(lambda x: f(x).sum())(x)"),
    "multigrad_dict": "gradients(loss, parameters) gives one for each",
    "value_and_gradient": "it is called value_and_grad",
    "grad_and_value": "it is called value_and_grad(f)(x), which gives (value, gradient)",
    **dict.fromkeys(("jacrev", "jacfwd"), "it is called jacobian"),
    **dict.fromkeys(("hvp", "make_hvp"), "it is called hessian_vector_product"),
    **dict.fromkeys(("gradcheck", "check_grads"), "it is called check_gradients(f, *arguments)"),
    "stop_gradient": "write x.detach()",
    **dict.fromkeys(("set_grad_enabled", "inference_mode"), "write `with no_grad():`"),
    "enable_grad": "recording is what happens without no_grad()",
    "no_gradient": "it is called no_grad",
    **dict.fromkeys(("manual_seed", "seed"), "there is no global seed: give rng=0 to what draws random numbers"),
    **dict.fromkeys(("from_numpy", "as_tensor"), "write Tensor(array)"),
    "array": "write Tensor([1.0, 2.0])",
    **{name: f"write Tensor(np.{name}(...))" for name in ("zeros", "ones", "arange", "linspace", "full", "eye")},
    **{name: f"write Tensor(rng.{'normal' if name == 'randn' else 'uniform'}(size=...))" for name in ("randn", "rand")},
    "float32": 'write dtype="float32"',
    "float64": 'write dtype="float64"',
    "mse_loss": "write mean((a - y) ** 2), or squared_error(a, y), which is the mean over samples of half the sum",
    "nll_loss": "softmax_cross_entropy takes logits and labels",
    **dict.fromkeys(("bce_loss", "binary_crossentropy"), "it is called binary_cross_entropy"),
    **dict.fromkeys(("expit", "logistic"), "it is called sigmoid"),
    "ReLU": "it is a function: relu(x)",
    "ln": "it is called log",
    "pow": "write x ** y, or power(x, y)",
    "cat": "it is called concatenate",
    "hstack": "write concatenate([...], axis=1)",
    "vstack": "write concatenate([...], axis=0)",
    **dict.fromkeys(("mm", "bmm"), "write a @ b"),
    "clamp": "it is called clip",
    "unsqueeze": "it is called expand_dims",
    "permute": "it is called transpose",
    "draw_dot": "it is viz.draw_graph(loss)",
    "draw_graph": "pictures are in viz: from viz import draw_graph",
    "draw_paths": "pictures are in viz: from viz import draw_paths",
    "explore": "pictures are in viz: from viz import explore",
    "MLP": "nets are in nn: from nn import MLP",
    "Module": "nets are in nn: from nn import Module",
    **dict.fromkeys(("paths", "all_paths"), "derive(L, w) lists them; PathGraph(L, w).paths() gives them one by one"),
}

# Attributes of Values and Tensors.
OF_NODES = {
    **dict.fromkeys(("value", "val", "v"), "the number is x.data"),
    "gradient": "it is .grad after backward(); what arrives at a result is its seed: backward(seed=...)",
    "derivative": "it is x.grad",
    "name": "it is x.label",
    **dict.fromkeys(
        ("children", "parents", "inputs", "prev", "_children", "_parents"), "what it was computed from is x.operands"
    ),
    "_backward": "the rules belong to the operation: x.op.rules; the numbers are x.local_derivatives",
    **dict.fromkeys(("grad_fn", "creator"), "the operation is x.op, what it was computed from x.operands"),
    **dict.fromkeys(("requires_grad", "requires_grad_"), "every leaf gets a gradient; x.detach() gives a constant"),
    "retain_grad": "the latest pass leaves .grad on every named result; gradients(loss, [x]) gives any other",
    "zero_grad": "write x.grad = None (0.0 for a Value), or model.zero_grad()",
    "cpu": "all is on the processor; the numbers are x.data",
    "cuda": "there is no graphics processor here",
    "to": "there are no devices; another type is x.astype('float64')",
    "float": "write x.astype('float32')",
    "double": "write x.astype('float64')",
    "view": "it is called x.reshape(...)",
    "permute": "it is called x.transpose(...)",
    "unsqueeze": "it is called expand_dims(x, axis)",
    "add_": "write x.data += ..., outside of the graph",
    "sub_": "write x.data -= ..., outside of the graph",
    "copy_": "write x.data = array",
    "zero_": "write x.data = 0 * x.data",
    "retain_graph": "the graph stays as long as its result: call backward() as often as you like",
    "create_graph": "gradients(loss, w, create_graph=True) gives derivatives that can be differentiated again",
    **dict.fromkeys(("mm", "bmm"), "write x @ y"),
    "clone": "results are never changed: x + 0 is a copy in the graph, x.detach() one outside",
    "pow": "write x ** y",
    "square": "write x ** 2",
    "numel": "it is x.size",
    "dim": "it is x.ndim",
    "T": "a Value is one number; arrays are Tensors",
    "softmax": "write softmax([...]) of several Values",
}


def advice(name: str, table: Mapping[str, str], known: Iterable[str] = ()) -> str:
    """What to write instead of a name: what the table says, or the nearest name that is known; else nothing."""
    found = table.get(name)
    if found is not None:
        return found
    near = difflib.get_close_matches(name, [k for k in known if not k.startswith("_")], n=1, cutoff=0.75)
    return f"did you mean {near[0]!r}?" if near else ""


_CALLED = re.compile(r"it is called (\w+)|write (\w+)=")


def unknown_option(where: str, name: str, table: Mapping[str, str], known: Iterable[str]) -> TypeError:
    """The refusal of an argument by a name that there is not; what it is called elsewhere only is not advised."""
    names = list(known)
    found = advice(name, table, names)
    while (called := _CALLED.match(found)) and called[called.lastindex or 1] not in names:
        found = table.get(called[called.lastindex or 1], "")
    listed = f"known: {', '.join(names)}" if names else "it takes none"
    return TypeError(
        f"{where}: unknown option {name!r}; {found and found + (' ' if found.endswith('?') else '; ')}{listed}"
    )


class Foreign:
    """An attribute that an object has under another name: asked for, it says which. (Not by `__getattr__`, with which
    Python looks up all attributes of a class in twice the time.)"""

    __slots__ = ("advice", "name")

    def __init__(self, name: str, advice: str) -> None:
        self.name, self.advice = name, advice

    def __get__(self, x: object, cls: type) -> Any:
        raise AttributeError(f"{cls.__name__} has no attribute {self.name!r}; {self.advice}", name=self.name, obj=x)


def answer(cls: type, table: Mapping[str, str]) -> None:
    """Let a class answer for the names of a table, where it has none of its own."""
    for name, text in table.items():
        if not hasattr(cls, name):
            setattr(cls, name, Foreign(name, text))


def own_names(cls: type) -> list[str]:
    """What a class has, without what it only has an answer for."""
    foreign = {name for c in cls.__mro__ for name, x in vars(c).items() if x.__class__ is Foreign}
    return [name for name in dir(cls) if name not in foreign or hasattr(cls, name)]


def finder(module: str, names: Iterable[str], table: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module, which is asked for names that it has not. It always raises."""

    def __getattr__(name: str) -> Any:
        found = "" if name.startswith("__") else advice(name, table, names)
        message = f"{module} has no {name!r}{found and '; ' + found}"
        caller = sys._getframe(1)
        # `from module import name` hides an AttributeError behind a text of its own.
        if found and dis.opname[caller.f_code.co_code[caller.f_lasti]] == "IMPORT_FROM":
            raise ImportError(message, name=module)
        raise AttributeError(message, name=name)

    return __getattr__

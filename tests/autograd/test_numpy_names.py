"""What NumPy's functions give for Tensors is what they give for arrays, or they refuse."""

import inspect
import itertools
import warnings

import numpy as np
import pytest
from sizes import slow

import autograd as ag
from autograd import Tensor, Value, check_gradients
from autograd.numpy_names import array_functions, array_ufunc, plain_functions, ufunc

RNG = np.random.default_rng(11)
SHAPES = [
    (),
    (1,),
    (3,),
    (0,),
    (2, 3),
    (3, 2),
    (3, 3),
    (1, 3),
    (2, 3, 4),
    (2, 4, 3),
    (4, 1, 3),
    (2, 0, 3),
    (2, 3, 4, 5),
]
ARRAYS = {shape: RNG.uniform(0.5, 2.0, shape).round(3) for shape in SHAPES}


UFUNCS = [u for u in vars(np).values() if isinstance(u, np.ufunc) and array_ufunc(u) is not None]


def outcome(function, *args, **kwargs):
    """The result as something that can be compared, or None if it is refused."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            found = function(*args, **kwargs)
    except Exception:
        return None
    return [numbers(u) for u in found] if isinstance(found, list | tuple) else numbers(found)


def numbers(x):
    return x.numpy() if isinstance(x, Tensor) else x


def is_alike(found, expected):
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(is_alike, found, expected))
    if isinstance(expected, np.ndarray | np.generic | int | float):
        return np.shape(found) == np.shape(expected) and np.allclose(found, expected, 1e-12, 1e-12, equal_nan=True)
    return type(found) is type(expected) and found == expected


# ---------------------------------------------------------------- products

PAIRS = list(itertools.product(SHAPES, repeat=2))


@pytest.mark.parametrize("product", [np.dot, np.matmul, np.outer, np.add, np.multiply, np.maximum, np.power])
def test_products_and_sums_of_all_shapes_are_those_of_numpy(product):
    answered = 0
    for a, b in PAIRS:
        x, y = ARRAYS[a], ARRAYS[b]
        expected = outcome(product, x, y)
        for u, v in ((Tensor(x), Tensor(y)), (Tensor(x), y), (x, Tensor(y))):
            found = outcome(product, u, v)
            assert (found is None) == (expected is None), (product, a, b)
            if expected is not None:
                assert is_alike(found, expected), (product, a, b)
                answered += 1
    assert answered > 90


def test_the_method_dot_is_that_of_arrays():
    for a, b in PAIRS:
        expected = outcome(lambda x, y: x.dot(y), ARRAYS[a], ARRAYS[b])
        found = outcome(lambda x, y: x.dot(y), Tensor(ARRAYS[a]), ARRAYS[b])
        assert expected is None or is_alike(found, expected), (a, b)


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (4, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3, 3, 2)), ((), (2, 3)), ((2,), ())]
)
def test_the_gradient_of_dot_in_many_axes_is_right(a, b):
    x, y = RNG.normal(size=a), RNG.normal(size=b)
    weights = RNG.normal(size=np.shape(np.dot(x, y)))
    assert check_gradients(lambda u, v: (np.dot(u, v) * weights).sum(), [x, y]).largest_difference < 1e-8


# ---------------------------------------------------------------- all others, with their arguments

CALLS = {
    np.sum: ["(x)", "(x, 0)", "(x, axis=-1)", "(x, (0, 1))", "(x, keepdims=True)", "(x, 0, None, None, True)", "(a=x)"],
    np.mean: ["(x)", "(x, 0)", "(x, axis=-1, keepdims=True)", "(x, (0, 1))", "(x, 0, None, None, True)"],
    np.prod: ["(x)", "(x, 0)", "(x, axis=(0, -1), keepdims=True)"],
    np.max: ["(x)", "(x, 0)", "(x, axis=(0, -1), keepdims=True)", "(x, -1, None, True)"],
    np.amax: ["(x)", "(x, 0)"],
    np.min: ["(x)", "(x, 0)", "(x, axis=(0, -1), keepdims=True)", "(x, -1, None, True)"],
    np.amin: ["(x)", "(x, 0)"],
    np.var: [
        "(x)",
        "(x, 0)",
        "(x, ddof=1)",
        "(x, 0, None, None, 1)",
        "(x, 0, None, None, 1, True)",
        "(x, keepdims=True)",
    ],
    np.std: [
        "(x)",
        "(x, 0)",
        "(x, ddof=1)",
        "(x, 0, None, None, 1)",
        "(x, 0, None, None, 1, True)",
        "(x, keepdims=True)",
    ],
    np.linalg.norm: [
        *[
            "(x)",
            "(x, None, 0)",
            "(x, axis=-1, keepdims=True)",
            "(x, 1)",
            "(x, np.inf, 0)",
            "(x, ord=-np.inf, axis=-1)",
        ],
        *["(x, 3, 0)", "(x, 2, -1)", "(x, 1, (0, 1))", "(x, -1, (0, 1), True)", "(x, np.inf, (1, 0))", "(x, 'fro')"],
    ],
    np.average: [
        "(x)",
        "(x, 0)",
        "(x, -1, w)",
        "(x, weights=y)",
        "(x, 0, y)",
        "(x, axis=-1, weights=w, keepdims=True)",
    ],
    np.cumsum: ["(x)", "(x, 0)", "(x, axis=-1)"],
    np.cumprod: ["(x)", "(x, 0)", "(x, axis=-1)"],
    np.nan_to_num: ["(x)", "(x / (x - x), nan=2.0)", "(x / (x - x))", "(-y / (x - x), True, 0.0, 5.0, 6.0)"],
    np.einsum: [
        *["('ij->ji', x)", "('i...->...', x)", "('ij,kj->ik', x, y)", "('ij,ij', x, y)", "('...,...->...', x, w)"],
        *[
            "('ii->i', x)",
            "('ii', x)",
            "('bi,bj->bij', x, y)",
            "('j,...j', w, x, optimize=True)",
            "('ij,jk,kl', x, x, x)",
        ],
        *["('iij->j', x)", "('aij,aij->', x, y)"],
    ],
    np.tensordot: ["(x, y)", "(x, y, 1)", "(x, y, 0)", "(x, y, ([0], [0]))", "(x, w, axes=(-1, 0))"],
    np.flip: ["(x)", "(x, 0)", "(x, axis=(0, -1))"],
    np.roll: ["(x, 1)", "(x, -2, 0)", "(x, (1, 2), axis=(0, 1))"],
    np.moveaxis: ["(x, 0, -1)", "(x, (0, 1), (-1, 0))", "(x, source=-1, destination=0)"],
    np.sort: ["(x)", "(x, 0)", "(x, axis=None)", "(np.sin(9 * x), -1)"],
    np.repeat: ["(x, 2)", "(x, 3, 0)", "(x, [1, 0, 2], axis=-1)"],
    np.tile: ["(x, 2)", "(x, (2, 1))", "(x, (2, 1, 3))"],
    np.column_stack: ["([x, y])", "((x, y, x))"],
    np.diag: ["(x)", "(x, 1)", "(x, k=-2)"],
    np.diagonal: ["(x)", "(x, 1)", "(x, -1, 1, 0)", "(x, axis1=-1, axis2=0)"],
    np.trace: ["(x)", "(x, 1)", "(x, 0, 1, 0)", "(x, offset=-1)"],
    np.argmax: ["(x)", "(x, 0)", "(x, axis=-1)"],
    np.argmin: ["(x)", "(x, 0)", "(x, axis=-1)"],
    np.reshape: ["(x, -1)", "(x, (-1, 1))", "(x, (3, -1))", "(x, shape=(1, -1))"],
    np.ravel: ["(x)"],
    np.transpose: ["(x)", "(x, (1, 0))", "(x, axes=(2, 0, 1))", "(x, (-1, 0))"],
    np.swapaxes: ["(x, 0, 1)", "(x, 0, -1)", "(x, axis1=1, axis2=0)"],
    np.squeeze: ["(x)", "(x, 0)", "(x, axis=1)"],
    np.expand_dims: ["(x, 0)", "(x, axis=-1)", "(x, (0, 2))"],
    np.broadcast_to: ["(x, (2, 3))", "(x, (3, 3))", "(x, shape=(4, 2, 3))"],
    np.concatenate: ["([x, x])", "((x, x), 1)", "([x, y, x], axis=None)", "([x, x], axis=-1)", "([y, x])"],
    np.stack: ["([x, x])", "((x, x), 1)", "([x, y], axis=-1)"],
    np.hstack: ["([x, x])", "((x, y))", "([y, x, x])"],
    np.vstack: ["([x, x])", "((x, y))", "([y, x, x])"],
    np.split: ["(x, 3)", "(x, 2)", "(x, [1])", "(x, [1, 2], 1)", "(x, 3, axis=-1)"],
    np.take: ["(x, 1)", "(x, [0, 0, 1])", "(x, [[0, 1]], 0)", "(x, [-1, 0], axis=-1)"],
    np.pad: ["(x, 1)", "(x, (1, 2))", "(x, ((1, 0), (0, 2)))", "(x, 1, constant_values=2.0)", "(x, 1, 'constant')"],
    np.where: ["(m, x, y)", "(m, x, 0.0)", "(m, 1.0, x)", "(True, x, w)", "(False, x, w)", "(np.bool_(True), x, 2.0)"],
    np.clip: ["(x, 0.8, 1.5)", "(x, None, 1.5)", "(x, a_min=1.0, a_max=None)", "(x, min=1.0)", "(x, 0.4 * w, 1.5)"],
    np.dot: ["(x, y)", "(y, x)", "(x, 2.0)", "(a=x, b=y)"],
    np.outer: ["(x, y)", "(x, w)"],
    np.shape: ["(x)"],
    np.ndim: ["(x)"],
    np.size: ["(x)", "(x, 0)", "(x, axis=-1)"],
}

# Meant: a mean of nothing is an error here; and what may be taken of a single number is NumPy's own riddle.
STRICTER = (np.mean, np.average, np.var, np.std, np.take, np.cumsum, np.cumprod, np.repeat, np.linalg.norm)


def test_every_function_that_is_answered_is_in_the_table():
    assert set(CALLS) == set(array_functions)


@pytest.mark.parametrize("function", CALLS, ids=lambda f: f.__name__)
def test_a_function_gives_what_numpy_gives(function):
    answered = 0
    for shape, x in ARRAYS.items():
        w = RNG.uniform(0.5, 2.0, (3,))
        plain = {"x": x, "y": x + 0.25, "m": x > 1.2, "w": w, "np": np, "f": function}
        nodes = plain | {"x": Tensor(x), "y": Tensor(x + 0.25)}
        for call in CALLS[function]:
            expected = outcome(eval, "f" + call, plain)
            found = outcome(eval, "f" + call, nodes)
            if expected is None or found is None:
                assert found is None, (function, call, shape)
                assert expected is None or (function in STRICTER and x.size < 2), (function, call, shape)
                continue
            assert is_alike(found, expected), (function, call, shape)
            answered += 1
    assert answered > 5


@pytest.mark.parametrize(
    "call",
    [
        lambda t, out: np.sum(t, 0, np.float32),
        lambda t, out: np.sum(t, None, None, out),
        lambda t, out: np.sum(t, 0, None, None, False, 5.0),
        lambda t, out: np.sum(t, where=[True, False, True]),
        lambda t, out: np.max(t, None, out),
        lambda t, out: np.max(t, initial=9.0),
        lambda t, out: np.mean(t, 0, np.float32),
        lambda t, out: np.var(t, 0, np.float32, None),
        lambda t, out: np.var(t, mean=1.0),
        lambda t, out: np.std(t, correction=1),
        lambda t, out: np.dot(t, t, out),
        lambda t, out: np.outer(t, t, out),
        lambda t, out: np.clip(t, 0.0, 1.0, out),
        lambda t, out: np.stack([t, t], 0, out),
        lambda t, out: np.concatenate([t, t], 0, out),
        lambda t, out: np.take(t, [0, 5], mode="clip"),
        lambda t, out: np.take(t, [0, 1], None, out),
        lambda t, out: np.reshape(t, (1, 3), "F"),
        lambda t, out: np.ravel(t, "F"),
        lambda t, out: np.argmax(t, None, out),
        lambda t, out: np.average(t, returned=True),
        lambda t, out: np.cumsum(t, None, np.float32),
        lambda t, out: np.sort(t, kind="heapsort"),
        lambda t, out: np.trace(np.outer(t, t), out=out),
        lambda t, out: np.einsum("i,i->i", t, t, out=out),
        lambda t, out: np.broadcast_to(t, (2, 3), True),
        lambda t, out: np.add(t, t, out),
        lambda t, out: np.exp(t, out=out),
        lambda t, out: np.exp(t, where=[True, False, True]),
        lambda t, out: np.add(t, t, dtype=np.float32),
        lambda t, out: np.multiply.outer(t, t),
        lambda t, out: np.equal(t, t),
    ],
)
def test_an_argument_that_means_something_else_here_is_refused(call):
    out = np.zeros(3)
    with pytest.raises(TypeError):
        call(Tensor([1.0, 2.0, 3.0]), out)
    assert not out.any()


# ---------------------------------------------------------------- everything else that NumPy has

TEMPLATES = [
    "(x)",
    "(x, x)",
    "(x, 1)",
    "(x, 0)",
    "([x, x])",
    "(x, [0, 1])",
    "(x, x, x)",
    "(x > 1, x, x)",
    "(x, 0, 1)",
    "(x, (2, 3))",
    "(x, None, 0)",
    "([x, 1.0])",
]
SPECIAL = {"empty_like", "show_config", "info", "test", "get_include", "show_runtime", "fromiter"}


def callables():
    for module in (np, np.linalg, np.fft):
        for name in dir(module):
            f = getattr(module, name)
            if callable(f) and not inspect.isclass(f) and not name.startswith("_") and name not in SPECIAL:
                yield f"{module.__name__}.{name}", f


@pytest.mark.parametrize("shape", [(2, 3), *slow((3,), (3, 3))])
@pytest.mark.parametrize("is_result", [False, *slow(True)])
def test_whatever_numpy_answers_with_numbers_is_a_node_and_right(shape, is_result, tmp_path, monkeypatch):
    """Called with a Tensor, a function of NumPy gives a Tensor with NumPy's numbers, or it refuses.

    What needs no gradient gives plain numbers: shapes, places, counts, truths, text, and like-shaped zeros. And
    a leaf is an array for whoever asks, which what is given a list of leaves does.
    """
    monkeypatch.chdir(tmp_path)
    x = ARRAYS[shape]
    conversions = {"asarray", "array", "asanyarray", "ascontiguousarray", "asfortranarray", "from_dlpack"}
    nodes, wrong = 0, []
    for name, f in callables():
        for template in TEMPLATES:
            t = Tensor(x) * 1.0 if is_result else Tensor(x)
            before = t.tolist()
            found = outcome_of(f, template, t)
            if found is None:
                continue
            expected = outcome(eval, "f" + template, {"f": f, "x": x.copy()})
            parts = found if isinstance(found, list | tuple) else [found]
            if any(isinstance(u, Tensor) for u in parts):
                nodes += 1
                if expected is not None and not is_alike(outcome(lambda: found), expected):
                    wrong.append((name, template, "other numbers"))
            elif any(f is known for known in (*plain_functions, *UFUNCS, *array_functions)):
                if expected is not None and not is_alike(outcome(lambda: found), expected):
                    wrong.append((name, template, "other numbers"))
            elif (is_result or not ("[x" in template or f.__name__ in conversions)) and any(map(is_real, parts)):
                wrong.append((name, template, "a plain array"))
            assert t.tolist() == before, (name, template)
    assert wrong == []
    assert nodes > 80


def is_real(x):
    return isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f"


def outcome_of(f, template, t):
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return eval("f" + template, {"f": f, "x": t})
    except Exception:
        return None


def test_ufuncs_are_known_by_what_they_are_and_not_by_their_names():
    """A ufunc of somebody's that is called like one of NumPy's does something else."""
    exp = np.frompyfunc(lambda u: -u, 1, 1)
    for node in (Tensor([1.0, 2.0]), Value(1.0)):
        with pytest.raises(TypeError, match="is not defined for"):
            exp(node)
    expit = pytest.importorskip("scipy.special").expit
    with pytest.raises(TypeError, match="expit is not defined for Tensors"):
        expit(Tensor([1.0]))


@pytest.mark.parametrize("asked", [u for u in UFUNCS if ufunc(u) is not None], ids=lambda f: f.__name__)
def test_a_ufunc_gives_what_numpy_gives_for_values_and_tensors(asked):
    for x, y in itertools.product([0.5, 1.0, 2.25], [0.5, 2.0, 3.0]):
        operands = (x, y)[: asked.nin]
        with np.errstate(invalid="ignore"):
            expected = pytest.approx(asked(*operands), rel=1e-15, nan_ok=True)
        assert asked(*map(Value, operands)).item() == expected
        assert asked(*map(Tensor, operands)).item() == expected
    assert isinstance(asked(*([Value(1.0)] * asked.nin)), ag.Value)

"""Textbook derivations as a lecturer writes them: golden texts, one file each, with text and LaTeX.

Run this file as a program to write the golden texts anew; then read what changed.
"""

import math
from pathlib import Path

import pytest

from autograd import (
    Value,
    abs,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cos,
    derive,
    dot,
    exp,
    log,
    maximum,
    mean,
    relu,
    sigmoid,
    sin,
    softmax,
    softmax_cross_entropy,
    softplus,
    sqrt,
    squared_error,
    sum,
    tanh,
)

GOLDEN = Path(__file__).parents[2] / "golden"


def values(**numbers):
    """Values with these names; w_1 for w1."""
    return [Value(number, name) for name, number in numbers.items()]


def named(label, value):
    value.label = label
    return value


def logistic_regression():
    w, x, b, y = values(w_1=0.4, x_1=1.5, b=0.1, y=1.0)
    z = named("z", w * x + b)
    yhat = named("yhat", sigmoid(z))
    return derive(named("L", binary_cross_entropy(yhat, y)), w)


def logistic_regression_by_hand():
    w, x, b, y = values(w_1=0.4, x_1=1.5, b=0.1, y=1.0)
    yhat = named("yhat", sigmoid(named("z", w * x + b)))
    return derive(named("L", -(y * log(yhat) + (1 - y) * log(1 - yhat))), w)


def logistic_regression_from_logits():
    w, x, b, y = values(w_1=0.4, x_1=1.5, b=0.1, y=1.0)
    return derive(named("L", binary_cross_entropy_with_logits(named("z", w * x + b), y)), w)


def linear_regression():
    w, x, b, y = values(w=0.4, x=1.5, b=0.1, y=1.0)
    return derive(named("L", squared_error(named("yhat", w * x + b), y)), w)


def product_rule():
    (x,) = values(x=0.7)
    return derive(named("f", x**2 * sin(x)), x)


def quotient_rule():
    (x,) = values(x=0.7)
    return derive(named("f", x**2 / (x - 3)), x)


def quotient_of_functions():
    (x,) = values(x=0.7)
    return derive(named("f", sin(x) / x), x)


def chain_rule():
    (x,) = values(x=0.7)
    u = named("u", x**2 + 1)
    return derive(named("f", named("v", sin(u)) ** 3), x)


def x_to_the_x():
    (x,) = values(x=0.7)
    return derive(named("f", x**x), x)


def x_times_its_absolute_value():
    (x,) = values(x=-0.7)
    return derive(named("f", x * abs(x)), x)


def logarithm_to_base_ten():
    (x,) = values(x=0.7)
    return derive(named("f", log(x) / math.log(10)), x)


def sigmoid_spelled_out():
    (x,) = values(x=0.7)
    return derive(named("f", 1 / (1 + exp(-x))), x)


def tanh_spelled_out():
    (x,) = values(x=0.7)
    return derive(named("f", (exp(x) - exp(-x)) / (exp(x) + exp(-x))), x)


def logit():
    (p,) = values(p=0.3)
    return derive(named("f", log(p / (1 - p))), p)


def entropy_of_a_coin():
    (p,) = values(p=0.3)
    return derive(named("H", -p * log(p) - (1 - p) * log(1 - p)), p)


def kullback_leibler():
    p, q = values(p=0.3, q=0.45)
    return derive(named("D", p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))), q)


def softmax_by_hand():
    z = values(z_1=0.3, z_2=-0.8)
    e = [named(f"e_{i}", exp(u)) for i, u in enumerate(z, 1)]
    s = named("s", e[0] + e[1])
    a = [named(f"a_{i}", u / s) for i, u in enumerate(e, 1)]
    return derive(named("L", -log(a[0])), z[0])


def softmax_and_cross_entropy():
    z = values(z_1=0.3, z_2=-0.8, z_3=1.1)
    return derive(named("L", softmax_cross_entropy(z, 1)), z[1])


def attention_score():
    q, k1, k2, v1, v2 = values(q=0.5, k_1=1.2, k_2=-0.4, v_1=0.7, v_2=0.2)
    s = [named(f"s_{i}", q * k) for i, k in enumerate((k1, k2), 1)]
    a = [named(f"a_{i}", u) for i, u in enumerate(softmax(s), 1)]
    return derive(named("c", dot(a, [v1, v2])), q)


def lstm_cell():
    c, x, h, w, u, b = values(c=0.3, x=0.9, h=-0.2, w=0.6, u=0.5, b=0.1)
    gate = named("i", sigmoid(named("z", w * x + u * h + b)))
    cell = named("ctilde", tanh(named("y", x + h)))
    state = named("s", c * gate + (1 - gate) * cell)
    return derive(named("o", tanh(state)), w)


def recurrent_cell():
    w, u, x, h = values(w=0.6, u=0.5, x=0.9, h_0=0.1)
    h1 = named("h_1", tanh(w * x + u * h))
    return derive(named("h_2", tanh(w * x + u * h1)), u)


def gelu():
    (x,) = values(x=0.7)
    u = named("u", math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return derive(named("f", 0.5 * x * (1 + tanh(u))), x)


def swish():
    (x,) = values(x=0.7)
    return derive(named("f", x * sigmoid(x)), x)


def softplus_of_a_sum():
    w, x = values(w=0.7, x=1.2)
    return derive(named("f", softplus(w * x)), w)


def relu_unit():
    w, x, b = values(w=0.7, x=1.2, b=0.1)
    return derive(named("a", relu(named("z", w * x + b))), w)


def normal_density():
    x, mu, sigma = values(x=0.7, mu=0.2, sigma=1.3)
    t = named("t", (x - mu) / sigma)
    return derive(named("p", exp(-(t**2) / 2) / (sigma * math.sqrt(2 * math.pi))), mu)


def log_likelihood_of_a_normal():
    x, mu, sigma = values(x=0.7, mu=0.2, sigma=1.3)
    return derive(named("l", -((x - mu) ** 2) / (2 * sigma**2) - log(sigma)), sigma)


def black_scholes_d():
    s, k, r, v, t = values(S=1.1, K=1.0, r=0.03, sigma=0.2, T=0.5)
    return derive(named("d_1", (log(s / k) + (r + v**2 / 2) * t) / (v * sqrt(t))), s)


def batch_norm_of_three():
    xs = values(x_1=0.3, x_2=-0.8, x_3=1.1)
    mu = named("mu", mean(xs))
    v = named("v", mean([(x - mu) ** 2 for x in xs]))
    return derive(named("y_1", (xs[0] - mu) / sqrt(v)), v)


def huber_inside():
    y, t = values(yhat=0.7, y=0.4)
    r = named("r", y - t)
    return derive(named("L", 0.5 * r**2), y)


def huber_outside():
    y, t = values(yhat=2.7, y=0.4)
    r = named("r", y - t)
    return derive(named("L", abs(r) - 0.5), y)


def hinge():
    w, x, y = values(w=0.7, x=0.4, y=-1.0)
    return derive(named("L", maximum(0.0, 1 - y * w * x)), w)


def ridge():
    w, x, y, lam = values(w=0.7, x=0.4, y=1.0, lam=0.1)
    return derive(named("L", (w * x - y) ** 2 + lam * w**2), w)


def pendulum():
    theta, m, g, length = values(theta=0.3, m=1.2, g=9.81, l=0.5)
    return derive(named("V", m * g * length * (1 - cos(theta))), theta)


def euclidean_distance():
    x, y = values(x=0.6, y=0.8)
    return derive(named("r", sqrt(x**2 + y**2)), x)


def micrograd():
    a, b, c = values(a=2.0, b=-3.0, c=10.0)
    e = named("e", a * b)
    d = named("d", e + c)
    f = Value(-2.0, "f")
    return derive(named("L", d * f), a)


def two_layers():
    w1, w2, x, b1, b2, y = values(**{"w1": 0.15, "w2": 0.4, "x": 0.05, "b1": 0.35, "b2": 0.6, "y": 0.01})
    a = named("a", sigmoid(named("z1", w1 * x + b1)))
    yhat = named("ytilde", sigmoid(named("z2", w2 * a + b2)))
    return derive(named("L", squared_error(yhat, y)), w1)


def sum_of_squares():
    xs = values(x_1=0.3, x_2=-0.8, x_3=1.1)
    return derive(named("s", sum([x**2 for x in xs])), xs[1])


HELPERS = "values", "named"
DERIVATIONS = {
    name: f
    for name, f in list(globals().items())
    if getattr(f, "__module__", "") == __name__ and callable(f) and name not in HELPERS
}


def written(name):
    """Text and LaTeX of a derivation."""
    derivation = DERIVATIONS[name]()
    return f"{derivation}\n\n{derivation.latex()}\n"


@pytest.mark.parametrize("name", DERIVATIONS)
def test_a_textbook_derivation_reads_as_a_lecturer_writes_it(name):
    assert written(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_text_is_that_of_a_derivation():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(DERIVATIONS)
    assert len(DERIVATIONS) >= 30


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in DERIVATIONS:
        (GOLDEN / f"{each}.txt").write_text(written(each), encoding="utf-8")

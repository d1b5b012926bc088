"""Derivations: the chain rule written out as text and LaTeX, and what derive refuses."""

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import sympy
from formula_readers import read_mathml
from latex import check_latex
from oracles import run
from sizes import slow

from autograd import (
    Tensor,
    Value,
    binary_cross_entropy,
    derive,
    dot,
    exp,
    leaky_relu,
    linear,
    log,
    maximum,
    mean,
    sigmoid,
    sin,
    softmax,
    softmax_cross_entropy,
    squared_error,
    sum,
    tanh,
)
from nn import MLP, inputs


def lecture_example():
    """The net of lecture 20: two inputs, two hidden units, two outputs."""
    net = MLP.from_weights(
        [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
        [[0.35, 0.35], [0.60, 0.60]],
        activation="sigmoid",
        output_activation="sigmoid",
    )
    prediction = net(inputs([0.05, 0.10]))
    for j, a in enumerate(prediction, 1):
        a.label = f"yhat_{j}"
    loss = squared_error(prediction, inputs([0.01, 0.99], "y"))
    loss.label = "L"
    return net, loss


def perceptron():
    w, x, b, y = (Value(u, name) for u, name in ((0.4, "w"), (1.5, "x"), (0.1, "b"), (1.0, "y")))
    yhat = sigmoid(w * x + b)
    yhat.label = "yhat"
    loss = -(y * log(yhat) + (1 - y) * log(1 - yhat))
    loss.label = "L"
    return w, loss


MATHML = "{http://www.w3.org/1998/Math/MathML}"


def many_paths(n=5):
    """n ways from w to the sum, the i-th with the weight i."""
    w = Value(2.0, "w")
    parts = [i * w for i in range(1, n + 1)]
    for i, part in enumerate(parts, 1):
        part.label = f"p_{i}"
    return w, sum(parts)


# ---------------------------------------------------------------- text


def test_the_lecture_example_reads_like_the_lecture():
    net, loss = lecture_example()
    loss.backward()
    assert (
        str(derive(loss, net.layers[0].neurons[0].w[0]))
        == """\
∂L/∂w[1]₁₁ = 0.0004386   (2 paths)

1.  L → ŷ₁ → z[2]₁ → a[1]₁ → z[1]₁ → w[1]₁₁   (74.4%)
    ∂L/∂ŷ₁    · ∂ŷ₁/∂z[2]₁ · ∂z[2]₁/∂a[1]₁ · ∂a[1]₁/∂z[1]₁    · ∂z[1]₁/∂w[1]₁₁
  = (ŷ₁ − y₁) · ŷ₁(1 − ŷ₁) · w[2]₁₁        · a[1]₁(1 − a[1]₁) · x₁
  = 0.7414    · 0.1868     · 0.4           · 0.2413           · 0.05
  = 0.0006684

2.  L → ŷ₂ → z[2]₂ → a[1]₁ → z[1]₁ → w[1]₁₁   (25.6%)
    ∂L/∂ŷ₂    · ∂ŷ₂/∂z[2]₂ · ∂z[2]₂/∂a[1]₁ · ∂a[1]₁/∂z[1]₁    · ∂z[1]₁/∂w[1]₁₁
  = (ŷ₂ − y₂) · ŷ₂(1 − ŷ₂) · w[2]₂₁        · a[1]₁(1 − a[1]₁) · x₁
  = (−0.2171) · 0.1755     · 0.5           · 0.2413           · 0.05
  = −0.0002298

∂L/∂w[1]₁₁ = ((ŷ₁ − y₁)·ŷ₁(1 − ŷ₁)·w[2]₁₁ + (ŷ₂ − y₂)·ŷ₂(1 − ŷ₂)·w[2]₂₁)·a[1]₁(1 − a[1]₁)·x₁ = 0.0004386

sum of 2 paths   0.0004386
w[1]₁₁.grad      0.0004386   (equal)"""
    )


def test_the_perceptron_reads_like_the_notes():
    w, loss = perceptron()
    assert (
        str(derive(loss, w))
        == """\
∂L/∂w = −0.4977   (1 path)

1.  L → ŷ → w
    ∂L/∂ŷ                    · ∂ŷ/∂w
  = (−y/ŷ + (1 − y)/(1 − ŷ)) · ŷ(1 − ŷ)·x
  = (−1.497)                 · 0.3326
  = −0.4977

∂L/∂w = (ŷ − y)·x = −0.4977

w.grad   0   (no backward pass yet)"""
    )


def test_every_operation_is_shown_at_level_op():
    w = Value(3.0, "w")
    y = w * w + 1
    y.label = "y"
    assert (
        str(derive(y, w, level="op"))
        == """\
∂y/∂w = 6   (2 paths)

1.  y → v₁ → w   (50.0%)
    ∂y/∂v₁ · ∂v₁/∂w
  = 1      · w
  = 1      · 3
  = 3

2.  y → v₁ → w   (50.0%)
    ∂y/∂v₁ · ∂v₁/∂w
  = 1      · w
  = 1      · 3
  = 3

∂y/∂w = 2w = 6

sum of 2 paths   6
w.grad           0   (no backward pass yet)"""
    )


def test_ascii_text_has_the_same_columns():
    w, loss = perceptron()
    text = derive(loss, w).text(ascii=True)
    assert text.isascii()
    assert (
        text
        == """\
dL/dw = -0.4977   (1 path)

1.  L -> yhat -> w
    dL/dyhat                       * dyhat/dw
  = (-y/yhat + (1 - y)/(1 - yhat)) * yhat*(1 - yhat)*x
  = (-1.497)                       * 0.3326
  = -0.4977

dL/dw = (yhat - y)*x = -0.4977

w.grad   0   (no backward pass yet)"""
    )


def test_a_single_factor_and_plain_numbers_are_not_written_twice():
    w = Value(2.0, "w")
    y = -3 * w
    y.label = "y"
    assert (
        str(derive(y, w))
        == """\
∂y/∂w = −3   (1 path)

1.  y → w
    ∂y/∂w
  = −3

w.grad   0   (no backward pass yet)"""
    )


def test_the_derivative_by_the_target_itself_is_1():
    y = Value(2.0, "y")
    derivation = derive(y, y)
    assert str(derivation) == "∂y/∂y = 1   (1 path)\n\n1.  y\n  = 1\n\ny.grad   0   (no backward pass yet)"
    assert derivation.latex() == "\\begin{aligned}\n\\frac{\\partial y}{\\partial y} &= 1\n\\end{aligned}"
    assert derivation.value == derivation.sum == 1.0
    assert str(derive(Value(1.0) * 1.0, y, level="op")).startswith("∂L/∂y = 0")


def test_a_source_that_has_no_influence_is_told_so():
    w, v = Value(2.0, "w"), Value(3.0, "v")
    derivation = derive(w * 2, v)
    assert str(derivation) == "∂L/∂v = 0: L does not depend on v"
    assert derivation.text(ascii=True) == "dL/dv = 0: L does not depend on v"
    assert derivation.latex() == "\\begin{aligned}\n" r"\frac{\partial L}{\partial v} &= 0" "\n\\end{aligned}"
    assert (derivation.value, derivation.sum, derivation.count, len(derivation)) == (0.0, 0.0, 0, 0)
    assert derive(w, w * 2, level="op").count == 0


def test_with_top_the_rest_is_summed_up():
    w, y = many_paths()
    derivation = derive(y, w, top=2)
    assert [p.value for p in derivation] == [5.0, 4.0]
    assert (derivation.count, derivation.sum, derivation.remainder) == (5, 9.0, 6.0)
    assert str(derivation).endswith(
        """\
  = 4

sum of the 2 strongest   9
the other 3 paths        6
w.grad                   0   (no backward pass yet)"""
    )
    assert "the strongest path   5\nthe other 4 paths    10" in str(derive(y, w, top=1))
    assert "the other path " in str(derive(y, w, top=4))
    assert str(derive(y, w, top=9)) == str(derive(y, w))


def test_shares_are_of_all_paths_listed_or_not():
    w, y = many_paths(4)
    assert derive(y, w).shares() == (0.4, 0.3, 0.2, 0.1)
    assert derive(y, w, top=2).shares() == (0.4, 0.3)
    assert "(40.0%)" in str(derive(y, w, top=1))
    nothing = derive(0 * w + 0 * w, w, level="op")
    assert nothing.shares() == (0.0, 0.0)


def test_long_chains_are_abridged_and_counted():
    x = y = Value(0.5, "x")
    for i in range(1, 101):
        y = y * 1.01
        y.label = f"a_{i}"
    derivation = derive(y, x)
    lines = derivation.text().split("\n")
    assert lines[2].startswith("1.  a₁₀₀ → a₉₉")
    assert lines[2].endswith("→ a₂ → a₁ → x")
    assert "→ a₈₅ → a₈₄ → … → a₈ → a₇ →" in lines[2]
    assert [line.count(" · ") for line in lines[3:5]] == [24, 24]
    assert lines[4].count("…") == 1
    middle = r"\frac{\partial a_{85}}{\partial a_{84}}\,\ldots\,\frac{\partial a_{8}}{\partial a_{7}}"
    assert middle in derivation.latex()
    assert len(derivation.paths[0].edges) == 100


def test_columns_fit_combining_characters():
    x = Value(0.5, "xhat")
    a = sin(x)
    a.label = "a"
    y = sin(a)
    y.label = "y"
    lines = str(derive(y, x)).split("\n")
    assert "x\u0302" in lines[3]  # there is no single character for x with a hat
    assert lines[3:5] == ["    ∂y/∂a  · ∂a/∂x\u0302", "  = cos(a) · cos(x\u0302)"]


def test_nan_and_infinity_are_shown():
    w = Value(0.0, "w")
    derivation = derive(w**0.5, w)
    assert str(derivation).startswith("∂L/∂w = ∞   (1 path)")
    w = Value(math.nan, "w")
    assert "nan" in str(derive(w * w, w))
    assert r"\mathrm{nan}" in derive(w * w, w).latex()


# ---------------------------------------------------------------- the gradient beside it


def verdict(derivation):
    return re.search(r"\.grad .*\((.*)\)$", str(derivation))[1]


def test_the_gradient_beside_it_is_compared():
    w, loss = perceptron()
    derivation = derive(loss, w)
    assert verdict(derivation) == "no backward pass yet"
    loss.backward()
    assert verdict(derivation) == "equal"
    loss.backward()
    assert verdict(derivation) == "not −0.4977: it adds up over backward passes, or belongs to another target"
    other = Value(3.0) * w
    other.label = "R"
    assert verdict(derive(other, w)) == "not 3: of an earlier backward pass, which did not start from R"


def test_a_gradient_that_was_cleared_is_told_so():
    net, loss = lecture_example()
    loss.backward()
    net.zero_grad()
    assert verdict(derive(loss, net.layers[0].neurons[0].w[0])) == "cleared since the last backward pass"


def test_interior_nodes_and_nan_can_be_equal_too():
    w, loss = perceptron()
    loss.backward()
    yhat = loss.operands[0].operands[0].operands[1].operands[0]
    assert yhat.label == "yhat"
    assert verdict(derive(loss, yhat)) == "equal"
    w = Value(math.nan, "w")
    y = w * w
    y.backward()
    assert verdict(derive(y, w)) == "equal"


def test_paths_that_cancel_are_compared_by_their_size():
    w = Value(0.1, "w")
    y = sum([0.1 * w, 0.2 * w, -0.3 * w])
    y.backward()
    w.grad = 1e-17
    assert verdict(derive(y, w, level="op")) == "equal"


def test_derivations_belong_to_the_forward_pass():
    w, loss = perceptron()
    before = str(derive(loss, w))
    w.data = 7.0
    assert str(derive(loss, w)) == before


# ---------------------------------------------------------------- LaTeX


def test_the_latex_of_the_lecture_example():
    net, loss = lecture_example()
    assert (
        derive(loss, net.layers[0].neurons[0].w[0]).latex()
        == r"""\begin{aligned}
\frac{\partial L}{\partial w^{[1]}_{11}} &= \frac{\partial L}{\partial \hat{y}_{1}}\,\frac{\partial \hat{y}_{1}}{\partial z^{[2]}_{1}}\,\frac{\partial z^{[2]}_{1}}{\partial a^{[1]}_{1}}\,\frac{\partial a^{[1]}_{1}}{\partial z^{[1]}_{1}}\,\frac{\partial z^{[1]}_{1}}{\partial w^{[1]}_{11}} \\
&\quad {} + \frac{\partial L}{\partial \hat{y}_{2}}\,\frac{\partial \hat{y}_{2}}{\partial z^{[2]}_{2}}\,\frac{\partial z^{[2]}_{2}}{\partial a^{[1]}_{1}}\,\frac{\partial a^{[1]}_{1}}{\partial z^{[1]}_{1}}\,\frac{\partial z^{[1]}_{1}}{\partial w^{[1]}_{11}} \\
&= (\hat{y}_{1} - y_{1}) \cdot \hat{y}_{1}(1 - \hat{y}_{1}) \cdot w^{[2]}_{11} \cdot a^{[1]}_{1}(1 - a^{[1]}_{1}) \cdot x_{1} \\
&\quad {} + (\hat{y}_{2} - y_{2}) \cdot \hat{y}_{2}(1 - \hat{y}_{2}) \cdot w^{[2]}_{21} \cdot a^{[1]}_{1}(1 - a^{[1]}_{1}) \cdot x_{1} \\
&= 0.7414 \cdot 0.1868 \cdot 0.4 \cdot 0.2413 \cdot 0.05 \\
&\quad {} + (-0.2171) \cdot 0.1755 \cdot 0.5 \cdot 0.2413 \cdot 0.05 \\
&= 0.0006684 - 0.0002298 \\
&= 0.0004386 \\
\frac{\partial L}{\partial w^{[1]}_{11}} &= \boxed{\begin{aligned} &((\hat{y}_{1} - y_{1})\,\hat{y}_{1}(1 - \hat{y}_{1})\,w^{[2]}_{11} \\ &\quad {}+ (\hat{y}_{2} - y_{2})\,\hat{y}_{2}(1 - \hat{y}_{2})\,w^{[2]}_{21})\,a^{[1]}_{1}(1 - a^{[1]}_{1})\,x_{1} \end{aligned}} \\
&= 0.0004386
\end{aligned}"""  # noqa: E501
    )


def test_latex_has_no_line_twice():
    w = Value(2.0, "w")
    y = -3 * w
    y.label = "y"
    assert derive(y, w).latex() == "\\begin{aligned}\n\\frac{\\partial y}{\\partial w} &= -3\n\\end{aligned}"


def test_of_many_paths_latex_shows_as_many_as_wanted_and_notebooks_a_few():
    w, y = many_paths(20)
    derivation = derive(y, w)
    assert derivation.latex().count(r"\frac{\partial p_") == 20
    few = derivation.latex(most=2)
    assert few.split(" \\\\\n")[2] == r"&\quad {} + \cdots"
    assert "&= 20 + 19 + 171" in few
    assert derivation._repr_latex_().startswith("$$\n\\begin{aligned}")
    assert derivation._repr_latex_().count(r"\cdots") == 2
    assert r"\cdots" not in derive(many_paths(3)[1], many_paths(3)[0], top=3).latex()
    assert derive(y, w, top=3).latex().count(r"\cdots") == 2
    with pytest.raises(ValueError, match="expected most to be a positive integer or None; got 0"):
        derivation.latex(most=0)
    products = [line for line in derivation.latex().split("\n") if "20 + 19" in line or "{} + 14" in line]
    assert len(products) == 2


def test_latex_is_well_formed():
    w, loss = perceptron()
    x = [Value(0.1 * i, f"x_{i}") for i in range(3)]
    odd = Value(0.3, "100% {odd} $label^2_a")
    for target, source in (
        (loss, w),
        (mean([(u - odd) ** 2 for u in x]), odd),
        (softmax_cross_entropy([u * odd for u in x], 1), odd),
        (dot(x, x) ** 0.5, x[1]),
    ):
        for level in ("named", "op"):
            latex = derive(target, source, level=level).latex()
            check_latex(latex.replace(r"\{", "").replace(r"\}", "").replace(r"\\", " "))


@pytest.mark.slow
def test_latex_is_understood_by_a_reader_of_latex():
    mathtext = pytest.importorskip("matplotlib.mathtext")
    net, loss = lecture_example()
    w, other = perceptron()
    for derivation in (derive(loss, net.layers[0].neurons[1].w[0]), derive(other, w), derive(other, w, level="op")):
        for row in derivation.latex().split("\n")[1:-1]:
            # mathtext knows neither boxes nor several lines
            for line in re.sub(r"\\boxed\{\\begin\{aligned\}|\\end\{aligned\}\}|\\boxed", "", row).split(r"\\"):
                mathtext.MathTextParser("path").parse(f"${line.replace('&', '')} 1$")


# ---------------------------------------------------------------- terminals

PRINTED = """
from autograd import Value, derive, sigmoid
w = Value(0.4, "w")
y = sigmoid(-w)
y.label = "yhat"
print(ascii(str(derive(y, w))))
"""


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", *slow("cp1252", "utf-8")])
def test_the_text_does_not_depend_on_the_terminal(encoding):
    assert r"\u2202y\u0302/\u2202w = \u22120." in run(PRINTED, PYTHONIOENCODING=encoding).replace(r"\u0177", r"y\u0302")


def test_labels_outside_the_encoding_are_escaped():
    w = Value(1.0, "größe")
    assert derive(w * 2, w).text(ascii=True).startswith(r"dL/dgr\u00f6\u00dfe = 2")


# ---------------------------------------------------------------- the last line


def last_line(derivation):
    """What stands between the signs of equality in the line before the sum, "" if there is none."""
    ratio = str(derivation).split(" = ")[0]
    lines = [line.split(" = ") for line in str(derivation).split("\n")[1:] if line.startswith(f"{ratio} = ")]
    return lines[0][1] if lines else ""


def test_a_sigmoid_and_its_cross_entropy_end_as_in_the_lectures():
    w, b, x, y = Value(0.4, "w_2"), Value(-0.3, "b"), Value(1.5, "x_2"), Value(0.0, "y")
    z = w * x + b
    z.label = "z"
    yhat = sigmoid(z)
    yhat.label = "yhat"
    derivation = derive(binary_cross_entropy(yhat, y), w)
    assert last_line(derivation) == "(ŷ − y)·x₂"
    assert r"&= \boxed{(\hat{y} - y)\,x_{2}} = 0.8617" in derivation.latex()
    assert last_line(derive(binary_cross_entropy(yhat, y), b)) == "ŷ − y"


def test_a_softmax_written_by_hand_ends_as_in_the_lectures():
    z = [Value(u, f"z_{i}") for i, u in enumerate((0.3, -0.8, 1.1), 1)]
    e = [exp(u) for u in z]
    s = sum(e)
    s.label = "s"
    a = [u / s for u in e]
    for i, (u, v) in enumerate(zip(e, a, strict=True), 1):
        u.label, v.label = f"e_{i}", f"a_{i}"
    loss = -sum([y * log(u) for y, u in zip((0.0, 1.0, 0.0), a, strict=True)])
    assert last_line(derive(loss, z[1])) == "a₂ − 1"
    assert last_line(derive(loss, z[0])) == "a₁"


def test_a_softmax_written_by_hand_without_names_for_its_exponentials_is_known_by_its_members():
    z = [Value(u, f"z_{i}") for i, u in enumerate((0.3, -0.8, 1.1), 1)]
    y = [Value(u, f"y_{i}") for i, u in enumerate((0.0, 1.0, 0.0), 1)]
    e = [exp(u) for u in z]
    a = [u / sum(e) for u in e]
    for i, u in enumerate(a, 1):
        u.label = f"a_{i}"
    derivation = derive(-sum([t * log(u) for t, u in zip(y, a, strict=True)]), z[0])
    slopes = {str(derivation.graph.formula(e)) for p in derivation for e in p.edges if e.operand is z[0]}
    assert slopes == {"a₁(1 − a₁)", "−a₁·a₂", "−a₁·a₃"}
    assert last_line(derivation) == "a₁(y₁ + y₂ + y₃) − y₁"


@pytest.mark.parametrize(
    ("make", "slope"),
    [
        (lambda x: 1 / (1 + exp(-x)), "a(1 − a)"),
        (lambda x: exp(x) / (1 + exp(x)), "a(1 − a)"),
        (lambda x: 1 / (1 + exp(-2 * x)), "2a(1 − a)"),
        (lambda x: exp(-(x**2) / 2) / math.sqrt(2 * math.pi), "−x·exp(−½x²)/√(2π)"),
        (lambda x: exp(-(x**2) / 2) / (math.sqrt(2 * math.pi) * Value(2.0, "s")), "−x·a"),
        (lambda x: exp(x) / x, "exp(x)(x − 1)/x²"),
        (lambda x: x * exp(x) / (1 + exp(x)), "exp(x)(1 + exp(x) + x)/(1 + exp(x))²"),
        (lambda x: x**2 / (x - 3), "x(x − 6)/(x − 3)²"),
    ],
)
def test_the_result_stands_in_its_own_derivative_only_where_a_lecturer_writes_it(make, slope):
    x = Value(0.7, "x")
    a = make(x)
    a.label = "a"
    assert str(derive(a, x).formula()) == slope


def test_names_of_quotients_stand_as_often_as_they_are_factors():
    w, y, s = Value(0.35, "w"), Value(1.7, "y"), Value(1.3, "s")
    v = (1 / 3) / maximum(y, s)
    v.label = "v"
    u = w / ((w + s) / v)
    u.label = "u"
    derivation = derive((w + s) / v - u, y)
    point = {node.label: node.data for node in (w, y, s, v, u)}
    assert eval(derivation.formula().ascii(lambda label: label), {"max": max}, point) == pytest.approx(derivation.value)


def test_a_named_quotient_in_which_everything_cancels_is_known_by_nothing():
    x, y = Value(0.35, "x"), Value(0.6, "y")
    one = (x * y) / (x * y)
    one.label = "q"
    assert str(derive(one * y * exp(y), y).formula()) == "q·exp(y)(1 + y)"


def test_the_number_of_a_named_quotient_keeps_its_digits():
    w, a = Value(0.35, "w"), Value(0.6, "a")
    q = math.pi / (math.pi + w / a)
    q.label = "q"
    formula = derive(q * q, a).formula()
    point = {node.label: node.data for node in (w, a, q)}
    assert eval(formula.ascii(lambda label: label), {}, point) == pytest.approx(formula.value, rel=1e-14)


@pytest.mark.parametrize("root", [math.pi, 2.0, 3.0, 2 * math.pi, 2 / math.pi, 6.0])
def test_roots_of_numbers_are_written_whatever_stands_under_them(root):
    x = Value(0.5, "x")
    derivation = derive(math.sqrt(root) * x * x, x)
    assert str(derivation).count("√") == (root != 6.0)


def test_a_long_number_stands_as_it_was_written_also_in_a_multiple():
    x = Value(0.7, "x")
    assert "1 + 3·0.044715·x²" in str(derive(x + 0.044715 * x**3, x))
    assert "1 + 3x²/3" not in str(derive(x + x**3 / 3, x))
    assert r"3 \cdot 0.044715\,x^{2}" in derive(x + 0.044715 * x**3, x).latex()


def test_a_last_line_that_nobody_would_read_is_not_written():
    w = Value(0.4, "w")
    hidden = [tanh(w * (0.1 * i) + sin(w * i)) for i in range(1, 7)]
    for i, h in enumerate(hidden, 1):
        h.label = f"h_{i}"
    derivation = derive(sum([h**i for i, h in enumerate(hidden, 1)]), w)
    assert derivation.formula().size > 30
    assert last_line(derivation) == ""


@pytest.mark.slow
def test_an_ellipsis_says_what_is_left_out_and_how_to_get_it():
    w = Value(0.5, "w")
    a = w
    for i in range(40):
        a = tanh(a + 0.01 * i)
        a.label = f"a_{i}"
    assert "…  in a chain: all its nodes and factors are in .paths[0].nodes" in str(derive(a, w))
    unnamed = w
    for i in range(12):
        unnamed = sin(unnamed * w + i)
    derivation = derive(unnamed, w)
    assert "…  in a formula: more than 60 symbols; label what lies between, or ask for level='op'" in str(derivation)
    assert r"\text{\ldots{} in a formula: more than 60 symbols;" in derivation.latex()
    assert "in a formula" not in str(derive(unnamed, w, level="op", top=3))


@pytest.mark.parametrize(("then", "now"), [(-1.0, 2.0), (2.0, -1.0)])
def test_of_a_piecewise_operation_the_recorded_piece_is_written_wherever_the_numbers_have_moved(then, now):
    x, alpha, w = Value(then, "x"), Value(0.1, "alpha"), Value(0.5, "w")
    y = leaky_relu(x * w, alpha)
    y.label = "y"
    before = [str(derive(y, u).formula()) for u in (x, alpha, w)]
    x.data, w.data = now, 0.7
    assert [str(derive(y, u).formula()) for u in (x, alpha, w)] == before


def test_where_no_record_tells_what_was_used_a_piecewise_slope_is_its_number():
    x, alpha = Value(2.0, "x"), Value(0.1, "alpha")
    y = leaky_relu(x, alpha)
    x.data, alpha.data = -1.0, 0.2
    assert [str(derive(y, u).formula()) for u in (x, alpha)] == ["1", "0"]


def test_there_is_no_last_line_where_nothing_becomes_shorter():
    w, x, v = Value(0.4, "w"), Value(1.5, "x"), Value(0.7, "v")
    a = w * x
    a.label = "a"
    assert last_line(derive(a * v, w)) == ""
    assert last_line(derive(sin(w), w)) == ""


# ---------------------------------------------------------------- names


def test_a_member_of_a_softmax_never_has_the_name_of_another_node():
    z = [Value(0.3, "z_1"), Value(-0.8, "z_2")]
    other = sigmoid(z[1])
    other.label = "a_2"
    text = str(derive(softmax_cross_entropy(z, 1) * other, z[1]))
    assert "softmax(z₁, z₂)₂ − 1" in text
    assert "where" not in text


def test_an_introduced_name_says_once_what_it_stands_for():
    z = [Value(0.3, "z_1"), Value(-0.8, "z_2")]
    derivation = derive(softmax_cross_entropy(z, 1), z[0])
    assert "\nwhere a₁ = softmax(z₁, z₂)₁\n" in str(derivation)
    assert r"\text{where } a_{1} = \operatorname{softmax}(z_{1}, z_{2})_{1}" in derivation.latex()
    more = [Value(0.3, "z_3"), z[0]]
    two = derive(softmax_cross_entropy(z, 1) * softmax_cross_entropy(more, 1), z[0])
    assert "softmax(z₃, z₁)₂" in str(two)  # a₁ is taken by the other softmax


def test_members_of_a_softmax_that_was_labelled_have_these_labels():
    s = [Value(0.3, "s_1"), Value(-0.8, "s_2")]
    p = softmax(s)
    for i, u in enumerate(p, 1):
        u.label = f"p_{i}"
    assert "· p₂(1 − p₂)" in str(derive(log(p[1]), s[1]))
    text = str(derive(log(p[1]), s[0]))
    assert "· (−p₁·p₂)" in text
    assert "where p₁ = softmax(s₁, s₂)₁" in text


def test_invented_names_are_written_like_no_given_one():
    v, u = Value(2.0, "v1"), Value(3.0, "u")
    derivation = derive(v * u + u, v, level="op")
    written = [derivation.graph.names.text(label) for label in derivation.graph.labels.values()]
    assert len(set(written)) == len(written)
    assert written.count("v₁") == 1


def test_two_nodes_of_one_name_are_told_apart():
    twice = [Value(2.0, "w1"), Value(3.0, "w_1")]
    assert list(derive(twice[0] * twice[1], twice[0]).graph.labels.values())[:2] == ["w(1)_1", "w(2)_1"]
    sample = [Value(2.0, "a[1](3)_2"), Value(3.0, "a[1](3)_2")]
    assert list(derive(sample[0] * sample[1], sample[0]).graph.labels.values())[:2] == ["a[1](3)_2", "a'[1](3)_2"]


def test_labels_that_are_expressions_stand_in_parentheses():
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(10.0, "c")
    e = a * b
    e.label = "a*b"
    d = e + c
    d.label = "a*b+c"
    text = str(derive(d * d, a))
    assert "∂L/∂(a*b+c) · ∂(a*b+c)/∂(a*b) · ∂(a*b)/∂a" in text
    assert "= 2(a*b+c)" in text
    assert "(\\text{a*b+c})" in derive(d * d, a).latex()
    assert "2*(a*b+c)" in derive(d * d, a).text(ascii=True)


# ---------------------------------------------------------------- where there is no number


def test_infinite_slopes_are_equal_to_nothing_finite_and_have_no_shares():
    w, b = Value(0.0, "w"), Value(1.0, "b")
    p = w**0.5
    p.label = "p"
    derivation = derive(p + b * w, w)
    assert derivation.value == math.inf
    w.grad = 1.0
    assert verdict(derivation).startswith("not ∞")
    w.grad = math.inf
    assert verdict(derivation) == "equal"
    assert "%" not in str(derivation)
    assert all(map(math.isnan, derivation.shares()))


@pytest.mark.parametrize("x", [-2.0, -1e-9])
def test_the_slope_of_a_logarithm_where_it_is_not_defined_is_nan(x):
    w = Value(x, "w")
    a = log(w)
    a.label = "a"
    assert "∂a/∂w\n  = nan\n" in str(derive(a, w))


def test_the_piece_that_was_recorded_is_written_after_a_step_of_training():
    w, x, alpha = Value(0.5, "w"), Value(-2.0, "x"), Value(0.01, "alpha")
    a = leaky_relu(w * x, alpha)
    a.label = "a"
    before = str(derive(a, w))
    assert "= α·x" in before
    w.data = -0.5
    assert str(derive(a, w)) == before


def test_in_latex_a_negative_path_is_subtracted():
    w = Value(2.0, "w")
    p, q = 5 * w, -3 * w
    p.label, q.label = "p", "q"
    loss = linear(p * 0 + w * 7 + w * w * 0 - 4 * q)
    assert "+ -" not in derive(loss, w).latex()


# ---------------------------------------------------------------- asking


def test_a_derivation_is_a_sequence_of_paths_with_formulas_and_flow():
    w, y = many_paths(3)
    derivation = derive(y, w)
    assert len(derivation) == derivation.count == 3
    assert [p.value for p in derivation] == [3.0, 2.0, 1.0]
    assert [[str(f) for f in derivation.formulas(p)] for p in derivation] == [["1", "3"], ["1", "2"], ["1", "1"]]
    assert derivation.value == derivation.sum == 6.0
    assert derivation.remainder == 0.0
    assert derivation.flow() == derivation.graph.flow(w)
    assert derivation.target is y
    assert derivation.source is w
    assert repr(derivation) == "<derivation of dL/dw: 3 paths, 6.0>"


@pytest.mark.parametrize(
    ("target", "source", "message"),
    [
        (1.0, Value(1.0, "w"), "derive: expected the target to be a Value or a Tensor, got float"),
        ([Value(1.0)], Value(1.0, "w"), "target to be a Value or a Tensor, got list; derive by each target in turn"),
        (Value(1.0), [Value(1.0, "w")], "source to be a Value or a Tensor, got list; derive by each source in turn"),
        (Value(1.0), np.zeros(2), r"source to be a Value or a Tensor, got an array of shape \(2,\)"),
    ],
)
def test_what_is_no_node_is_refused(target, source, message):
    with pytest.raises(TypeError, match=message):
        derive(target, source)


def test_an_unnamed_source_is_refused_with_what_to_do():
    w = Value(2.0)
    with pytest.raises(ValueError, match=r"has no name to write formulas with. Give it one \(w.label = 'w'\), or"):
        derive(w * w, w)
    assert str(derive(w * w, w, level="op")).startswith("∂L/∂v₁ = 4   (2 paths)")


@pytest.mark.parametrize("bad", [0, -1, 2.0, "5", True])
def test_top_and_limit_are_positive_integers(bad):
    w, y = many_paths()
    with pytest.raises(ValueError, match=re.escape(f"expected top to be a positive integer or None; got {bad!r}")):
        derive(y, w, top=bad)
    with pytest.raises(ValueError, match=re.escape(f"expected limit to be a positive integer; got {bad!r}")):
        derive(y, w, limit=bad)
    assert len(derive(y, w, top=np.int64(2))) == 2


def test_an_unknown_level_is_refused():
    w, y = many_paths()
    with pytest.raises(ValueError, match="level: expected 'named' or 'op'; got 'neurons'"):
        derive(y, w, level="neurons")


def doublings(n, *, named):
    x = z = Value(1.0, "x")
    for i in range(n):
        z = z + z
        if named:
            a, b = z * 0.5, z * 0.5
            a.label, b.label = f"a_{i}", f"b_{i}"
            z = a + b
            z.label = f"z_{i}"
    return x, z


def test_more_paths_than_the_limit_are_refused_with_their_number():
    x, z = doublings(60, named=True)
    message = "1152921504606846976 paths: more than limit=10000; ask for top=, or name fewer nodes"
    with pytest.raises(ValueError, match=f"^{message}$"):
        derive(z, x)
    assert derive(z, x, top=5).count == 2**60
    x, z = doublings(60, named=False)
    with pytest.raises(ValueError, match=r"^1152921504606846976 paths: .*; ask for top=, or use level='named'$"):
        derive(z, x, level="op")
    assert derive(z, x).count == 1
    w, y = many_paths(5)
    assert len(derive(y, w, limit=5)) == 5
    with pytest.raises(ValueError, match="5 paths: more than limit=4"):
        derive(y, w, limit=4)


@pytest.mark.slow
def test_astronomical_counts_are_rounded_when_shown():
    x, z = doublings(20_000, named=False)
    derivation = derive(z, x, level="op", top=1)
    assert derivation.count == 2**20_000
    assert repr(derivation).startswith("<derivation of dL/dx: about 10^6021 paths")
    assert "the other about 10^6021 paths" in str(derivation)
    with pytest.raises(ValueError, match=r"about 10\^6021 paths: more than limit=10000"):
        derive(z, x, level="op")


@pytest.mark.slow
def test_a_large_net_is_derived_without_delay():
    """13,002 parameters, a batch of samples; the limit of `run` would stop it if it took minutes."""
    shown = run(
        """
import time
import numpy as np
from autograd import derive, mean, squared_error
from nn import MLP
rng = np.random.default_rng(0)
net = MLP(784, [16, 16, 10], "sigmoid", "sigmoid", rng=0)
loss = mean([squared_error(net(rng.random(784)), [0.0] * 10) for _ in range(10)])
loss.label = "L"
loss.backward()
start = time.perf_counter()
derivation = derive(loss, net.layers[0].neurons[3].w[5], top=5)
str(derivation), derivation.latex()
print(len(net.parameters()), derivation.count, time.perf_counter() - start < 30)
print(str(derivation).splitlines()[-1].endswith("(equal)"))
""",
        PYTHONIOENCODING="utf-8",
    )
    assert shown.split("\n") == ["13002 1600 True", "True"]


@pytest.mark.slow
def test_long_chains_need_no_deep_stack():
    shown = run(
        """
import sys
from autograd import Value, derive
sys.setrecursionlimit(150)
x = z = Value(1.0, "x")
for i in range(100_000):
    z = z * 1.00001
    z.label = f"a_{i}"
derivation = derive(z, x)
print(len(str(derivation)) < 5000, len(derivation.latex()) < 5000, derivation.sum == derivation.value)
x = z = Value(1.0, "x")
for i in range(100_000):
    z = z * 1.00001
print(len(str(derive(z, x))) < 500, len(str(derive(z, x, level="op"))) < 5000)
""",
        PYTHONIOENCODING="utf-8",
    )
    assert shown.split("\n") == ["True True True", "True True"]


# ---------------------------------------------------------------- MathML


def rows_of(mathml):
    """The equations of a `<math>`, each the text of its left and of its right side."""
    math_element = ET.fromstring(mathml)
    assert math_element.get("display") == "block"
    return [tuple("".join(side.itertext()) for side in row) for row in math_element.iter(f"{MATHML}mtr")]


def test_mathml_has_the_equations_of_the_lecture_example_under_each_other():
    net, loss = lecture_example()
    rows = rows_of(derive(loss, net.layers[0].neurons[0].w[0]).mathml())
    assert [left != "" for left, _ in rows] == [True] + [False] * 7 + [True]
    assert rows[4:8] == [
        ("", "=0.7414·0.1868·0.4·0.2413·0.05"),
        ("", "+(−0.2171)·0.1755·0.5·0.2413·0.05"),
        ("", "=0.0006684−0.0002298"),
        ("", "=0.0004386"),
    ]
    assert rows[0][0] == rows[8][0] == "∂L∂w11[1]"


@pytest.mark.slow
def test_mathml_has_a_row_for_each_line_of_latex_and_the_same_numbers(monkeypatch):
    monkeypatch.setattr("autograd.formulas.lines.LINE", math.inf)  # a browser has no page to fit
    net, loss = lecture_example()
    long = Value(0.3, "x")
    for i in range(8):
        long = 5 * sigmoid(long - 2.5)
        long.label = f"y_{i}"
    many, top = many_paths(3)[::-1]
    examples = [
        derive(loss, net.layers[0].neurons[0].w[0]),
        derive(loss, net.layers[1].neurons[0].b),
        derive(long, "x"),
        derive(many, top, top=2),
        derive(many, top),
    ]
    for derivation in examples:
        for options in ({}, {"path": 1}, {"most": 1}, {"digits": 7}):
            lines = derivation.latex(**options).split("\n")[1:-1]
            assert len(rows_of(derivation.mathml(**options))) == len(lines), (derivation, options)
        assert f"={derivation.value:.7g}" in rows_of(derivation.mathml(digits=7))[-1][1].replace("−", "-")


def test_the_formula_in_mathml_evaluates_to_the_gradient():
    w, x, b = Value(0.4, "w"), Value(1.5, "x"), Value(0.1, "b")
    a = sigmoid(w * x + b)
    a.label = "a"
    L = (a - 1.0) ** 2 * w
    boxed = re.search(r'<mrow class="boxed"[^>]*>(.*)</mrow><mo>=</mo>', derive(L, w).mathml())[1]
    names = {"w": 0.4, "x": 1.5, "a": a.data}
    symbols = {name: sympy.Symbol(name) for name in names}
    found = read_mathml(re.sub(r"<mi>([wxa])</mi>", r'<mi id="\1">\1</mi>', boxed), symbols)
    assert float(found.subs(names)) == pytest.approx((a.data - 1) ** 2 + 2 * (a.data - 1) * a.data * (1 - a.data) * 0.6)


def test_mathml_refuses_what_latex_refuses_and_says_zero():
    w, v = Value(2.0, "w"), Value(3.0, "v")
    L = w * w
    L.label = "L"
    derivation = derive(L, w)
    for wrong in ({"most": 0}, {"path": 3}, {"digits": True}):
        with pytest.raises(ValueError, match=r"Derivation\.mathml: expected"):
            derivation.mathml(**wrong)
    assert "".join(ET.fromstring(derive(L, v).mathml()).itertext()) == "∂L∂v=0"


def test_a_target_and_a_source_the_wrong_way_round_are_told_so():
    w, other = Value(0.4, "w"), Value(1.0, "u")
    loss = w * w
    loss.label = "L"
    assert str(derive(w, loss)).endswith("w does not depend on L; L depends on w: derive takes the target first")
    assert str(derive(loss, other)).endswith("L does not depend on u")
    array = Tensor([[0.4]], label="W")
    cost = (array @ array).sum()
    cost.label = "J"
    assert "J depends on W: derive takes the target first" in str(derive(array, cost))

"""Derivations by name, of one path, in any width and with any digits; and the reverse pass as text."""

import re

import numpy as np
import pytest
from sizes import slow

from autograd import Tensor, Value, backward_steps, derive, sigmoid
from nn import MLP, Dense, Sequential, inputs


def loss_of(net):
    L = (net(inputs([0.5, -0.25])) - 1.0) ** 2
    L.label = "L"
    return L


@pytest.fixture
def net():
    return MLP(2, [2, 2, 1], "tanh", rng=0)


@pytest.fixture
def chain():
    v = [Value(0.5, "x_0")]
    for i in range(1, 10):
        v.append((v[-1] * 1.1).tanh())
        v[-1].label = f"x_{i}"
    return v[-1]


# ---------------------------------------------------------------- by name


@pytest.mark.parametrize("name", ["w[1]_1,2", "w_{12}^{[1]}", "w[1]_12"])
def test_a_source_is_found_by_its_name_however_it_is_written(net, name):
    L = loss_of(net)
    w = net.layers[0].neurons[0].w[1]
    assert derive(L, name).source is w
    assert net[name] is w
    assert derive(L, name).text() == derive(L, w).text()


def test_a_matrix_is_found_by_its_name():
    model = Sequential([Dense(3, "tanh", input_shape=(2,)), Dense(1)], rng=0)
    model.compile("sgd", "mse")
    L = model.loss_of([[1.0, 2.0]], [[1.0]])
    assert model["W[1]"] is model.layers[0].weight
    assert derive(L, "W[1]").text() == derive(L, model.layers[0].weight).text()


def test_a_name_that_nothing_has_is_refused_with_the_nearest(net):
    with pytest.raises(
        ValueError, match=r"derive: no node is called 'w\[4\]_1,1'; did you mean 'w\[\d\]_1,1'\? named: "
    ):
        derive(loss_of(net), "w[4]_1,1")
    with pytest.raises(ValueError, match=r"MLP: no node is called 'weight'; named: w\[1\]_1,1"):
        net["weight"]
    with pytest.raises(TypeError, match=r"expected the label of a parameter.*layers are in model.layers\[0\]"):
        net[0]


def test_a_name_that_several_have_is_refused():
    x, y = Value(2.0, "x"), Value(3.0, "x")
    with pytest.raises(ValueError, match="2 nodes are called 'x'; give the node itself"):
        derive(x * y, "x")


def test_a_net_has_a_table_of_its_gradients(net):
    assert net.count_params() == 15
    rows = [line.split() for line in net.gradient_table().splitlines()]
    assert rows[0] == ["number", "gradient"]
    assert rows[1] == ["w[1]_1,1", f"{net['w[1]_1,1'].data:.4g}", "-"]
    loss_of(net).backward()
    for line, p in zip(net.gradient_table(digits=8).splitlines()[1:], net.parameters(), strict=True):
        name, number, gradient = line.split()
        assert name == p.label
        assert (float(number), float(gradient)) == pytest.approx((p.data, p.grad), rel=1e-7)


def test_the_table_of_a_net_of_tensors_has_norms():
    model = Sequential([Dense(3, input_shape=(2,))], dtype="float64", rng=0)
    model.compile("sgd", "mse")
    model.loss_of([[3.0, 4.0]], [[1.0, 1.0, 1.0]]).backward()
    norm = np.linalg.norm(model.layers[0].weight.grad)
    assert f"|{norm:.4g}| of (3, 2)" in model.gradient_table().splitlines()[1]


# ---------------------------------------------------------------- width and digits


def columns(text):
    return max(len(re.sub("[\u0300-\u036f]", "", line)) for line in text.splitlines() if not line.startswith("∂x"))


@pytest.mark.parametrize("width", [40, *slow(60, 80)])
def test_text_goes_on_in_further_lines_where_it_does_not_fit(chain, width):
    text = derive(chain, "x_0").text(width=width)
    assert columns(text) <= width < columns(derive(chain, "x_0").text())
    squeezed = re.sub(r"[^∂x₀-₉/]", "", text)
    for i in range(1, 10):
        assert f"∂x{chr(0x2080 + i)}/∂x{chr(0x207F + i)}" in squeezed
    numbers = [float(x) for x in re.findall(r"\b0\.82\d+", text)]
    assert np.prod(numbers) == pytest.approx(derive(chain, "x_0").value, rel=1e-3)


def test_wide_enough_text_is_as_it_is_without_a_width(chain):
    assert derive(chain, "x_0").text(width=400) == derive(chain, "x_0").text()


@pytest.mark.slow
def test_print_takes_the_width_of_the_terminal_and_else_of_a_page(chain, monkeypatch):
    derivation = derive(chain, "x_0")
    monkeypatch.setattr("autograd.paths.derivation.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "64")
    assert str(derivation) == derivation.text(width=64)
    monkeypatch.setattr("autograd.paths.derivation.is_terminal", lambda: False)
    assert str(derivation) == derivation.text(width=120)


@pytest.mark.slow
def test_numbers_have_as_many_digits_as_are_asked_for(net):
    L = loss_of(net)
    d = derive(L, "w[1]_1,1")
    assert f"{abs(d.value):.9g}" in d.text(digits=9)
    assert f"{abs(d.value):.9g}" in d.latex(digits=9)
    assert f"{abs(d.value):.2g}" in d.text(digits=2).splitlines()[0]
    assert d.text(digits=4) == d.text()
    for method in (d.text, d.latex):
        with pytest.raises(ValueError, match="expected digits to be a positive integer"):
            method(digits=0)
    with pytest.raises(ValueError, match="expected width to be a positive integer"):
        d.text(width=-3)


# ---------------------------------------------------------------- LaTeX


def test_one_path_is_written_alone(net):
    d = derive(loss_of(net), "w[1]_1,1")
    for number, path in enumerate(d.paths, 1):
        text = d.latex(path=number, digits=8)
        assert text.startswith("\\begin{aligned}\n& \\frac{\\partial L}")
        assert float(text.splitlines()[-2].removeprefix("&= ")) == pytest.approx(path.value, rel=1e-7)
    with pytest.raises(ValueError, match="expected path to be at most 2, got 3"):
        d.latex(path=3)


def test_a_line_has_six_factors_at_most_and_about_as_many_as_the_others(chain):
    for text in (derive(chain, "x_0").latex(), derive(chain, "x_0").latex(path=1)):
        lines = text.splitlines()
        assert max(line.count("\\frac{\\partial") for line in lines if "boxed" not in line) <= 7  # with ∂x₉/∂x₀ itself
        assert max(len(re.findall(r"0\.82\d+", line)) for line in lines) == 5  # of 9
        assert sum(len(re.findall(r"0\.82\d+", line)) for line in lines) == 9
        assert text.count("\\qquad {} \\cdot") == 3


# ---------------------------------------------------------------- the reverse pass


def test_the_reverse_pass_is_written_line_by_line():
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    z = x * w + b
    z.label = "z"
    L = z * z + x
    L.label = "L"
    assert backward_steps(L, ascii=True) == "\n".join(
        [
            "L.grad = 1",
            "v_2.grad += 1 * L.grad = 1 * 1 = 1",
            "x.grad += 1 * L.grad = 1 * 1 = 1",
            "z.grad += z * v_2.grad = 0.5 * 1 = 0.5",
            "z.grad += z * v_2.grad = 0.5 * 1 = 0.5   (now 1)",
            "v_1.grad += 1 * z.grad = 1 * 1 = 1",
            "b.grad += 1 * z.grad = 1 * 1 = 1",
            "x.grad += w * v_1.grad = -3 * 1 = -3   (now -2)",
            "w.grad += x * v_1.grad = 2 * 1 = 2",
        ]
    )
    assert x.grad == 0.0


def test_the_steps_add_up_to_what_backward_gives(net):
    L = loss_of(net)
    text = backward_steps(L, digits=12, ascii=True)
    L.backward()
    for p in net.parameters():
        name = p.label.replace("[", r"\[").replace("]", r"\]").replace(",", "")
        steps = re.findall(rf"^{name}\.grad \+= .* = (\S+?)(?:   \(now .*)?$", text, flags=re.MULTILINE)
        assert sum(map(float, steps)) == pytest.approx(p.grad, rel=1e-10)


def test_what_has_no_steps_is_refused():
    with pytest.raises(TypeError, match=r"expected a Value.*of Tensors derive\(L, W\) writes the matrices"):
        backward_steps(Tensor([1.0]))
    with pytest.raises(TypeError, match="expected a Value, got float"):
        backward_steps(1.0)
    x = Value(0.5, "x")
    with pytest.raises(ValueError, match="steps are more than limit=3"):
        backward_steps(sigmoid(x * x) * x, limit=3)


@pytest.mark.parametrize(("length", "shown"), [(24, 24), (25, 25), (26, 24), (40, 24)])
def test_a_chain_of_up_to_twenty_five_factors_is_whole_and_a_longer_one_has_its_ends(length, shown):
    v = Value(0.5, "x")
    for i in range(1, length + 1):
        v = v * 1.01
        v.label = f"a_{i}"
    lines = derive(v, "x").text(ascii=True).splitlines()
    numbers = next(line for line in lines if "1.01" in line)
    assert numbers.count("1.01") == shown
    assert ("..." in numbers) == (shown < length)

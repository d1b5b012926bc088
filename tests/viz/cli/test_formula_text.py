"""A text becomes the computation that Python's own arithmetic would do, and nothing else gets through."""

import contextlib
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, derive, gradients
from autograd.op import elementwise, reduction, table
from viz.cli.formula_text import compute, functions, label_of, normal_name

# What Python's eval needs to know; it shares no code with ours.
PYTHON = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x, alpha=0.01: x if x > 0 else alpha * x,
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "maximum": max,
    "squared_error": lambda x, y: 0.5 * (x - y) ** 2,
    "sum": sum,
    "mean": lambda x: sum(x) / len(x),
    "dot": lambda x, y, bias=0.0: sum(u * v for u, v in zip(x, y, strict=True)) + bias,
    "logsumexp": lambda x: math.log(sum(map(math.exp, x))),
}
VALUES = {"w": 0.4, "x": 1.5, "b": 0.1, "y": 1.0}

EXPRESSIONS = [
    "(sigmoid(w*x + b) - y)**2",
    "w - x - b*y - 2",
    "w / x / b / y",
    "-w**2 * -x + b + y",
    "w**x**b*y",
    "+w*x*(b - (y - 3.5e-1))",
    "2**w + exp(x)*log(y + b)",
    "tanh(w)*sin(x) + cos(b)/sqrt(y)",
    "leaky_relu(w - x, 0.3) + leaky_relu(b - y) + leaky_relu(x - w, alpha=b)",
    "softplus(w) + maximum(x, b) + relu(y)",
    "squared_error(w*x + b, y)",
    "sum([w, x, b*y, 1]) * mean([w, b])",
    "dot([w, x], [b, y], bias=w) + logsumexp([w, x, b, y])",
]


def python(text, **changed):
    names = {**VALUES, **changed}
    return eval(text, {"__builtins__": {}}, {**PYTHON, **names})


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_a_formula_means_what_it_means_in_python(text):
    target, names, _ = compute(text, VALUES)
    assert target.data == pytest.approx(python(text), rel=1e-12)
    for name in VALUES:
        h = 1e-5
        slope = (python(text, **{name: VALUES[name] + h}) - python(text, **{name: VALUES[name] - h})) / (2 * h)
        assert gradients(target, names[name]) == pytest.approx(slope, rel=1e-7, abs=1e-8)


def test_statements_name_their_results_and_the_last_one_is_the_target():
    result = compute("z = w*x + b; yhat = sigmoid(z)\nC = (yhat - y)**2", VALUES)
    assert [node.label for node in result.names.values()] == ["w", "x", "b", "y", "z", "yhat", "C"]
    assert result.target is result.names["C"]
    assert [edge.operand.label for edge in derive(result.target, result.names["w"]).paths[0].edges] == [
        "yhat",
        "z",
        "w",
    ]


def test_a_last_expression_is_called_l_unless_it_is_a_name():
    assert compute("w*x", {"w": 2, "x": 3}).target.label == "L"
    result = compute("z = w*x; z", {"w": 2, "x": 3})
    assert result.target is result.names["z"]
    assert result.target.label == "z"


def test_indented_statements_and_windows_line_ends_are_read():
    assert compute("\r\n   z = w*2\r\n   L = z + 1\r\n", {"w": 2.0}).target.data == 5.0


def test_another_name_for_a_quantity_is_a_quantity_of_its_own():
    result = compute("z = w; L = z*z", {"w": 3.0})
    assert result.names["w"].label == "w"
    assert result.names["z"].label == "z"
    assert gradients(result.target, result.names["w"]) == 6.0


def test_a_number_that_is_assigned_is_a_leaf():
    result = compute("c = 2*3; L = c*w", {"w": 5.0})
    assert {name: leaf.data for name, leaf in result.leaves.items()} == {"w": 5.0, "c": 6.0}


def test_several_values_make_a_list_whose_members_have_names():
    result = compute("z = dot(w, x, b); L = z*w_2", {"w": (0.5, -1.0), "x": [2.0, 3.0], "b": 0.25})
    assert list(result.names) == ["w_1", "w_2", "x_1", "x_2", "b", "z", "L"]
    assert result.target.data == (0.5 * 2 - 3 + 0.25) * -1.0


def test_the_members_of_a_list_that_is_assigned_can_be_used_by_name():
    text = "a = softmax([u, v]); p, q = softmax([v, u]); L = a_1 - q + p*0"
    result = compute(text, {"u": 1.0, "v": 2.0})
    assert result.names["a_1"].data == pytest.approx(1 / (1 + math.e), rel=1e-12)
    assert result.target.data == pytest.approx(0.0, abs=1e-14)
    assert result.names["a_2"].label == "a_2"


def test_a_class_may_be_given_as_a_value():
    result = compute("softmax_cross_entropy(z, y)", {"z": (1.0, 2.0, 3.0), "y": 1})
    total = math.exp(1) + math.exp(2) + math.exp(3)
    assert result.target.data == pytest.approx(math.log(total) - 2, rel=1e-12)
    assert gradients(result.target, result.names["z_2"]) == pytest.approx(math.exp(2) / total - 1, rel=1e-12)


def test_bounds_may_be_given_as_values():
    assert compute("clip(w, lo, hi)", {"w": 5.0, "lo": 0.0, "hi": 2.0}).target.data == 2.0


def test_arithmetic_on_numbers_follows_ieee_and_never_hangs():
    assert compute("L = 1/0 + 9**9**9 + 1e999", {}).target.data == math.inf
    assert math.isnan(compute("L = 0/0", {}).target.data)
    assert compute(f"L = {10**400}", {}).target.data == math.inf


def test_a_sum_of_many_terms_does_not_recurse():
    assert compute(" + ".join(["w"] * 900), {"w": 1.0}).target.data == 900.0


def test_a_sum_too_long_for_this_python_is_refused():
    try:
        found = compute(" + ".join(["w"] * 100_000), {"w": 1.0}).target.data  # from 3.14 on its stack decides
    except ValueError as refused:
        found = str(refused)
    assert found == 100_000.0 or "too long or nested too deeply" in str(found)


@pytest.mark.parametrize("text", ["-" * 5000 + "w", "w**" * 3000 + "w", "(" * 150 + "w"])
def test_what_is_nested_too_deeply_is_refused(text):
    with pytest.raises(ValueError, match=r"too long or nested too deeply|never closed|too many nested"):
        compute(text, {"w": 1.0})


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("w", "w"),
        ("w1", "w1"),
        ("w_1", "w_1"),
        ("w_1_2", "w_1,2"),
        ("w_10_i", "w_10,i"),
        ("yhat_2", "yhat_2"),
        ("my_loss", "my_loss"),
        ("x_max_2", "x_max_2"),
        ("_w", "_w"),
        ("w__1", "w__1"),
        ("w1_2", "w1_2"),
        ("ŷ", "ŷ"),
    ],
)
def test_underscores_become_indices(name, label):
    assert label_of(name) == label
    assert compute(f"L = 2*{name}", {name: 1.0}).names[normal_name(name)].label == label


def test_names_are_compared_as_python_does():
    assert compute("L = ﬁ*2", {"fi": 3.0}).target.data == 6.0  # a ligature in the text, letters in the value


@pytest.mark.parametrize("name", ["1w", "w-1", "", "w x", "lambda", "None", "sum", "w[", "[1]", "w[1"])
def test_what_is_no_name_cannot_be_given_a_value(name):
    with pytest.raises(ValueError, match=r"no name|word of Python|is a function"):
        compute("L = 1", {name: 1.0})


# ---------------------------------------------------------------- errors


def refusal(text, **values):
    with pytest.raises(ValueError, match=r"\S") as caught:
        compute(text, values)
    return str(caught.value)


def place(message):
    """The character above the caret."""
    *_, line, caret = message.split("\n")
    assert caret.strip() == "^"
    return line[len(caret) - 1] if len(caret) <= len(line) else ""


@pytest.mark.parametrize(
    ("text", "what", "above"),
    [
        ("L = w.real", "a dot after a name", "."),
        ("L = w[0]", "brackets after a name say its layer; .* write w_1", "w"),
        ("L = w // x", "//", "/"),
        ("L = w % x", "%", "%"),
        ("L = w @ x", "dot product", "@"),
        ("L = w < x", "a comparison", "<"),
        ("L = w and x", "'and' is a word of Python's grammar|a logical operation", "w"),
        ("L = not w", "not", "n"),
        ("L = ~w", "~", "~"),
        ("L = w if w else x", "a condition", "i"),
        ("L = lambda: w", "a lambda", "l"),
        ("L = w, x", "a comma outside", "w"),
        ("L = {w}", "braces", "{"),
        ("L = {w: x}", "braces", "{"),
        ("L = [u for u in x]", "a comprehension", "["),
        ("L = sum(u for u in x)", "a comprehension", "("),
        ("L = 'w'", "a string", "'"),
        ("L = f'{w}'", "a string", "f"),
        ("L = b'w'", "a string", "b"),
        ("L = 2j*w", "an imaginary number", "2"),
        ("L = True", "True", "T"),
        ("L = None", "None", "N"),
        ("L = ...", "Ellipsis", "."),
        ("L = (z := w)", "an assignment inside", "z"),
        ("L = sum(*x)", "a star before a name", "*"),
        ("L = relu(**w)", "two stars", "w"),
        ("w += 1", "a changing assignment", "w"),
        ("L: int = w", "a colon", "L"),
        ("import os", "an import", "i"),
        ("from os import path", "an import", "f"),
        ("def f(): pass", "what stands here", "d"),
        ("if w: x", "what stands here", "i"),
        ("del w", "what stands here", "d"),
        ("w.x = 3", "expected a name before '='", "."),
        ("L = w(x)", "is not a function; for a product write w\\*", "w"),
        ("L = (w)(x)", "'w' is not a function", "w"),
        ("L = (w + 1)(x)", "expected the name of a function", "+"),
        ("L = sigmod(w)", "unknown function 'sigmod'; did you mean 'sigmoid'", "s"),
        ("L = eval('w')", "unknown function 'eval'", "e"),
        ("L = sigmoid(w, x)", r"sigmoid\(x\): too many", "s"),
        ("L = sigmoid()", "missing a required argument", "s"),
        ("L = leaky_relu(w, beta=x)", "unexpected keyword argument 'beta'", "l"),
        ("L = sigmoid + w", "is a function: write sigmoid", "s"),
        ("L = w*q + r*s", "no value for 'q', 'r', 's': add q=... r=... s=...", "q"),
        ("L = z*w; z = x", "used before it is assigned", "z"),
        ("z = w; z = x", "assigned already", "z"),
        ("w = 3*x", "given as a value", "w"),
        ("sum = 3*x", "is a function", "s"),
        ("w*x; w", "has no name and is not the last", "w"),
        ("a = b = w", "expected one name before", "b"),
        ("p, q = w", "expected a list of 2", "p"),
        ("p, q = [w, x, 1]", "got 3 of them", "p"),
        ("L = clip(w, 1, 0)", "lo=1.0 > hi=0.0", "c"),
        ("L = [w, x] + 1", "take its members", "+"),
        ("L = dot([w], [w, x])", "equal length", "d"),
        ("L = 3*binary_cross_entropy(w, 2)", "targets must lie in", "b"),
        ("L = [w, x]", "a list of 2", "L"),
        ("L = w x", "a product needs its", "x"),
        ("L = w (2", "never closed", "("),
        ("L := w", "invalid syntax$", ":"),
        ("L = $w", "invalid syntax$", "$"),
        ("L = ; w", "invalid syntax$", ";"),
        ("L = w*3½ + x", "; write 0.5$", "½"),
        ("L = √w", r"; write sqrt\(\.\.\.\)$", "√"),
        ("L = where(w, x, 1)", "unknown function 'where'; known: abs, ", "w"),
        ("L = 2w", "a product needs its", "2"),
        ("L = (w*x", "never closed", "("),
        ("L = w +", "invalid syntax", ""),
        ("L = lambda*w", "'lambda' is a word of Python's grammar", "l"),
        ("3 = w", "cannot assign to literal", "3"),
    ],
)
def test_every_refusal_says_what_is_wrong_and_where(text, what, above):
    message = refusal(text, w=0.5, x=2.0)
    assert re.search(what, message.split("\n")[0])
    assert place(message) == above


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("L = ½(w − x)²", 1.125),  # as our own derivations write it
        ("L = ½*w + ½ x^2", 2.25),
        ("L = w·x × 4 ÷ 2", 2.0),
        ("L = (w - x)^2", 2.25),
        ("L = x^-1 + x¹⁰ + 0*w", 1024.5),
        ("L = w + x*½", 1.5),
        ("L = σ(w)² - σ(w)^2 + 0*x", 0.0),
    ],
)
def test_what_stands_on_paper_is_read(text, number):
    assert compute(text, {"w": 0.5, "x": 2.0}).target.data == pytest.approx(number, rel=1e-15)


def test_the_place_is_right_in_a_later_line_and_after_letters_beyond_ascii():
    message = refusal("ŷ = 2*w\nα = ŷ + ζζζ*w", w=1.0)
    assert message.endswith("\n  α = ŷ + ζζζ*w\n          ^")


def test_a_long_line_is_shown_around_the_place():
    message = refusal("L = " + "w + " * 200 + "q" + " + w" * 200, w=1.0)
    _, line, caret = message.split("\n")
    assert len(line) < 80
    assert line.startswith("  …")
    assert line.endswith("…")
    assert place(f"{line}\n{caret}") == "q"


def test_control_characters_do_not_reach_the_terminal():
    assert "\x1b" not in refusal("L = w + '\x1b[31m'", w=1.0)
    assert "\x00" not in refusal("L = w\x00", w=1.0)


def test_a_name_like_one_that_was_given_is_suggested():
    assert "no value for 'yht'; did you mean 'yhat'?" in refusal("L = yht*2", yhat=1.0)
    assert "did you mean 'w'?" in refusal("L = W*w", w=1.0)
    assert "did you mean" not in refusal("L = w3*w1", w1=1.0)


def test_values_that_the_formula_does_not_use_are_named():
    assert "given but not used in the formula: q, r" in refusal("L = w*2", w=1.0, q=2.0, r=(1.0, 2.0))
    assert compute("L = x_1*2", {"x": (1.0, 2.0)}).target.data == 2.0


def test_a_member_that_is_given_twice_is_refused():
    assert "'x_1' is given twice" in refusal("L = sum(x)", x=(1.0, 2.0), x_1=3.0)


def test_the_name_l_is_not_given_to_a_second_quantity():
    assert "would be called 'L', which is taken" in refusal("2*L", L=1.0)


def test_an_empty_formula_is_refused():
    assert "the formula is empty" in refusal("  \n ")


TOKENS = [
    *("w", "x_1", "L", "ŷ", "1", "2.5", "=", ";", "(", ")", "[", "]", ",", "+", "-", "*", "/", "**", "^", " "),
    *("sum", "sigmoid", "clip", ":", "lambda ", " if ", "'s'", "#", ".", "\\", "\n", "\f", "\x00", "\ud800"),
]


@pytest.mark.slow
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join) | st.text(max_size=20))
def test_any_text_is_computed_or_refused(text):
    with contextlib.suppress(ValueError):
        assert isinstance(compute(text, {"w": 0.5, "x": (1.0, 2.0)}).target, Value)


def test_nothing_is_executed(tmp_path):
    trace = tmp_path / "executed"
    for text in (
        f"__import__('pathlib').Path({str(trace)!r}).touch()",
        f"L = open({str(trace)!r}, 'w')",
        f"L = [].__class__.__base__.__subclasses__()[0]({str(trace)!r})",
        f"L = exec('open({str(trace)!r}, chr(119))')",
    ):
        refusal(text)
    assert not trace.exists()


def test_every_function_of_the_table_can_be_called():
    x = {"x": (0.3, 0.6)}
    numbers = {"clip": "x_1, 0, 1", "power": "x_1, x_2", "dot": "x, x", "leaky_relu": "x_1"}
    numbers |= dict.fromkeys(["add", "sub", "mul", "div", "maximum", "minimum", "logaddexp"], "x_1, x_2")
    numbers |= dict.fromkeys(["sum", "mean", "prod", "norm", "logsumexp", "softmax", "log_softmax"], "x")
    numbers |= dict.fromkeys(["squared_error", "binary_cross_entropy", "binary_cross_entropy_with_logits"], "x, [0, 1]")
    numbers |= {"softmax_cross_entropy": "x, 1", "cross_entropy": "softmax(x), 1"}
    for name in functions():
        result = compute(f"z = {name}({numbers.get(name, 'x_1')}); w = sum([1, 2])", x)
        assert isinstance(result.names.get("z", result.names.get("z_1")), Value), name


@pytest.fixture
def own_operations():
    """Whatever a test adds to the table of operations is forgotten after it."""
    before = dict(table)
    yield
    table.clear()
    table.update(before)


@pytest.mark.usefixtures("own_operations")
def test_an_operation_of_ones_own_is_a_function_of_formulas():
    @elementwise(lambda z, x: 1 / (1 + x * x), symbol="arctan")
    def atan(x):
        return math.atan(x)

    @reduction(lambda z, x: x / z, symbol="‖·‖")
    def length(x):
        return math.hypot(*x)

    assert {"atan", "length"} <= functions().keys()
    result = compute("L = atan(w) + length(x)", {"w": 1.0, "x": (3.0, 4.0)})
    assert result.target.data == math.atan(1) + 5
    result.target.backward()
    assert [result.names[name].grad for name in ("w", "x_1", "x_2")] == [0.5, 0.6, 0.8]
    assert "1/(1 + w²)" in str(derive(result.target, result.names["w"]))
    with pytest.raises(ValueError, match="'atan' is a function"):
        compute("L = 2*atan", {"atan": 1.0})


def test_what_needs_a_condition_or_random_numbers_is_no_function_of_formulas():
    assert functions().keys().isdisjoint({"where", "choose", "randomized_leaky_relu", "max", "reshape", "one_hot"})
    assert {"softmax", "log_softmax", "softmax_cross_entropy", "linear", "clip", "sum"} <= functions().keys()


def test_pi_and_e_are_numbers_unless_they_are_given():
    assert compute("L = pi + π + e", {}).target.data == 2 * math.pi + math.e
    assert compute("L = e*2", {"e": 3.0}).target.data == 6.0
    assert compute("e = 5; L = e*pi", {}).target.data == 5 * math.pi


@pytest.mark.parametrize(
    ("written", "known"),
    [("ln(x)", "log(x)"), ("σ(x)", "sigmoid(x)"), ("max(x, 1)", "maximum(x, 1)"), ("min(x, 1)", "minimum(x, 1)")],
)
def test_functions_have_the_names_that_people_call_them(written, known):
    assert compute(written, {"x": 2.5}).target.data == compute(known, {"x": 2.5}).target.data


def test_an_unknown_function_leads_to_what_does_the_same():
    assert "write mean([(a - b)**2" in refusal("L = mse(x, 1)", x=2.0)


def test_names_with_a_layer_are_labels_with_a_layer():
    target, names, _ = compute("z[1]_1 = w[1]_1_2*x; L = z[1]_1**2", {"w[1]_1_2": 3.0, "x": 2.0})
    assert target.data == 36.0
    assert {v.label for v in names.values()} == {"w[1]_1,2", "x", "z[1]_1", "L"}


def test_a_list_with_a_layer_names_its_members():
    _, names, _ = compute("L = sum(w[2])", {"w[2]": (1.0, 2.0)})
    assert {v.label for v in names.values()} == {"w[2]_1", "w[2]_2", "L"}


def test_lists_stay_lists_beside_names_with_layers():
    assert compute("L = dot([w[1]_1, w[1]_2], [x, 2])", {"w[1]_1": 3.0, "w[1]_2": 4.0, "x": 5.0}).target.data == 23.0


def test_names_side_by_side_are_taken_for_a_product_without_its_sign():
    for text, said in (("z = wx + b", r"w\*x\?"), ("z = wxb", r"w\*x\*b\?"), ("a = w; z = ax", r"a\*x\?")):
        with pytest.raises(ValueError, match=f"did you mean {said}"):
            compute(text, {"w": 1.0, "x": 1.0, "b": 1.0})
    with pytest.raises(ValueError, match=r"no value for 'wq': add wq=\.\.\."):
        compute("z = wq + x", {"w": 1.0, "x": 1.0})

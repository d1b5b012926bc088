"""Numbers and formulas on paper: what a lecturer would write, valid Python, well-formed LaTeX."""

import math
import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex import check_latex
from random_formulas import formula_of, trees

from autograd import abs, cos, exp, leaky_relu, log, logsumexp, maximum, sigmoid, softmax, sqrt, step, tanh
from autograd.formulas import names
from autograd.formulas.expression import constant, symbol
from autograd.formulas.notation import Ascii, Latex, Mathml, Text, format_number, is_short

x, y, w, a, z = (symbol(name, 0.6) for name in "xywaz")
yhat, w11, a12, n = (symbol(name, 0.7) for name in ("yhat", "w[1]_1,1", "a[1](3)_2", "my label"))


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (2.0, "2"),
        (-2.5, "-2.5"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.082167, "0.08217"),
        (0.00043857, "0.0004386"),
        (1234.5, "1234"),
        (9999.5, "10000"),
        (12345.67, "12346"),
        (1234567.0, "1234567"),
        (12345678.0, "1.235e+07"),
        (0.00001, "1e-05"),
        (1e-300, "1e-300"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_a_number_has_four_significant_digits(number, written):
    assert format_number(number) == written


def test_a_number_can_have_fewer_digits():
    assert format_number(0.0123456, 1) == "0.01"


def test_short_numbers_are_those_that_rounding_does_not_change():
    assert [is_short(u) for u in (0.25, 3.0, 1e-9, math.inf)] == [True] * 4
    assert [is_short(u) for u in (1 / 3, 1.00001, 123456.5)] == [False] * 3


@pytest.mark.parametrize(
    ("number", "text", "ascii", "latex"),
    [
        (-0.5, "−0.5", "-0.5", "-0.5"),
        (-1 / 3, "−0.3333", "-0.3333", "-0.3333"),
        (2.4e-7, "2.4e−07", "2.4e-07", r"2.4 \times 10^{-7}"),
        (1e-9, "1e−09", "1e-09", "10^{-9}"),
        (-math.inf, "−∞", "-inf", r"-\infty"),
        (math.nan, "nan", "nan", r"\mathrm{nan}"),
    ],
)
def test_each_notation_has_its_own_minus_powers_of_ten_and_infinity(number, text, ascii, latex):
    assert Text(names.text).number(number) == text
    assert Ascii(names.ascii_name).number(number) == ascii
    assert Latex(names.latex).number(number) == latex


def test_all_digits_are_written_on_request():
    assert Ascii(names.ascii_name, digits=None).number(1 / 3) == "0.3333333333333333"
    assert Ascii(names.ascii_name, digits=None).number(2.0) == "2"


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("formula", "text", "ascii", "latex"),
    [
        (yhat - y, "ŷ − y", "yhat - y", r"\hat{y} - y"),
        (-y + yhat, "ŷ − y", "yhat - y", r"\hat{y} - y"),
        (-x - y, "−x − y", "-x - y", "-x - y"),
        (-x - y + w, "w − x − y", "w - x - y", "w - x - y"),
        (constant(0.0), "0", "0", "0"),
        (1 - a**2, "1 − a²", "1 - a**2", "1 - a^{2}"),
        (a * (1 - a), "a(1 − a)", "a*(1 - a)", "a(1 - a)"),
        (a * (1 - a) * x, "a(1 − a)·x", "a*(1 - a)*x", r"a(1 - a)\,x"),
        ((yhat - y) * x, "x(ŷ − y)", "x*(yhat - y)", r"x(\hat{y} - y)"),
        (-(y - yhat) * x, "x(ŷ − y)", "x*(yhat - y)", r"x(\hat{y} - y)"),
        (-((1 - a) * x), "−x(1 − a)", "-x*(1 - a)", "-x(1 - a)"),
        (-(x + y) * w, "−w(x + y)", "-w*(x + y)", "-w(x + y)"),
        (-((x + y - z) * w), "−w(x + y − z)", "-w*(x + y - z)", "-w(x + y - z)"),
        (-1 / (1 - x), "−1/(1 − x)", "-1/(1 - x)", r"-\frac{1}{1 - x}"),
        (-1 / (x - y), "1/(y − x)", "1/(y - x)", r"\frac{1}{y - x}"),
        (
            -y / yhat + (1 - y) / (1 - yhat),
            "−y/ŷ + (1 − y)/(1 − ŷ)",
            "-y/yhat + (1 - y)/(1 - yhat)",
            r"-\frac{y}{\hat{y}} + \frac{1 - y}{1 - \hat{y}}",
        ),
        (2 * (x - y), "2(x − y)", "2*(x - y)", "2(x - y)"),
        (2 * x, "2x", "2*x", "2x"),
        (2 * 3**x, "2·3^x", "2*3**x", r"2 \cdot 3^{x}"),
        (x * 1e-9, "10⁻⁹·x", "1e-09*x", r"10^{-9}\,x"),
        (x / 3, "x/3", "x/3", r"\frac{x}{3}"),
        (2 * (x - y) / 3, "2(x − y)/3", "2*(x - y)/3", r"\frac{2(x - y)}{3}"),
        ((x + y) / 3, "(x + y)/3", "(x + y)/3", r"\frac{x + y}{3}"),
        (x / 41000, "x/41000", "x/41000", r"\frac{x}{41000}"),
        (x / 2, "½x", "0.5*x", r"\frac{1}{2}x"),
        ((x + y) / 2, "½(x + y)", "0.5*(x + y)", r"\frac{1}{2}(x + y)"),
        (x * math.pi, "π·x", "3.141592653589793*x", r"\pi\,x"),
        (x * 0.044715, "0.044715x", "0.044715*x", "0.044715x"),
        (3 * 0.044715 * x, "0.134145x", f"{3 * 0.044715}*x", "0.134145x"),
        (x * 0.12345678, "0.1235x", "0.12345678*x", "0.1235x"),
        (2 * math.sqrt(2) * x, "2√2·x", f"{2 * math.sqrt(2)}*x", r"2\sqrt{2}\,x"),
        (x / math.log(10), "x/ln 10", f"{1 / math.log(10)}*x", r"\frac{x}{\ln 10}"),
        (x / math.sqrt(2 * math.pi), "x/√(2π)", f"{1 / math.sqrt(2 * math.pi)}*x", r"\frac{x}{\sqrt{2\pi}}"),
        (
            cos(12345.678 * x) * 12345.678,
            "12346cos(12345.678x)",
            "12345.678*cos(12345.678*x)",
            r"12346\cos(12345.678x)",
        ),
        (12345.5 * x, "12345.5x", "12345.5*x", "12345.5x"),
        (x**y * (x - 1), "x^y·(x − 1)", "x**y*(x - 1)", r"x^{y}(x - 1)"),
        (y * tanh(x) ** (y - 1), "y·tanh(x)^(y − 1)", "y*tanh(x)**(y - 1)", r"y\,\tanh(x)^{y - 1}"),
        (1 / (2 * x**0.5), "1/(2√x)", "1/(2*sqrt(x))", r"\frac{1}{2\sqrt{x}}"),
        (0.1 / x, "0.1/x", "0.1/x", r"\frac{0.1}{x}"),
        (x / (y * w), "x/(y·w)", "x/(y*w)", r"\frac{x}{y\,w}"),
        (x / (y * (1 - y)), "x/(y(1 − y))", "x/(y*(1 - y))", r"\frac{x}{y(1 - y)}"),
        (x / (1 - y) ** 2, "x/(1 − y)²", "x/(1 - y)**2", r"\frac{x}{(1 - y)^{2}}"),
        ((x / y + 1) * w, "w(x/y + 1)", "w*(x/y + 1)", r"w\left(\frac{x}{y} + 1\right)"),
        (((x + y) * (w + 1) + 1) ** 2, "((x + y)(w + 1) + 1)²", "((x + y)*(w + 1) + 1)**2", "((x + y)(w + 1) + 1)^{2}"),
        (x**1.5, "x^(3/2)", "x**(3/2)", r"x^{\frac{3}{2}}"),
        (x ** (1 / 3), "x^(1/3)", "x**(1/3)", r"x^{\frac{1}{3}}"),
        (x ** (y / 2), "x^(½y)", "x**(0.5*y)", r"x^{\frac{1}{2}y}"),
        (x ** (y / w), "x^(y/w)", "x**(y/w)", r"x^{\frac{y}{w}}"),
        (x ** (y - 1), "x^(y − 1)", "x**(y - 1)", "x^{y - 1}"),
        ((x * y) ** w, "(x·y)^w", "(x*y)**w", r"(x\,y)^{w}"),
        ((x**y) ** 2, "(x^y)²", "(x**y)**2", "(x^{y})^{2}"),
        (sqrt(x), "√x", "sqrt(x)", r"\sqrt{x}"),
        (sqrt(x + y), "√(x + y)", "sqrt(x + y)", r"\sqrt{x + y}"),
        (exp(-x), "exp(−x)", "exp(-x)", "e^{-x}"),
        (exp(x) ** 2, "exp(x)²", "exp(x)**2", "(e^{x})^{2}"),
        (tanh(x) ** 2, "tanh(x)²", "tanh(x)**2", r"\tanh(x)^{2}"),
        (cos(w * x) * x, "x·cos(w·x)", "x*cos(w*x)", r"x\,\cos(w\,x)"),
        (sigmoid(z) - y, "σ(z) − y", "sigmoid(z) - y", r"\sigma(z) - y"),
        (
            sigmoid(z) * (1 - sigmoid(z)) * x,
            "x·σ(z)(1 − σ(z))",
            "x*sigmoid(z)*(1 - sigmoid(z))",
            r"x\,\sigma(z)(1 - \sigma(z))",
        ),
        (log(x / y), "log(x/y)", "log(x/y)", r"\log\left(\frac{x}{y}\right)"),
        (step(z) * x, "x·[z > 0]", "x*(z > 0)", r"x\,[z > 0]"),
        (abs(x - y), "|x − y|", "abs(x - y)", r"\left|x - y\right|"),
        (maximum(x, y), "max(x, y)", "maximum(x, y)", r"\max(x, y)"),
        (leaky_relu(x, a), "leaky_relu(x, a)", "leaky_relu(x, a)", r"\operatorname{leaky\_relu}(x, a)"),
        (logsumexp([x, y]), "logsumexp(x, y)", "logsumexp([x, y])", r"\operatorname{logsumexp}(x, y)"),
        (softmax([x, y])[1], "softmax(x, y)₂", "softmax([x, y])[1]", r"\operatorname{softmax}(x, y)_{2}"),
        (1 - a12**2, "1 − a[1](3)₂²", "1 - a[1](3)_2**2", "1 - (a^{[1](3)}_{2})^{2}"),
        (w11**x, "w[1]₁₁^x", "w[1]_11**x", "(w^{[1]}_{11})^{x}"),
        (2 * n, "2(my label)", "2*(my label)", r"2(\text{my label})"),
        (symbol("e+c", 1.0) ** 2 * x, "(e+c)²·x", "(e+c)**2*x", r"(\text{e+c})^{2}\,x"),
        (1 / symbol("2", 1.0), "1/(2)", "1/(2)", r"\frac{1}{(\text{2})}"),
        (
            symbol("sigma", 0.5) * (1 - symbol("sigma", 0.5)),
            "σ·(1 − σ)",
            "sigma*(1 - sigma)",
            r"\sigma \cdot (1 - \sigma)",
        ),
        (symbol("f", 0.5) * (x - 3), "f·(x − 3)", "f*(x - 3)", r"f \cdot (x - 3)"),
        (symbol("e", 0.5) ** 2 * exp(x), "e²·exp(x)", "e**2*exp(x)", r"(e)^{2}\,e^{x}"),
    ],
)
def test_formulas_look_as_a_person_would_write_them(formula, text, ascii, latex):
    assert formula.text() == text
    assert formula.ascii() == ascii
    assert formula.latex() == latex


def test_of_many_arguments_the_first_two_and_the_last_are_shown_except_in_full_ascii():
    many = logsumexp([symbol(f"x_{i}", 1.0) for i in range(6)])
    assert many.text() == "logsumexp(x₀, x₁, …, x₅)"
    assert many.latex() == r"\operatorname{logsumexp}(x_{0}, x_{1}, \ldots, x_{5})"
    assert Ascii(names.ascii_name).sum(many) == "logsumexp([x_0, x_1, ..., x_5])"
    assert many.ascii() == "logsumexp([x_0, x_1, x_2, x_3, x_4, x_5])"


@pytest.mark.parametrize(
    ("formula", "text"),
    [(x * y, "x·y"), (yhat - y, "(ŷ − y)"), (-x, "(−x)"), (a * (1 - a), "a(1 − a)"), (constant(-2.0), "(−2)")],
)
def test_a_factor_stands_in_parentheses_if_it_is_a_sum_or_negative(formula, text):
    assert Text(names.text).factor(formula) == text


def test_derivatives_are_ratios():
    assert Text(names.text).ratio("L", "w") == "∂L/∂w"
    assert Ascii(names.ascii_name).ratio("L", "w") == "dL/dw"
    assert Latex(names.latex).ratio("L", "w") == r"\frac{\partial L}{\partial w}"


# ---------------------------------------------------------------- well-formedness


def test_the_check_of_latex_notices_what_is_wrong():
    check_latex(r"\frac{w^{[1]}_{11}}{2} - (a^{2})^{2}")
    for wrong in ("a^{2}^{3}", "a^{[1]}_{2}^{2}", "{a", "a}", r"\left(a", r"\frac{a}{b_{1}_{2}}"):
        with pytest.raises(AssertionError):
            check_latex(wrong)


# ---------------------------------------------------------------- MathML


def outline(markup):
    """MathML as nested text: fractions as (a)/(b), powers as a^(b), roots as √(a), invisible signs left out."""

    def write(element):
        inner = [write(child) for child in element]
        match element.tag:
            case "mfrac":
                return f"({inner[0]})/({inner[1]})"
            case "msup":
                return f"{inner[0]}^({inner[1]})"
            case "msub":
                return f"{inner[0]}_({inner[1]})"
            case "msubsup":
                return f"{inner[0]}_({inner[1]})^({inner[2]})"
            case "msqrt":
                return f"√({''.join(inner)})"
        return (element.text or "").strip() + "".join(inner)

    return re.sub("[\u2061\u2062]", "", write(ET.fromstring(f"<math>{markup}</math>")))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (yhat - x, "y^−x"),
        (constant(0.0), "0"),
        (a * (1 - a) * x, "a(1−a)x"),
        (-y / yhat + (1 - y) / (1 - yhat), "−(y)/(y^)+(1−y)/(1−y^)"),
        (2 * 3**x, "2·3^(x)"),
        (x * 1e-9, "10^(−9)x"),
        (x ** (1 / 3), "x^((1)/(3))"),
        (sqrt(x + y), "√(x+y)"),
        (exp(-x) ** 2, "(e^(−x))^(2)"),
        (sigmoid(z) - y, "σ(z)−y"),
        (step(z) * x, "x[z>0]"),
        (abs(x - y), "|x−y|"),
        (maximum(x, y), "max(x,y)"),
        (softmax([x, y])[1], "softmax(x,y)_(2)"),
        (w11**x, "(w_(11)^([1]))^(x)"),
        (2 * n, "2(my label)"),
        (0.5 * symbol("sigma", 0.5) * (1 - x), "(1)/(2)σ·(1−x)"),
        (math.pi * x, "πx"),
    ],
)
def test_formulas_have_the_structure_in_mathml_that_they_have_on_paper(formula, expected):
    written = outline(Mathml(names.mathml).sum(formula))
    assert written == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (-0.5, '<mo form="prefix">−</mo><mn>0.5</mn>'),
        (2.4e-7, '<mn>2.4</mn><mo>×</mo><msup><mn>10</mn><mrow><mo form="prefix">−</mo><mn>7</mn></mrow></msup>'),
        (1e9, "<msup><mn>10</mn><mrow><mn>9</mn></mrow></msup>"),
        (-math.inf, '<mo form="prefix">−</mo><mi>∞</mi>'),
        (math.nan, "<mi>nan</mi>"),
    ],
)
def test_numbers_in_mathml_are_elements(number, expected):
    assert Mathml(names.mathml).number(number) == expected


def test_a_product_in_mathml_can_be_made_visible():
    markup = Mathml(names.mathml).sum(2 * x * (1 - a))
    assert markup.count("<mo>\u2062</mo>") == 2
    assert outline(markup.replace("\u2062", "·")) == "2·x·(1−a)"


def test_derivatives_in_mathml_are_fractions():
    assert outline(Mathml(names.mathml).ratio("<mi>L</mi>", "<mi>w</mi>")) == "(∂L)/(∂w)"


def test_many_arguments_in_mathml_are_shortened():
    many = logsumexp([symbol(f"x_{i}", 1.0) for i in range(6)])
    assert outline(Mathml(names.mathml).sum(many)) == "logsumexp(x_(0),x_(1),…,x_(5))"


LAYERED = dict(zip("xywab", ("x_1", "w[1]_1,2", "a[1](3)_2", "yhat", "my label"), strict=True))


@given(trees)
def test_random_formulas_are_well_formed_in_every_notation(tree):
    formula = formula_of(tree)
    for form in (formula, formula.simplified()):
        check_latex(form.latex(lambda label: names.latex(LAYERED[label])))
        text = form.text(lambda label: names.text(LAYERED[label]))
        assert not set("*-^") & set(text.replace("^(", ""))
        assert unicodedata.is_normalized("NFC", text)
        assert form.ascii(lambda label: names.ascii_name(LAYERED[label])).isascii()
        ET.fromstring(f"<math>{Mathml(lambda label: names.mathml(LAYERED[label])).sum(form)}</math>")
        compile(form.ascii(), "formula", "eval")


@given(st.data())
def test_random_formulas_are_understood_by_a_reader_of_latex(data):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    latex = formula_of(data.draw(trees)).simplified().latex(lambda label: names.latex(LAYERED[label]))
    mathtext.MathTextParser("path").parse(f"${latex}$")

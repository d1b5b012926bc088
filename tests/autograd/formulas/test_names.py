"""The grammar of names: every target against hand-written strings, then anything at all."""

import html
import re
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd.formulas.names import (
    Name,
    Names,
    ascii_name,
    dot_text,
    is_word,
    latex,
    mathml,
    parse,
    pieces,
    sibling,
    text,
    with_sample,
    with_time,
)

TARGETS = [ascii_name, text, latex, mathml, pieces]

# label, text, ASCII, LaTeX
WRITTEN = [
    ("w[1]_1,1", "w[1]₁₁", "w[1]_11", "w^{[1]}_{11}"),
    ("b[2]_1", "b[2]₁", "b[2]_1", "b^{[2]}_{1}"),
    ("z[2]_1", "z[2]₁", "z[2]_1", "z^{[2]}_{1}"),
    ("a[1](3)_2", "a[1](3)₂", "a[1](3)_2", "a^{[1](3)}_{2}"),
    ("x(i)_j", "x(i)ⱼ", "x(i)_j", "x^{(i)}_{j}"),
    ("W[l-1]", "W[l-1]", "W[l-1]", "W^{[l-1]}"),
    ("yhat_1", "ŷ₁", "yhat_1", r"\hat{y}_{1}"),
    ("ŷ_1", "ŷ₁", "yhat_1", r"\hat{y}_{1}"),
    ("y\u0302_1", "ŷ₁", "yhat_1", r"\hat{y}_{1}"),
    ("xbar", "x̄", "xbar", r"\bar{x}"),
    ("ytilde", "ỹ", "ytilde", r"\tilde{y}"),
    ("xdot", "ẋ", "xdot", r"\dot{x}"),
    ("thetahat", "θ̂", "thetahat", r"\hat{\theta}"),
    ("x_1", "x₁", "x_1", "x_{1}"),
    ("w_11", "w₁₁", "w_11", "w_{11}"),
    ("w_ij", "wᵢⱼ", "w_ij", "w_{ij}"),
    ("w1", "w₁", "w1", "w_{1}"),
    ("a12", "a₁₂", "a12", "a_{12}"),
    ("L", "L", "L", "L"),
    ("loss", "loss", "loss", r"\mathrm{loss}"),
    ("dW[2]", "dW[2]", "dW[2]", "dW^{[2]}"),
    ("alpha", "α", "alpha", r"\alpha"),
    ("α", "α", "alpha", r"\alpha"),
    ("beta_2", "β₂", "beta_2", r"\beta_{2}"),
    ("Sigma", "Σ", "Sigma", r"\Sigma"),
    ("Alpha", "Α", "Alpha", r"\mathrm{A}"),
    ("omicron", "ο", "omicron", "o"),
    ("lam", "λ", "lam", r"\lambda"),
    ("lambda", "λ", "lam", r"\lambda"),
    ("x'", "x′", "x'", r"x^{\prime}"),
    ("h'[2]_1", "h′[2]₁", "h'[2]_1", r"h^{\prime[2]}_{1}"),
    ("h<2>", "h⟨2⟩", "h<2>", r"h^{\langle 2\rangle}"),
    ("H[1]<t-1>_3", "H[1]⟨t−1⟩₃", "H[1]<t-1>_3", r"H^{[1]\langle t-1\rangle}_{3}"),
    ("ctilde[1]<2>(3)", "c̃[1]⟨2⟩(3)", "ctilde[1]<2>(3)", r"\tilde{c}^{[1]\langle 2\rangle(3)}"),
    ("a<b", "a<b", "a<b", r"\text{a\textless{}b}"),
    ("x_max", "xₘₐₓ", "x_max", r"x_{\mathrm{max}}"),
    ("x_c", "x_c", "x_c", "x_{c}"),
    ("x_beta,1", "xᵦ,₁", "x_beta,1", r"x_{{\beta},1}"),
    ("", "", "", r"\text{}"),
    ("hidden layer", "hidden layer", "hidden layer", r"\text{hidden layer}"),
    ("ℒ", "ℒ", "L", r"\mathcal{L}"),
    ("ℓ", "ℓ", "ell", r"\ell"),
    ("Höhe_1", "Höhe₁", r"H\u00f6he_1", r"\text{Höhe}_{1}"),
    ("Δw_2", "Δw₂", "Deltaw_2", r"\Delta w_{2}"),
    ("dβ", "dβ", "dbeta", r"d \beta"),
    ("señ", "señ", r"se\u00f1", r"\text{señ}"),
    ("∇ of β", "∇ of β", r"\u2207 of \u03b2", r"\nabla\text{ of }\beta"),
    ("modèle", "modèle", r"mod\u00e8le", r"\text{modèle}"),
    ("😀", "😀", r"\U0001f600", r"\text{😀}"),
    ("a_b_c", "a_b_c", "a_b_c", r"\text{a\_b\_c}"),
    ("f(x)", "f(x)", "f(x)", r"\text{f(x)}"),
    ("100%", "100%", "100%", r"\text{100\%}"),
    ("two\nlines", "two lines", "two lines", r"\text{two lines}"),
    ("\u2028", " ", " ", r"\text{ }"),
    ("</script>", "</script>", "</script>", r"\text{\textless{}/script\textgreater{}}"),
    (r"\N{}", r"\N{}", r"\N{}", r"\text{\textbackslash{}N\{\}}"),
    ("\x1b[31m", r"\u001b[31m", r"\u001b[31m", r"\text{\textbackslash{}u001b[31m}"),
    ("\ud800", r"\ud800", r"\ud800", r"\text{\textbackslash{}ud800}"),
]


@pytest.mark.parametrize(("label", "unicode", "plain", "tex"), WRITTEN)
def test_a_label_is_written_as_in_lecture_notes(label, unicode, plain, tex):
    assert (text(label), ascii_name(label), latex(label)) == (unicode, plain, tex)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("L", "<mi>L</mi>"),
        ("x_1", "<msub><mi>x</mi><mn>1</mn></msub>"),
        ("w_ij", "<msub><mi>w</mi><mrow><mi>i</mi><mi>j</mi></mrow></msub>"),
        ("dW", "<mrow><mi>d</mi><mi>W</mi></mrow>"),
        ("yhat", '<mover accent="true"><mi>y</mi><mo>^</mo></mover>'),
        (
            "w[1]_10,2",
            "<msubsup><mi>w</mi><mrow><mn>10</mn><mo>,</mo><mn>2</mn></mrow>"
            '<mrow><mo stretchy="false">[</mo><mn>1</mn><mo stretchy="false">]</mo></mrow>'
            "</msubsup>",
        ),
        (
            "W[l-1]",
            '<msup><mi>W</mi><mrow><mo stretchy="false">[</mo><mi>l</mi><mo>−</mo><mn>1</mn>'
            '<mo stretchy="false">]</mo></mrow></msup>',
        ),
        (
            "h<t>_1",
            '<msubsup><mi>h</mi><mn>1</mn><mrow><mo stretchy="false">⟨</mo><mi>t</mi>'
            '<mo stretchy="false">⟩</mo></mrow></msubsup>',
        ),
        ('a "b" <c> & d', "<mtext>a &quot;b&quot; &lt;c&gt; &amp; d</mtext>"),
    ],
)
def test_mathml_is_written_element_by_element(label, expected):
    assert mathml(label) == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("L", ("L", "", "")),
        ("w[1]_1,2", ("w", "[1]", "12")),
        ("w[l-1](3)_10,2", ("w", "[l−1](3)", "10,2")),
        ("yhat_beta", ("ŷ", "", "β")),
        ("h[1]<t-1>_2", ("h", "[1]⟨t−1⟩", "2")),
        ("w1", ("w", "", "1")),
        ("my\nlabel", ("my label", "", "")),
        ("</script>", ("</script>", "", "")),
    ],
)
def test_a_name_comes_in_pieces_for_who_sets_it_himself(label, expected):
    assert pieces(label) == expected
    assert Names([label]).pieces(label) == expected


def test_a_label_is_taken_apart():
    assert parse("w[1]_2,3") == Name("w", "1", None, ("2", "3"))
    assert parse("a[1](3)_2") == Name("a", "1", "3", ("2",))
    assert parse("w1") == Name("w", index=("1",), attached=True)
    assert parse("h[1]<2>(3)_4") == Name("h", "1", "3", ("4",), time="2")
    assert parse("not a name") is None


def test_index_commas_appear_where_the_index_would_be_ambiguous():
    assert text("w[1]_1,11") == "w[1]₁,₁₁"
    assert text("w[1]_11,1") == "w[1]₁₁,₁"
    assert text("w[1]_1,1", commas=True) == "w[1]₁,₁"
    assert text("w[1]_1,11", commas=False) == "w[1]₁₁₁"
    assert text("w_11", commas=True) == "w₁₁"


def test_one_index_of_ten_puts_commas_in_its_whole_layer_and_in_no_other():
    names = Names(["w[1]_1,1", "w[1]_10,1", "w[2]_1,1", "b[1]_10", "plain label"])
    assert names.text("w[1]_1,1") == "w[1]₁,₁"
    assert names.ascii("w[1]_1,1") == "w[1]_1,1"
    assert names.latex("w[1]_1,1") == "w^{[1]}_{1,1}"
    assert "<mo>,</mo>" in names.mathml("w[1]_1,1")
    assert names.text("w[2]_1,1") == "w[2]₁₁"
    assert names.text("b[1]_1") == "b[1]₁"
    assert names.text("v_1,12") == "v₁,₁₂"  # not among the labels: it speaks for itself
    assert names.text("plain label") == "plain label"


def test_a_sample_is_added_replaced_and_never_stacked():
    assert with_sample("a[1]_2", 3) == "a[1](3)_2"
    assert with_sample("a[1](3)_2", 4) == "a[1](4)_2"
    assert with_sample("x1", 0) == "x(0)_1"
    assert with_sample("L", "i") == "L(i)"
    assert with_sample("my loss", 1) == "my loss(1)"
    assert with_sample("my loss(1)", 2) == "my loss(2)"
    for wrong in (-1, "x", True, 1.5, "1)"):
        with pytest.raises(ValueError, match="a sample is a number from 0"):
            with_sample("L", wrong)


def test_a_step_is_added_where_there_is_none():
    assert (with_time("X", 2), with_time("A[1]_2", 13)) == ("X<2>", "A[1]<13>_2")
    assert with_time("h<1>", 2) is None
    assert with_time("not a name", 2) is None


def test_a_sibling_differs_in_the_base_only():
    assert sibling("z[2]_1", "a") == "a[2]_1"
    assert sibling("z1", "a") == "a1"
    assert sibling("z[2](3)_1,10", "yhat") == "yhat[2](3)_1,10"
    assert sibling("some words", "a") is None
    with pytest.raises(ValueError, match="a base is a letter, a Greek name or a word, got 'a b'"):
        sibling("z", "a b")


@pytest.mark.parametrize("target", [*TARGETS, parse, Names().text, lambda x: Names([x])])
@pytest.mark.parametrize("wrong", [1, None, b"w", ["w"], 2.0])
def test_what_is_no_string_is_named(target, wrong):
    with pytest.raises(TypeError, match=f"a label is a string, got {type(wrong).__name__}"):
        target(wrong)


def test_names_of_one_string_is_a_slip():
    with pytest.raises(TypeError, match="got one string 'w1'"):
        Names("w1")


ANYTHING = st.text(st.characters()) | st.text('wα1,_[]()hat\u0302 \n"\\<>&{}|#%$', max_size=12)
PART = st.from_regex(r"[0-9]{1,3}|[a-z]{1,4}", fullmatch=True)
NAME = st.builds(
    Name,
    st.sampled_from(["w", "yhat", "alpha", "loss", "Gamma", "ŷ", "θ"]),
    st.none() | st.sampled_from(["1", "12", "l", "L", "l-1"]),
    st.none() | st.sampled_from(["0", "31", "i", "m"]),
    st.lists(PART, max_size=3).map(tuple),
    time=st.none() | st.sampled_from(["1", "28", "t", "t-1"]),
)


# What lectures write, and the same name in the grammar.
OF_LECTURES = [
    (r"w_{12}^{[2]}", "w[2]_12"),
    (r"w^{[2]}_{1,2}", "w[2]_1,2"),
    (r"w_{i, j}^{[\ell]}", "w[l]_i,j"),
    ("w^[2]_12", "w[2]_12"),
    ("W^{[l-1]}", "W[l-1]"),
    (r"\mathbf{a}^{[L]}", "a[L]"),
    ("a_2^3", "a[3]_2"),
    ("a^{l}_{j}", "a[l]_j"),
    ("x^(2)", "x(2)"),
    (r"\tilde{y}^{(2)}", "ytilde(2)"),
    ("x^{(i)}_j", "x(i)_j"),
    ("w^{(L)}_{jk}", "w^(L)_jk"),
    ("w_jk^(L)", "w^(L)_jk"),
    ("a^(L-1)", "a^(L-1)"),
    ("a^{[1](3)}_{2}", "a[1](3)_2"),
    ("y_hat", "yhat"),
    ("y_hat_1", "yhat_1"),
    (r"\hat{y}", "yhat"),
    (r"\hat{\theta}_1", "thetahat_1"),
    (r"\theta_{12}", "theta_12"),
    ("$w_{12}$", "w_12"),
    ("w₁₂", "w_12"),
    ("x'^[1]", "x'[1]"),
    ("h^{<t>}", "h<t>"),
    (r"h^{\langle t-1 \rangle}_1", "h<t-1>_1"),
    ("a^{[1]<2>}", "a[1]<2>"),
    ("x^<3>", "x<3>"),
    ("c⟨2⟩", "c<2>"),
    (r"\mathcal{L}", "ℒ"),
    (r"\ell_1", "ell_1"),
    ("w_{i,j}^{[ℓ]}", "w[l]_i,j"),
    ("δ^L", "δ[L]"),
    (r"\delta^{l-1}", "delta[l-1]"),
    ("a1^(2)", "a(2)_1"),
    ("w[1]12", "w[1]_12"),
    ("a[1](3)2", "a[1](3)_2"),
    (r"x_{\text{in}}", "x_in"),
    (r"x_\mathrm{in}^{[1]}", "x[1]_in"),
    (r"\vec{x}_2", "x_2"),
]


@pytest.mark.parametrize(("written", "name"), OF_LECTURES)
def test_what_lectures_write_is_read_as_the_same_name_everywhere(written, name):
    assert parse(written) == parse(name) is not None
    assert parse(written).label() == name
    for target in TARGETS:
        assert target(written) == target(name)


def test_a_layer_in_parentheses_is_written_above_the_line():
    assert (text("w_jk^(L)"), ascii_name("w_jk^(L)"), latex("w_jk^(L)")) == ("w^(L)ⱼₖ", "w^(L)_jk", "w^{(L)}_{jk}")
    assert pieces("a^(L-1)") == ("a", "(L−1)", "")
    assert mathml("a^(L)").startswith("<msup><mi>a</mi>")


def test_latex_asks_for_no_letter_that_plain_latex_lacks():
    """Behind \\text{...} only what pdflatex sets with no further package: Latin letters, not Δ or ∇."""
    for label in ("Δw", "ΔΩ_1", "x → y", "∇L", "a ≤ b", "‖w‖", "Höhe λ", "ℒ of ℓ"):
        assert max(latex(label)) <= "ž", label


@pytest.mark.parametrize("label", ["x²", "e+c", "w^[1]^[2]", "w_1_2", "2", r"\hat{ab}", "f(x)", "x^(y+z)"])
def test_what_is_an_expression_is_no_name(label):
    assert parse(label) is None
    assert text(label) == label


@pytest.mark.parametrize(
    ("label", "as_text", "as_latex"),
    [
        ("x^2", "x²", "x^{2}"),
        ("sigma^{2}", "σ²", r"\sigma^{2}"),
        ("sigma_B^2", "σ_B²", r"\sigma^{2}_{B}"),
        ("σ²", "σ²", r"\sigma^{2}"),
    ],
)
def test_the_square_of_a_name_is_no_name_and_written_as_a_square(label, as_text, as_latex):
    assert parse(label) is None
    assert (text(label), latex(label)) == (as_text, as_latex)
    assert "<msup>" in mathml(label)
    assert pieces(label)[1] == "2"


def test_the_step_before_stands_in_braces():
    assert (text("h_{t-1}"), ascii_name("h_{t-1}"), latex("h_{t-1}")) == ("hₜ₋₁", "h_{t-1}", "h_{t-1}")
    assert text("c_{b-1}") == "c_{b−1}"
    assert parse(parse("W_{t-1,2}").label()) == parse("W_{t-1,2}")
    assert parse("hₜ₋₁") == parse("h_{t-1}")
    assert parse("h_t-1") is None  # a difference


def test_a_long_word_in_an_index_stands_on_the_line():
    assert text("learning_rate") == "learning_rate"
    assert text("w_out") == "wₒᵤₜ"


def test_words_need_no_parentheses_in_a_formula_and_expressions_do():
    for word in ("w[1]_1", "größe", "a_b_c", "x1y", "h'"):
        assert is_word(word), word
    for no_word in ("e+c", "1/2", "x²", "-x", "2", "2x", "", "f(x)", "hidden layer"):
        assert not is_word(no_word), no_word


@pytest.mark.slow
@given(NAME)
def test_a_name_and_its_label_are_the_same_thing(name):
    assert parse(name.label()) == name


@given(ANYTHING)
def test_a_label_that_parses_has_one_canonical_form(label):
    name = parse(label)
    assert name is None or parse(name.label()) == name


@pytest.mark.slow
@given(ANYTHING | NAME.map(Name.label), st.none() | st.booleans())
def test_any_label_can_be_written_for_any_reader(label, commas):
    plain = ascii_name(label, commas=commas)
    assert plain.isascii()
    assert plain.isprintable()
    assert len(text(label, commas=commas).splitlines()) <= 1
    ET.fromstring(mathml(label, commas=commas))  # well formed
    tex = re.sub(r"\\[{}]", "", latex(label, commas=commas))
    depths = [tex[:i].count("{") - tex[:i].count("}") for i in range(len(tex) + 1)]
    assert min(depths) == 0 == depths[-1]
    assert not re.search(r"(?<!\\)[$&#%~\n]", tex)


def shown_by_graphviz(quoted):
    """What a plain label shows: escapes undone as Graphviz does, then entities."""
    undone = re.sub(r"\\(.)", lambda m: m[1] if m[1] in '"\\' else pytest.fail(m[0]), quoted)
    assert not re.search(r'(?<!\\)(?:\\\\)*"', quoted)
    return html.unescape(undone)


@given(ANYTHING)
def test_dot_shows_any_label_as_its_text(label):
    assert shown_by_graphviz(dot_text(text(label))) == text(label)


def test_dot_leaves_nothing_to_interpret():
    assert dot_text(r'say "hi" \N \G') == r"say \"hi\" \\N \\G"
    assert dot_text("&lt;b&gt;") == "&amp;lt;b&amp;gt;"
    assert dot_text("<b>bold</b>") == "<b>bold</b>"  # plain between quotes
    assert dot_text("one\r\ntwo") == "one  two"


@pytest.mark.slow
@pytest.mark.parametrize(
    "label",
    [
        "x" * 10_000,
        "w_" + "1," * 500_000,
        "w_" + "1" * 1_000_000 + "!",
        "w[" * 500_000,
        "\u0302" * 10_000,
        "(1" * 500_000,
        "hat" * 300_000,
        "\\" * 10_000,
        "😀" * 10_000,
    ],
    ids=lambda label: f"{label[:4]!a} x {len(label)}",
)
def test_a_label_of_any_length_is_read_in_linear_time(label):
    start = time.perf_counter()
    for target in TARGETS:
        target(label)
    with_sample(label, 1)
    assert time.perf_counter() - start < 10  # quadratic would be hours

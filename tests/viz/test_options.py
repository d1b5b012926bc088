"""One vocabulary over all that draws: every word on every function it is promised for."""

import inspect
import re

import pytest
from drawings import dot_statements, lecture_net
from oracles import ROOT
from pages import data_of
from sizes import slow_rows

import viz
from autograd import Tensor, Value, derive, squared_error, tanh
from nn import Dense, inputs
from viz.options import OPTIONS

PROMISED = [  # plots are drawn by matplotlib and tested where they are
    (word, function)
    for word, option in OPTIONS.items()
    for function in option.on
    if option.shown and not function.startswith("plot_")
]


def a_loss():
    w, x, y = Value(0.123456789, "w"), Value(2.0, "x"), Value(1.0, "y")
    z = w * x
    z.label = "z"
    loss = (tanh(z) - y) ** 2
    loss.label = "L"
    loss.backward()
    return loss, w


def subject(function):
    """What a function draws in these tests."""
    loss, w = a_loss()
    return {
        "draw_paths": derive(loss, w),
        "draw_network": lecture_net(),
        "beside": viz.draw_network(lecture_net()),
    }.get(function, loss)


def drawn(function, *more, **options):
    """The text of a picture or page."""
    made = getattr(viz, function)(subject(function), *more, **options)
    if isinstance(made, viz.Steps):
        made = made[1].picture()
    return next((getattr(made, part) for part in ("source", "html", "svg") if hasattr(made, part)), str(made))


def values(word, function):
    """What the table shows a word with; in a net weights have the names of lectures."""
    return ("w[1]_1,2",) if (word, function) == ("highlight", "draw_network") else OPTIONS[word].shown


# The quick run takes each word on one function.
FIRST = [(word, next(function for other, function in PROMISED if other == word)) for word in dict(PROMISED)]


@pytest.mark.parametrize(
    ("word", "function"), [*FIRST, *slow_rows(*(row for row in PROMISED if row not in FIRST))], ids=lambda x: x
)
def test_a_word_is_taken_by_every_function_that_promises_it_and_changes_the_picture(word, function):
    default = inspect.signature(getattr(viz, function)).parameters[word].default
    x = [[0.123456789, 2.0]] if function == "draw_network" else []  # the numbers that a net writes are activations
    plain = drawn(function, *x)
    pictures = [drawn(function, *x, **{word: value}) for value in values(word, function)]
    assert any(picture != plain for picture in pictures)
    assert drawn(function, *x, **{word: default}) == plain


@pytest.mark.parametrize("function", ["draw_graph", "draw_paths", "draw_network", "explore"])
def test_the_words_of_a_function_are_those_of_the_table(function):
    taken = set(inspect.signature(getattr(viz, function)).parameters) & set(OPTIONS)
    assert taken == {word for word, option in OPTIONS.items() if function in option.on}


@pytest.mark.parametrize("function", ["draw_graph", "draw_paths", "draw_network", "explore"])
def test_every_word_is_explained_where_it_is_promised(function):
    text = inspect.getdoc(getattr(viz, function))
    for word, option in OPTIONS.items():
        if function in option.on:
            assert re.search(rf"\b{word}\b", text), word


@pytest.mark.parametrize("function", ["draw_graph", "draw_paths", "draw_network", "explore"])
@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("tilte", "did you mean 'title'"),
        ("filename", r"here it is .save\("),
        ("format", "the ending of the name"),
        ("dpi", r"save\(.net.png., dpi=200\)"),
        ("precision", "here it is digits=3"),
        ("qqqq", "no other is like it; known: level"),
    ],
)
def test_an_unknown_word_is_answered_with_those_that_there_are(function, word, hint):
    with pytest.raises(TypeError, match=rf"^{function}: unknown option '{word}'; .*{hint}"):
        drawn(function, **{word: 1})
    with pytest.raises(TypeError, match="title"):
        drawn(function, **{word: 1})


def test_a_word_of_another_function_is_named_as_its():
    with pytest.raises(TypeError, match="explore: unknown option 'direction'; it is one of draw_graph, draw_paths"):
        drawn("explore", direction="TB")


@pytest.mark.parametrize(
    ("word", "value", "error", "message"),
    [
        ("digits", 0, ValueError, "positive integer, got 0"),
        ("digits", 18, ValueError, "at most 17 significant digits"),
        ("digits", 2.5, TypeError, "positive integer"),
        ("title", 3, TypeError, "expected the title to be a string"),
        ("show", "numbers", ValueError, "unknown show 'numbers'; .*known: both"),
        ("show", ("data", "gard"), ValueError, "did you mean 'grad'"),
        ("show", 3, TypeError, "several of 'names', 'data', 'grad'"),
        ("direction", "down", ValueError, "unknown direction 'down'"),
        ("edges", "formulas", ValueError, "did you mean 'formula'"),
        ("legend", 1, TypeError, "True or False"),
        ("width", "wide", ValueError, "such as '8.6cm'; got 'wide'"),
        ("width", "8.6", ValueError, "with its unit such as '8.6cm'; got '8.6'"),
        ("width", -1, ValueError, "more than 0"),
        ("width", "0cm", ValueError, "more than 0"),
        ("highlight", 3, TypeError, "nodes or their names"),
        ("highlight", "q", ValueError, "'q' is not in this picture"),
    ],
)
def test_a_value_that_no_picture_can_have_is_refused(word, value, error, message):
    functions = OPTIONS[word].on
    for function in functions:
        with pytest.raises(error, match=rf"(?s)({function}|unknown).*{message}|{message}"):
            drawn(function, **{word: value})


# ---------------------------------------------------------------- what each of them does


@pytest.mark.parametrize("function", ["draw_graph", "draw_paths"])
def test_digits_are_those_of_every_number(function):
    assert "0.1234568" in drawn(function, digits=7)
    assert "0.12" in drawn(function, digits=2)
    assert "0.123" not in drawn(function, digits=2)


def test_digits_reach_the_arrays_of_tensors():
    w = Tensor([1.23456, 2.0], "W")
    assert "[ 1.23   2 ]" in viz.draw_graph((w * w).sum(), digits=3).source


@pytest.mark.parametrize(
    ("show", "label"),
    [
        ("both", r"w = 0.1235\ngrad −2.854"),
        ("data", "w = 0.1235"),
        ("grad", r"w\ngrad −2.854"),
        ("names", "w"),
        (("data",), "0.1235"),
        (("names", "grad"), r"w\ngrad −2.854"),
        (None, ""),
    ],
)
def test_a_node_shows_what_was_asked_for(show, label):
    loss, w = a_loss()
    drawing = viz.draw_graph(loss, show=show)
    nodes, _ = dot_statements(drawing)
    assert nodes[drawing.id_of(w)]["label"] == label


@pytest.mark.parametrize(
    ("edges", "labels"),
    [("number", {"2", "0.1235", "−1.427"}), ("formula", {"x", "w"}), (None, set())],
)
def test_edges_carry_numbers_formulas_or_nothing(edges, labels):
    _, found = dot_statements(viz.draw_graph(a_loss()[0], edges=edges))
    written = {a["label"] for *_, a in found if "label" in a}
    assert labels <= written
    assert bool(written) is (edges is not None)


def test_edges_of_tensors_carry_formulas():
    w = Tensor([1.0, 2.0], "W")
    with pytest.raises(ValueError, match="edges of Tensors carry formulas"):
        viz.draw_graph((w * w).sum(), edges="number")


@pytest.mark.parametrize(("width", "inches"), [(3.5, 3.5), ("8.89cm", 3.5), ("88.9 mm", 3.5), ("3.5in", 3.5)])
def test_a_width_is_one_in_inches_and_in_centimetres(width, inches):
    assert f'size="{inches:g},1000"' in drawn("draw_graph", width=width)
    assert f'width="{72 * inches:.1f}pt"' in drawn("draw_network", width=width)


def test_what_is_highlighted_may_be_a_node_its_name_or_a_spelling_of_it():
    net = lecture_net()
    loss = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    weight = net.layers[0].neurons[0].w[1]
    ways = [
        viz.draw_graph(loss, level="named", highlight=h).source for h in (weight, "w[1]_1,2", "w^[1]_{12}", [weight])
    ]
    assert len(set(ways)) == 1
    assert ways[0] != viz.draw_graph(loss, level="named").source
    nets = [viz.draw_network(net, highlight=h).svg for h in (weight, "w[1]_1,2", "w^[1]_{12}")]
    assert len(set(nets)) == 1


def test_a_weight_between_units_is_highlighted_on_its_edge():
    net = lecture_net()
    loss = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    _, edges = dot_statements(viz.draw_graph(loss, level="neurons", highlight="w[2]_1,2"))
    assert [a["label"] for *_, a in edges if a.get("penwidth") == "4"] == ["0.45"]


def test_a_page_writes_its_numbers_with_so_many_digits():
    assert data_of(drawn("explore", digits=7))["digits"] == 7


def test_a_hostile_title_stays_text():
    title = '"]; n0 -> n1 <b> \\N &amp;'
    for function in (function for word, function in PROMISED if word == "title"):
        text = drawn(function, title=title)
        assert "<b>" not in text or function in ("draw_graph", "draw_paths")  # in DOT it is in quotes
    assert dot_statements(viz.draw_graph(a_loss()[0], title=title))[1] == dot_statements(viz.draw_graph(a_loss()[0]))[1]


# ---------------------------------------------------------------- the documentation


def test_the_table_of_the_documentation_is_that_of_the_code():
    text = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)=` \|(.*)\|$", text, re.M))
    assert list(rows) == list(OPTIONS)
    plots = {name for name in viz.__all__ if name.startswith("plot_")}
    for word, option in OPTIONS.items():
        says, _, known = rows[word].rpartition(" | ")
        assert says.strip() == option.says
        found = set(re.findall(r"`(\w+)`", known)) | (plots if "every `plot_*`" in known else set())
        assert found == set(option.on), word


def test_a_question_in_a_message_ends_with_its_own_sign():
    calls = (
        lambda: viz.draw_graph(Value(1.0, "x"), widht="8.6cm"),
        lambda: Tensor([1.0], lable="x"),
        lambda: Dense(3, activaton="relu"),
    )
    for call in calls:
        with pytest.raises(TypeError, match=r"did you mean '\w+'\? known: "):
            call()


def test_an_argument_too_many_is_told_what_there_is_by_name():
    loss = Value(2.0, "w") * 3
    with pytest.raises(TypeError, match=r"^explore: too many positional arguments; by name it takes level, title, "):
        viz.explore(loss, None, 5)
    with pytest.raises(TypeError, match=r"^draw_graph: missing a required argument: 'root'; by name it takes level, "):
        viz.draw_graph()

"""draw_network: every weight as a line of its colour and width, large layers elided, nothing changed."""

import math
import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from drawings import lecture_net
from named_pipes import Pipe, posix
from oracles import run
from scenes import elements

from autograd import Tensor, squared_error
from nn import MLP, Activation, BatchLayer, Dense, Dropout, Flatten, Layer, Neuron, Sequential, inputs, to_sequential
from nn.activations import RandomizedLeakyReLU
from viz import Picture, draw_network
from viz.networks import columns_of
from viz.style import LIGHT

NS = "{http://www.w3.org/2000/svg}"


def lecture():
    """Lecture 20's 2-2-2 net after its backward pass."""
    net = lecture_net()
    squared_error(net(inputs([0.05, 0.10])), [0.01, 0.99]).backward()
    return net


def titled(picture, kind):
    """What a pointer is told on every line or unit, with the attributes of its line or its ground."""
    found = {}
    for group in elements(picture.svg, "g", "mark") if kind == "unit" else elements(picture.svg, "path", "line"):
        title = group.find(f"{NS}title")
        if title is not None:
            shape = next(e for e in group.iter() if e.get("class") == "ground") if kind == "unit" else group
            found[title.text.splitlines()[0]] = shape.attrib | {"at": group.get("transform", "")}
    return found


def measured(looks):
    """The same, with its measures as numbers."""
    return {
        title: {name: float(text) if re.fullmatch(r"-?[\d.]+", text) else text for name, text in look.items()}
        for title, look in looks.items()
    }


def texts(picture):
    return ["".join(t.itertext()) for t in ET.fromstring(picture.svg).iter(f"{NS}text")]


def test_every_weight_is_a_line_with_its_number_and_its_gradient():
    lines = titled(draw_network(lecture()), "line")
    assert sorted(lines) == [
        "w[1]₁₁ = 0.15, grad 0.0004386",
        "w[1]₁₂ = 0.2, grad 0.0008771",
        "w[1]₂₁ = 0.25, grad 0.0004977",
        "w[1]₂₂ = 0.3, grad 0.0009954",
        "w[2]₁₁ = 0.4, grad 0.08217",
        "w[2]₁₂ = 0.45, grad 0.08267",
        "w[2]₂₁ = 0.5, grad −0.0226",
        "w[2]₂₂ = 0.55, grad −0.02274",
    ]


def test_a_line_goes_from_the_unit_to_the_unit_that_its_weight_joins():
    picture = draw_network(MLP(2, [3], rng=0), [5.0, 7.0])
    units = {t.split(" = ")[0]: look["at"] for t, look in titled(picture, "unit").items()}
    for title, line in titled(picture, "line").items():
        j, k = re.match(r"w\[1\](.)(.)", title).groups()
        start, end = re.fullmatch(r"M([\d. ]+)L([\d. ]+)", line["d"]).groups()
        assert f"translate({start})" == units[f"x{k}"]
        assert f"translate({end})" == units[f"a[1]{j}"]


def test_weights_and_biases_of_a_small_net_are_written_and_those_of_a_large_one_are_not():
    said = texts(draw_network(lecture()))
    assert {"0.15", "0.2", "0.25", "0.3", "0.4", "0.45", "0.5", "0.55"} <= set(said)
    assert said.count("b 0.35") == said.count("b 0.6") == 2
    assert not {"0.15", "b 0.35"} & set(texts(draw_network(lecture(), edges=None)))
    large = draw_network(MLP(9, [9], rng=0))
    assert not elements(large.svg, "g", "label")
    assert {"w[1]11", "w[1]12"} <= set(texts(draw_network(lecture(), edges="formula")))


def test_activations_of_a_sigmoid_are_tinted_on_a_fixed_scale():
    def grounds(activation, z):
        net = MLP.from_weights([[[1.0], [1.0]]], [[z, 0.0]], activation, activation)
        return [look["fill"] for t, look in titled(draw_network(net, [0.0]), "unit").items() if t.startswith("a")]

    assert grounds("sigmoid", 0.0) == grounds("sigmoid", 5.0)[1:] * 2
    assert grounds("relu", 2.0)[0] == grounds("relu", 9.0)[0]  # the largest of the layer has the full tint


def test_a_scale_that_is_given_is_the_same_in_several_pictures():
    def widths(factor, **options):
        net = MLP.from_weights([[[0.5 * factor, 1.0 * factor]]], [[0.0]])
        lines = titled(draw_network(net, **options), "line")
        return [float(lines[t]["stroke-width"]) for t in sorted(lines)]

    assert widths(1) == widths(2)
    assert widths(1, scale=2.0)[1] == widths(2, scale=2.0)[0] == widths(4, scale=4.0)[0]
    assert widths(1, scale=2.0) < widths(1)
    assert widths(9, scale=2.0)[0] == widths(9, scale=2.0)[1]  # none is wider than the widest
    with pytest.raises(ValueError, match="draw_network: scale: expected a positive number"):
        draw_network(lecture(), scale=0)


def test_the_input_of_a_model_of_images_is_an_image():
    model = sequential(Dense(3, "relu"), shape=(8, 8))
    image = np.zeros((8, 8))
    image[2:4, 1:7] = 1.0
    picture = draw_network(model, image)
    (drawn,) = elements(picture.svg, "g", "image")
    pieces = [e for e in drawn.iter(f"{NS}rect") if e.get("class") != "ground"]
    assert len(pieces) == 2  # a run of equal pixels is one
    assert {e.get("fill") for e in pieces} == {LIGHT.ink}
    side = float(pieces[0].get("height"))
    assert float(pieces[0].get("width")) == pytest.approx(6 * side, rel=0.01)
    assert not elements(draw_network(model).svg, "g", "image")
    assert not elements(draw_network(model, image, max_units=64).svg, "g", "image")


def test_activations_stand_in_the_circles_when_an_input_is_given():
    picture = draw_network(lecture(), [0.05, 0.10])
    assert list(titled(picture, "unit")) == [
        "x₁ = 0.05",
        "x₂ = 0.1",
        "a[1]₁ = 0.5933, bias 0.35",
        "a[1]₂ = 0.5969, bias 0.35",
        "a[2]₁ = 0.7514, bias 0.6",
        "a[2]₂ = 0.7729, bias 0.6",
    ]
    assert {"0.05", "0.5933", "0.5969", "0.7514", "0.7729"} <= set(texts(picture))
    assert "0.5933" not in texts(draw_network(lecture()))


def test_sign_is_told_by_colour_and_dash_and_size_by_width():
    net = MLP.from_weights([[[2.0, -1.0, 0.0]]], [[0.0]])
    lines = {t[5]: a for t, a in titled(draw_network(net), "line").items()}
    assert [lines[k]["stroke"] for k in "₁₂₃"] == [LIGHT.positive, LIGHT.negative, LIGHT.grey]
    dashes = [lines[k].get("stroke-dasharray") for k in "₁₂₃"]
    assert dashes[0] is None
    assert len(set(dashes)) == 3
    widths = [float(lines[k]["stroke-width"]) for k in "₁₂₃"]
    assert widths == sorted(set(widths), reverse=True)
    assert widths[1] - widths[2] == pytest.approx((widths[0] - widths[2]) / 2, abs=0.02)


def test_the_colour_can_tell_gradients():
    lines = titled(draw_network(lecture(), color="grad"), "line")
    assert lines["w[2]₂₂ = 0.55, grad −0.02274"]["stroke"] == LIGHT.negative
    assert titled(draw_network(lecture()), "line")["w[2]₂₂ = 0.55, grad −0.02274"]["stroke"] == LIGHT.positive
    assert "largest |grad| 0.08267" in texts(draw_network(lecture(), color="grad"))
    assert "largest |weight| 0.55" in texts(draw_network(lecture()))


def test_a_large_layer_shows_its_first_and_last_units_and_how_many_are_left_out():
    picture = draw_network(MLP(100, [3], rng=0), max_units=5)
    names = [t for t in titled(picture, "unit") if t.startswith("x")]
    assert names == ["x₁", "x₂", "x₃", "x₉₉", "x₁₀₀"]
    assert "⋮ 95 more" in texts(picture)
    assert "100 units" in texts(picture)
    assert len(titled(picture, "line")) == 15


@pytest.mark.parametrize(("size", "most", "shown"), [(4, 4, 4), (5, 4, 4), (5, 1, 1), (1, 1, 1)])
def test_never_more_units_than_asked_for(size, most, shown):
    assert sum(t.startswith("x") for t in titled(draw_network(MLP(size, [1], rng=0), max_units=most), "unit")) == shown


def test_captions_name_the_layers_with_their_units():
    shown = texts(draw_network(MLP(3, [4, 1], "tanh", "sigmoid", rng=0)))
    for caption in ("input", "tanh", "sigmoid", "3 units", "4 units", "1 unit"):
        assert caption in shown


@pytest.mark.slow
def test_a_net_for_digits_is_drawn_with_long_layers_shortened():
    net = MLP(784, [16, 16, 10], "sigmoid", "softmax", rng=0)
    picture = draw_network(net, [0.5] * 784)
    assert "⋮ 768 more" in texts(picture)
    assert len(titled(picture, "line")) == 16 * 16 + 16 * 16 + 16 * 10


def test_a_single_layer_is_a_net_too():
    assert "w₂₁" in {t.split(" = ")[0] for t in titled(draw_network(Layer(1, 2, rng=0)), "line")}


def test_columns_are_all_that_is_drawn():
    net = lecture()
    first, hidden, output = columns_of(net, [0.05, 0.10])
    assert (first.caption, first.size, first.weights) == ("input", 2, None)
    assert hidden.weights.tolist() == [[0.15, 0.20], [0.25, 0.30]]
    assert output.gradients[1].tolist() == [w.grad for w in net.layers[1].neurons[1].w]
    assert output.activations == pytest.approx([0.75136507, 0.772928465], abs=1e-9)  # as the lecture has them


def test_drawing_changes_nothing_and_draws_no_random_number():
    net = MLP(2, [2, 1], RandomizedLeakyReLU(rng=3), rng=0)
    net(inputs([1.0, 2.0])).backward()
    before = [(p.data, p.grad, p.label) for p in net.parameters()]
    state = net.layers[0].activation.rng.bit_generator.state
    draw_network(net, [1.0, -2.0])
    assert [(p.data, p.grad, p.label) for p in net.parameters()] == before
    assert net.layers[0].activation.rng.bit_generator.state == state
    assert all(module.training for module in net.modules())


def test_an_input_may_be_values_or_an_array():
    for x in (inputs([0.05, 0.10]), np.array([0.05, 0.10]), (0.05, 0.10)):
        assert draw_network(lecture(), x).svg == draw_network(lecture(), [0.05, 0.10]).svg


def test_nan_and_infinity_are_shown_as_such():
    net = MLP.from_weights([[[math.nan, math.inf]]], [[0.0]])
    picture = draw_network(net, [1.0, math.nan])
    lines = titled(picture, "line")
    assert set(lines) == {"w[1]₁₁ = nan, grad 0", "w[1]₁₂ = inf, grad 0"}
    assert "nan" in texts(picture)
    assert all(math.isfinite(float(a["stroke-width"])) for a in lines.values())


def test_the_same_net_gives_the_same_picture():
    assert draw_network(MLP(3, [5, 2], rng=1)).svg == draw_network(MLP(3, [5, 2], rng=1)).svg


def test_text_of_an_activation_is_escaped():
    def hostile(z):
        return z * 1.0

    hostile.__name__ = "<script>&\"'"
    assert "<script>&\"'" in texts(draw_network(MLP(1, [1, 1], hostile)))


@pytest.mark.slow
def test_no_renderer_is_needed():
    code = (
        "import os, sys; os.environ['PATH'] = ''; sys.modules['resvg_py'] = None;"
        "from nn import MLP; from viz import draw_network; print(draw_network(MLP(1, [1]))._repr_svg_()[:4])"
    )
    assert run(code) == "<svg"


# ---------------------------------------------------------------- wrong inputs


@pytest.mark.parametrize("model", [None, 3.0, [1, 2], Neuron(1)])
def test_another_model_is_refused(model):
    with pytest.raises(TypeError, match="draw_network: expected an MLP, a Layer, a model or a loss of Values, got"):
        draw_network(model)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"color": "weights"}, ValueError, "unknown color 'weights'; did you mean 'weight'"),
        ({"max_units": 0}, ValueError, "expected max_units to be a positive integer, got 0"),
        ({"max_units": 2.5}, TypeError, "expected max_units to be a positive integer"),
        ({"x": [1.0]}, ValueError, "expected 2 inputs, got 1"),
        ({"x": "ab"}, TypeError, "expected a list, tuple or 1-d array"),
    ],
)
def test_a_wrong_argument_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        draw_network(lecture(), **options)


# ---------------------------------------------------------------- the Picture


def test_a_notebook_shows_the_svg():
    picture = draw_network(lecture())
    assert isinstance(picture, Picture)
    shown = picture._repr_svg_()
    assert shown == picture._repr_mimebundle_()["image/svg+xml"]
    assert shown.replace(' style="max-width: 100%; height: auto"', "", 1) == picture.svg
    assert picture.pipe(encoding="utf-8") == picture.svg


@pytest.mark.parametrize(
    ("name", "options", "written"),
    [
        ("net.svg", {}, "net.svg"),
        ("NET.SVG", {}, "NET.SVG"),
        ("net", {}, "net.svg"),
        ("net.v2", {"format": "svg"}, "net.v2.svg"),
    ],
)
def test_save_writes_the_file_that_was_named(tmp_path, name, options, written):
    (tmp_path / written).write_text("old", encoding="utf-8")
    assert draw_network(lecture()).save(tmp_path / name, **options) == str(tmp_path / written)
    assert [p.name for p in tmp_path.iterdir()] == [written]
    assert ET.parse(tmp_path / written).getroot().tag == f"{NS}svg"


@posix
@pytest.mark.parametrize("name", ["pipe", "pipe.svg"])
def test_a_picture_goes_through_a_pipe(tmp_path, name):
    pipe = Pipe(tmp_path / name)
    picture = draw_network(lecture())
    assert picture.save(pipe.path) == str(pipe.path)
    assert pipe.read().decode() == picture.svg
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.slow
def test_a_png_has_the_resolution_that_was_asked_for(tmp_path):
    pytest.importorskip("resvg_py", reason="needs resvg_py")
    pytest.importorskip("fontpkg_arimo", reason="needs fontpkg-arimo")
    picture = draw_network(lecture())
    small, large = (picture.pipe("png", dpi=dpi) for dpi in (96, 192))
    width = [int.from_bytes(png[16:20], "big") for png in (small, large)]
    assert width[0] == pytest.approx(float(re.search(r'viewBox="0 0 ([\d.]+)', picture.svg)[1]), abs=1)
    assert width[1] == pytest.approx(2 * width[0], abs=1)
    assert picture.save(tmp_path / "net.png").endswith("net.png")


def test_a_png_without_its_package_names_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(RuntimeError, match="pip install graphviz-pure resvg_py fontpkg-arimo"):
        draw_network(lecture()).pipe("png")


def test_a_picture_needs_the_name_of_a_file():
    with pytest.raises(ValueError, match=r"save: expected the name of a file, such as net\.svg; got '\.'"):
        draw_network(lecture()).save("")


def lines_with_looks(picture):
    return [line.attrib for line in elements(picture.svg, "path", "line")]


def test_weights_that_are_no_numbers_can_be_seen_and_are_counted():
    net = lecture()
    net.layers[0].neurons[0].w[0].data = math.nan
    picture = draw_network(net)
    assert "largest |weight| 0.3, 1 nan or inf" in texts(picture)
    (strange,) = [look for look in lines_with_looks(picture) if look["stroke"] == LIGHT.grey]
    assert float(strange["stroke-opacity"]) == 1.0
    for p in net.parameters():
        p.data = math.nan
    assert {"4 nan or inf"} == {text for text in texts(draw_network(net, edges=None)) if "nan or" in text}


def test_weights_that_are_all_zero_are_drawn_faint_but_seen():
    net = lecture()
    for p in net.parameters():
        p.data = 0.0
    looks = lines_with_looks(draw_network(net))
    assert len(looks) == 8
    assert {(look["stroke"], look["stroke-opacity"]) for look in looks} == {(LIGHT.grey, "1.00")}


def test_an_input_may_be_a_tensor_for_either_family():
    x = Tensor([0.05, 0.10])
    for model in (lecture(), to_sequential(lecture())):
        assert draw_network(model, x).svg == draw_network(model, [0.05, 0.10]).svg


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("net.gif", {}, ValueError, "unknown format 'gif'; known: svg, png"),
        ("net.txt", {}, ValueError, "unknown format 'txt'; known: svg, png"),
        ("net.gv", {}, ValueError, "unknown format 'gv'; known: svg, png"),
        ("net.dot", {}, ValueError, "unknown format 'dot'; known: svg, png"),
        ("missing/net.svg", {}, FileNotFoundError, "there is no folder"),
        ("net.svg", {"format": "png"}, ValueError, r"ends in \.svg, but the format is 'png'"),
        ("net", {"format": "gif"}, ValueError, "unknown format 'gif'"),
        ("net.svg", {"dpi": 0}, ValueError, "dpi is positive, got dpi=0"),
    ],
)
def test_a_picture_that_cannot_be_written_leaves_nothing_behind(tmp_path, name, options, error, message):
    with pytest.raises(error, match=message):
        draw_network(lecture()).save(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- a Sequential


def sequential(*layers, shape=(2,)):
    return Sequential([Flatten(input_shape=shape), *layers], rng=0, dtype="float64")


def test_a_sequential_is_drawn_as_its_net_of_values():
    mlp = lecture()
    model = to_sequential(mlp)
    loss = model(np.array([[0.05, 0.10]])) - np.array([[0.01, 0.99]])
    (0.5 * (loss * loss).sum()).backward()
    for color in ("weight", "grad"):
        drawn, expected = (
            measured(titled(draw_network(net, [0.05, 0.10], color=color), "line")) for net in (model, mlp)
        )
        assert drawn.keys() == expected.keys()
        for title, look in drawn.items():
            # Half of the largest gradient has an opacity of 0.575, which the last bit rounds up or down.
            assert look == pytest.approx(expected[title], abs=0.011)
    assert titled(draw_network(model, [0.05, 0.10]), "unit") == titled(draw_network(mlp, [0.05, 0.10]), "unit")


def test_what_follows_a_dense_belongs_to_it():
    model = sequential(
        Dense(3, use_bias=False),
        Activation("relu"),
        Dropout(0.5),
        Dense(2, "tanh"),
        Dropout(0.1),
        Dense(1),
        shape=(2, 2),
    )
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    columns = columns_of(model, x)
    assert [c.caption for c in columns] == ["input", "relu, dropout 0.5", "tanh, dropout 0.1", "linear"]
    assert [c.size for c in columns] == [4, 3, 2, 1]
    assert [c.place for c in columns] == ["", "[1]", "[2]", "[3]"]
    first, second, third = (layer for layer in model.layers if isinstance(layer, Dense))
    a1 = np.maximum(first.weight.data @ x.ravel(), 0)
    a2 = np.tanh(second.weight.data @ a1 + second.bias.data)
    for column, expected in zip(columns, [x.ravel(), a1, a2, third.weight.data @ a2 + third.bias.data], strict=True):
        np.testing.assert_allclose(column.activations, expected, rtol=1e-12)
    assert columns[1].biases is None


def test_a_sequential_for_digits_is_drawn_with_long_layers_shortened():
    model = sequential(Dense(16, "sigmoid"), Dense(16, "sigmoid"), Dense(10, "softmax"), shape=(28, 28))
    drawn = draw_network(model, np.zeros((28, 28)))
    assert {"784 units", "16 units", "10 units"} <= set(texts(drawn))


def test_drawing_a_sequential_changes_nothing_and_draws_no_random_number():
    model = sequential(Dense(3, "tanh"), Dropout(0.5), Dense(1))
    state, weights = model.rng.bit_generator.state, model.get_weights()
    assert draw_network(model, [1.0, 2.0]).svg == draw_network(model, np.array([[1.0, 2.0]])).svg
    assert model.rng.bit_generator.state == state
    assert all(module.training for module in model.modules())
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


class Halves(BatchLayer):
    """A layer of one's own that gives half as many numbers."""

    def compute_output_shape(self, input_shape):
        return (input_shape[0] // 2,)

    def forward(self, x):
        return x[:, ::2]


@pytest.mark.parametrize(
    ("model", "x", "message"),
    [
        (lambda: Sequential([Dense(2)]), None, r"the model is not built.*call model.build\(features\), or fit it"),
        (lambda: sequential(Dense(1)), [1.0], r"expected one sample of shape \(2,\), got \(1,\)"),
        (lambda: sequential(Dense(1)), np.zeros((3, 2)), r"expected one sample of shape \(2,\), got \(3, 2\)"),
    ],
)
def test_a_sequential_that_cannot_be_drawn_is_refused(model, x, message):
    with pytest.raises(ValueError, match=f"draw_network: .*{message}"):
        draw_network(model(), x)

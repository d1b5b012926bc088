"""draw_network by blocks: a box for each layer, what it was made with, the shapes, arrows that branch and join."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from nn import MLP, Input, Model, Sequential
from nn.layers import (
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    MultiHeadAttention,
    SimpleRNN,
)
from viz import draw_network
from viz.blocks import Block, blocks_of, picture_of
from viz.options import Asked

SVG = "{http://www.w3.org/2000/svg}"


def images():
    layers = [
        Conv2D(8, 3, activation="relu", input_shape=(28, 28, 1)),
        MaxPooling2D(2),
        Conv2D(16, 3, strides=2, padding="same"),
        BatchNormalization(),
        Flatten(),
        Dropout(0.3),
        Dense(10, "softmax"),
    ]
    return Sequential(layers, rng=0)


RESIDUAL = [
    Block("x", "input", "", (12, 32), 0),
    Block("norm", "LayerNormalization", "", (12, 32), 64, (0,)),
    Block("dense", "Dense", "32", (12, 32), 1056, (1,)),
    Block("add", "Add", "", (12, 32), 0, (0, 2)),
    Block("more", "Dense", "32", (12, 32), 1056, (3,)),
    Block("sum", "Add", "", (12, 32), 0, (3, 4)),
]


def groups(picture, name):
    root = ElementTree.fromstring(picture.svg)
    return [g for g in root.iter(f"{SVG}g") if g.get("class") == name]


def texts(picture):
    return [t.text for t in ElementTree.fromstring(picture.svg).iter(f"{SVG}text")]


def boxes(picture):
    """Left, top, right and bottom of every box."""
    found = []
    for g in groups(picture, "block"):
        rect = g.find(f"{SVG}rect")
        x, y, w, h = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
        found.append((x, y, x + w, y + h))
    return found


def test_a_net_of_images_is_drawn_by_layers_with_shapes_and_options():
    picture = draw_network(images())
    assert len(groups(picture, "block")) == 8
    said = texts(picture)
    for words in ("28×28×1", "26×26×8", "13×13×8", "7×7×16", "784", "2×2", "64 numbers", "10, softmax · 7,850 numbers"):
        assert words in said
    assert "8, 3×3, relu · 80 numbers" in said
    assert "16, 3×3, strides 2×2, same · 1,168 numbers" in said


def test_units_are_drawn_where_all_layers_have_them_and_blocks_where_asked_for():
    dense = Sequential([Dense(3, "tanh", input_shape=(2,)), Dropout(0.5), Dense(1)], rng=0)
    assert not groups(draw_network(dense), "block")
    assert len(groups(draw_network(dense, level="layers"), "block")) == 4
    assert len(groups(draw_network(Sequential([SimpleRNN(3, input_shape=(4, 2)), Dense(1)])), "block")) == 3
    with pytest.raises(ValueError, match=r'level="units" draws Dense layers .*: level="layers" draws any'):
        draw_network(images(), level="units")


def test_blocks_say_what_feeds_them():
    found = blocks_of(images())
    assert [b.sources for b in found] == [(), *((i,) for i in range(7))]
    assert [b.shape for b in found][:3] == [(28, 28, 1), (26, 26, 8), (13, 13, 8)]
    assert sum(b.numbers for b in found) == 80 + 1168 + 64 + 7850


def test_no_two_boxes_overlap_and_an_arrow_past_rows_runs_beside_them():
    picture = picture_of(RESIDUAL, Asked())
    right = max(box[2] for box in boxes(picture))
    for i, a in enumerate(boxes(picture)):
        for b in boxes(picture)[i + 1 :]:
            assert a[3] <= b[1] or b[3] <= a[1] or a[2] <= b[0] or b[2] <= a[0]
    ways = [g.find(f"{SVG}path").get("d") for g in groups(picture, "arrow")]
    assert len(ways) == 7
    beside = [way for way in ways if way.count("q") == 4]
    assert len(beside) == 2
    for way in beside:
        assert max(float(x) for x in re.findall(r"H([\d.]+)", way)) > right


def test_branches_stand_beside_each_other():
    two = [
        Block("left", "input", "", (8,), 0),
        Block("right", "input", "", (4,), 0),
        Block("both", "Concatenate", "", (12,), 0, (0, 1)),
    ]
    (a, b, c) = boxes(picture_of(two, Asked()))
    assert a[1] == b[1] < c[1]
    assert a[2] < b[0]
    assert a[0] < c[0] < b[0]


def test_a_model_with_branches_inputs_and_shared_layers_is_drawn_as_it_is_wired():
    left, right = Input((6, 4), name="left"), Input((6, 4), name="right")
    shared = Dense(3, "relu")
    attention = MultiHeadAttention(1, 2)
    a = attention(shared(left), use_causal_mask=True)
    model = Model([left, right], Dense(1)(Concatenate()([a, shared(right)])), rng=0)
    found = {b.name: b for b in blocks_of(model)}
    assert [b.kind for b in blocks_of(model)].count("Dense") == 3
    assert (found["left"].shape, found["left"].sources) == ((6, 4), ())
    assert found[attention.name].words == "1, 2, use_causal_mask"
    assert [b.words for b in blocks_of(model) if b.name == shared.name] == ["3, relu", "3, relu, the same again"]
    assert sum(b.numbers for b in blocks_of(model)) == model.count_params()
    picture = draw_network(model)
    assert len(groups(picture, "block")) == len(blocks_of(model)) == 7
    assert len(groups(picture, "arrow")) == sum(len(b.sources) for b in blocks_of(model)) == 6
    with pytest.raises(ValueError, match='level="layers" draws branches too'):
        draw_network(model, level="units")


def test_a_model_in_a_row_of_dense_layers_has_units():
    x = Input((3,))
    assert not groups(draw_network(Model(x, Dense(1)(Dense(2, "tanh")(x)))), "block")


def test_a_net_in_a_net_is_one_block():
    inner = Sequential([Dense(3, input_shape=(2,)), Dense(2)], name="encoder")
    x = Input((2,))
    model = Model(x, Dense(1)(inner(x)))
    assert [(b.name, b.words) for b in blocks_of(model)][1] == ("encoder", "2 layers")


def test_options_of_pictures_hold():
    model = images()
    picture = draw_network(model, title="Digits", width=3.4, highlight="dropout", look="dark")
    assert "Digits" in texts(picture)
    assert 'width="244.8pt"' in picture.svg
    filled = [g.find(f"{SVG}rect").get("fill") for g in groups(picture, "block")]
    assert sum(fill == "#6b5710" for fill in filled) == 1
    assert picture.svg == draw_network(model, title="Digits", width=3.4, highlight="dropout", look="dark").svg


def test_names_are_escaped():
    picture = picture_of([Block("<b>&", "input", "", (2,), 0)], Asked())
    assert "<b>&" in texts(picture)


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (images, {"highlight": "pool"}, ValueError, "no layer is called 'pool'; named: input, conv2d"),
        (images, {"x": np.zeros((28, 28, 1))}, ValueError, r"plot_images\(model.layers\[0\]\(x\)\)"),
        (images, {"level": "layer"}, ValueError, "did you mean 'layers'"),
        (lambda: Sequential([Conv2D(2, 3)]), {"level": "layers"}, ValueError, "the model is not built"),
        (lambda: MLP(2, [1]), {"level": "layers"}, TypeError, 'level="layers" is for a model of layers'),
    ],
)
def test_what_has_no_blocks_is_refused(model, options, error, message):
    with pytest.raises(error, match=message):
        draw_network(model(), **options)

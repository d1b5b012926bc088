"""Samples and the playground: what is given, what is refused, and in a browser what is learned from them."""

import ast

import numpy as np
import pytest
from pages import contents_of, data_of

import nn
import viz
from autograd import Value, binary_cross_entropy, squared_error, tanh
from nn import MLP, inputs
from viz import explore, playground

X = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 0.5], [0.0, 1.0], [-1.0, -1.25]])
Y = np.array([1.0, 1.0, 0.0, 1.0, 0.0])


def net():
    return MLP(2, [3, 1], "tanh", "sigmoid", rng=2)


def loss_of(model, x, y):
    return binary_cross_entropy(model(inputs(list(x))), Value(float(y), "y_1"))


# ---------------------------------------------------------------- what samples are


def test_samples_go_to_the_leaves_of_their_name_in_the_order_of_their_indices():
    w, x2, x1, y = Value(2.0, "w"), Value(1.0, "x_2"), Value(3.0, "x_1"), Value(0.0, "y")
    result = (w * x2 + x1 - y) ** 2
    data = data_of(explore(result, samples={"x": [[1, 2], [3, 4]], "y": [5, 6]}))
    called = ["".join((base, above, below and "_" + below)) for base, above, below in data["nodes"]["name"]]
    slots = [called[data["program"]["slot"].index(slot)] for slot in data["samples"]["slots"]]
    assert slots == ["x_1", "x_2", "y"]
    assert data["samples"]["rows"] == [[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]]
    assert data["program"]["parameters"] == [data["program"]["slot"][called.index("w")]]


def test_a_key_may_be_leaves_and_parameters_may_be_named():
    a, b, c = Value(2.0, "a"), Value(1.0), Value(3.0, "c")
    data = data_of(explore(a * b + c, samples={(a, b): [[1, 2]], c: [3]}, parameters=[b]))
    assert len(data["samples"]["slots"]) == 3
    assert len(data["program"]["parameters"]) == 1


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ({"x": [[1.0, 2.0, 3.0]]}, r"samples\['x'\] is for 2 leaves: expected shape \(samples, 2\), got \(1, 3\)"),
        ({"x": X, "y": [1.0]}, r"as many rows for every key of samples; got \[1, 5\]"),
        ({"q": Y}, r"no leaf is called so; a plain number .* make it a Value first, as in inputs\(q, 'q'\)"),
        ({"x": X * np.nan}, r"samples\['x'\] contains nan or infinity"),
        ({"x": X, "x_1": Y}, "names a leaf that another key names too"),
        ({Value(1.0): Y}, "leaves of the graph themselves"),
        ({"x": np.empty((0, 2))}, "expected 1 to 5,000 samples, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(samples, message):
    loss = loss_of(net(), X[0], Y[0])
    with pytest.raises(ValueError, match=message):
        explore(loss, samples=samples)


def test_samples_are_a_dictionary_and_parameters_leaves():
    loss = loss_of(net(), X[0], Y[0])
    with pytest.raises(TypeError, match=r"expected samples such as .* got list"):
        explore(loss, samples=[1.0])
    with pytest.raises(ValueError, match="expected parameters to be leaves of the graph"):
        explore(loss, parameters=[loss])


# ---------------------------------------------------------------- the playground


def test_a_playground_is_made_from_an_mlp_or_a_sequential():
    model = net()
    page = playground(model, X, Y)
    assert page.level == "neurons"
    assert len(data_of(page)["samples"]["rows"]) == 5
    assert data_of(page)["samples"]["plane"] is not None
    rows = playground(nn.to_sequential(model), X, Y)
    assert data_of(rows)["program"] == data_of(page)["program"]


@pytest.mark.slow
def test_a_softmax_takes_classes():
    model = MLP(2, [4, 3], "tanh", "softmax", rng=0)
    data = data_of(playground(model, X, [0, 1, 2, 1, 0]))
    assert [row[2:] for row in data["samples"]["rows"]][:2] == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_a_loss_of_ones_own_and_what_is_refused():
    page = playground(net(), X, Y, loss=lambda p, y: tanh(p - y) ** 2)
    assert "tanh" in contents_of(page)[1]
    with pytest.raises(TypeError, match="expected an MLP or a Sequential of Dense layers, got list"):
        playground([], X, Y)
    with pytest.raises(ValueError, match=r"expected x of shape \(n, 2\) and y of shape \(n, 1\); got \(5, 3\)"):
        playground(net(), np.ones((5, 3)), Y)
    with pytest.raises(ValueError, match=r"expected classes 0\.\.2"):
        playground(MLP(2, [4, 3], "tanh", "softmax", rng=0), X, [0, 1, 3, 1, 0])
    assert viz.playground is playground


@pytest.mark.slow
def test_a_page_without_samples_does_not_carry_what_they_need():
    loss = squared_error(net()(inputs([0.5, 1.0])), 1.0)
    assert "samplesTable" not in contents_of(explore(loss))[1]
    assert "samplesTable" in contents_of(playground(net(), X, Y))[1]


# ---------------------------------------------------------------- in the page


def gradients_of(model, rows=range(5)):
    """Of each sample the gradient of every parameter."""
    found = []
    for i in rows:
        for p in model.parameters():
            p.grad = 0.0
        loss_of(model, X[i], Y[i]).backward()
        found.append([p.grad for p in model.parameters()])
    return np.array(found)


def number_of(page, name):
    return page.evaluate("(name) => names.data[nodeCalled(name, [...page.nodes.name.keys()])]", name)


def test_each_samples_gradient_and_their_average_are_pythons(visit):
    model = net()
    labels = [p.label for p in model.parameters()]
    with visit(playground(model, X, Y), "#w[1]_11") as page:
        found = page.evaluate(
            """(labels) => { const all = gradientsOfAll(); return [all.loss, labels.map((label) => {
                const slot = samples.labels.find(([, known]) => known === label)[0];
                return [all.each.map((row) => row[targets.indexOf(slot)]), all.mean[slot]]; }), all.selected]; }""",
            labels,
        )
        each = gradients_of(model)
        np.testing.assert_allclose(found[0], np.mean([loss_of(model, x, y).data for x, y in zip(X, Y, strict=True)]))
        for k in range(len(labels)):
            np.testing.assert_allclose(found[1][k][0], each[:, k], rtol=1e-12, atol=1e-16)
            np.testing.assert_allclose(found[1][k][1], each[:, k].mean(), rtol=1e-12, atol=1e-16)
        np.testing.assert_allclose(found[2], each[:, labels.index("w[1]_1,1")], rtol=1e-12)
        assert page.locator("#bars rect").count() == 5
        assert "average" in page.locator("#whose").inner_text()


def test_a_step_goes_by_the_average_or_by_the_sample_that_is_chosen(visit):
    model = net()
    with visit(playground(model, X, Y)) as page:
        page.evaluate("state.rate = 1")
        page.keyboard.press("n")
        for p, g in zip(model.parameters(), gradients_of(model).mean(0), strict=True):
            p.data -= g
        assert {p.label: number_of(page, p.label) for p in model.parameters()} == pytest.approx(
            {p.label: p.data for p in model.parameters()}, rel=1e-12, abs=1e-15
        )
        assert page.locator("#loss").inner_text().startswith("mean loss")
        page.locator('#samples [data-average="false"]').click()
        page.locator("#strip").focus()
        page.keyboard.press("End")
        assert number_of(page, "x_2") == -1.25
        assert page.locator("#strip").get_attribute("aria-valuetext") == "sample 5"
        page.keyboard.press("n")
        for p, g in zip(model.parameters(), gradients_of(model, [4])[0], strict=True):
            p.data -= g
        assert {p.label: number_of(page, p.label) for p in model.parameters()} == pytest.approx(
            {p.label: p.data for p in model.parameters()}, rel=1e-12, abs=1e-15
        )


def test_it_learns_in_the_page_and_the_net_is_read_back(visit):
    with visit(playground(net(), X, Y)) as page:
        first = page.evaluate("gradientsOfAll().loss")
        page.evaluate("state.rate = 2; for (let i = 0; i < 300; i += 1) takeStep(); settle();")
        last = page.evaluate("gradientsOfAll().loss")
        assert last < 0.1 * first
        page.locator("#copy").click()
        text = page.locator(".weights textarea").input_value()
        page.keyboard.press("Escape")
    tree = ast.parse(text)
    numbers, weights, biases = (ast.literal_eval(line.value) for line in tree.body)
    by_name, by_arrays = net(), net()
    for p in by_name.parameters():
        p.data = numbers[p.label]
    by_arrays.set_weights(weights, biases)
    for model in (by_name, by_arrays):
        losses = [loss_of(model, x, y).data for x, y in zip(X, Y, strict=True)]
        assert np.mean(losses) == pytest.approx(last, rel=1e-12)


def test_the_map_shows_what_the_net_answers_and_every_unit_has_its_own(visit):
    model = net()
    with visit(playground(model, X, Y)) as page:
        low, high = page.evaluate("extent()")
        found = page.evaluate("Array.from(overPlane(6, [outputSlot()])[0])")
        at = [[low[k] + (high[k] - low[k]) * s for s in (np.arange(6) + 0.5) / 6] for k in (0, 1)]
        wanted = [model([u, v]).data for v in reversed(at[1]) for u in at[0]]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
        assert page.locator("#picture .map").count() == 4
        assert page.locator(".plane circle").count() == 5
        colours = page.evaluate(
            """() => { const { width, height } = byId("map");
                const bytes = byId("map").getContext("2d").getImageData(0, 0, width, height).data;
                return new Set(bytes).size; }"""
        )
        assert colours > 20


def test_samples_without_a_plane_are_a_row_and_links_say_which_one(visit):
    w, x, y = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "y")
    loss = squared_error(tanh(w * x), y)
    page_of = explore(loss, w, samples={"x": [1.0, 2.0, 3.0], "y": [1.0, 0.0, 1.0]})
    with visit(page_of, "#w&sample=2&rate=0.5") as page:
        assert number_of(page, "x") == 2.0
        assert page.evaluate("state.rate") == 0.5
        assert page.locator(".dots .chosen").inner_text() == "2"
        page.locator(".dots button").nth(2).click()
        assert page.evaluate("location.hash") == "#w&rate=0.5&sample=3"
        page.locator(".dots button").nth(2).click()
        assert number_of(page, "x") == 3.0
        assert "sample" not in page.evaluate("location.hash")


def test_the_table_has_what_each_sample_asks_of_each_weight(visit):
    model = net()
    with visit(playground(model, X, Y)) as page:
        rows = page.locator(".asked tbody tr")
        assert rows.count() == 12
        assert page.locator(".asked thead th").all_inner_texts()[1:] == ["1", "2", "3", "4", "5", "average"]
        shown = [float(t.replace("−", "-")) for t in rows.first.locator("td").all_inner_texts()]
        assert shown[-1] == pytest.approx(np.mean(shown[:-1]), rel=5e-3)
        largest = np.abs(gradients_of(model).mean(0)).max()
        assert abs(shown[-1]) == pytest.approx(largest, rel=1e-3)


@pytest.mark.parametrize("size", [(1024, 768), (390, 844)])
def test_nothing_of_a_playground_sticks_out(visit, size):
    with visit(playground(net(), X, Y), viewport=dict(zip(("width", "height"), size, strict=True))) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        dock = page.locator("#dock").bounding_box()
        for part in ("#strip", "#bars", "#copy", "#take", "#loss"):
            box = page.locator(part).bounding_box()
            assert dock["x"] <= box["x"]
            assert box["x"] + box["width"] <= dock["x"] + dock["width"] + 1
            assert box["y"] + box["height"] <= dock["y"] + dock["height"] + 1

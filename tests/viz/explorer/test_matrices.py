"""The page of a graph of Tensors: arrays as squares, the chain in matrices, and the paths behind each number."""

import math
from itertools import pairwise

import numpy as np
import pytest
from pages import contents_of, data_of, lecture

from autograd import Tensor, derive, log, relu, unroll
from viz import explore
from viz.explorer import views
from viz.scenes.scene import Cell


def tensor(label, array):
    return Tensor(np.asarray(array, float), label=label)


def net(sizes=(2, 3, 1), samples=4, x=None):
    """The loss of a net of named Tensors after its backward pass, and its Tensors by name."""
    rng = np.random.default_rng(1)
    a = tensor("X", rng.normal(size=(samples, sizes[0])) if x is None else x)
    found = {"X": a}
    for i, (m, n) in enumerate(pairwise(sizes), 1):
        found[f"W[{i}]"] = w = tensor(f"W[{i}]", rng.normal(size=(n, m)) / math.sqrt(m))
        found[f"b[{i}]"] = b = tensor(f"b[{i}]", rng.normal(size=n) / 10)
        z = a @ w.T + b
        z.label = f"Z[{i}]"
        a = z.tanh()
        a.label = f"A[{i}]"
        found |= {z.label: z, a.label: a}
    found["Y"] = y = tensor("Y", rng.normal(size=(samples, sizes[-1])))
    loss = ((a - y) ** 2).mean()
    loss.label = "L"
    loss.backward()
    return loss, found


def squares_of(data):
    """For every array that is drawn as squares what stands in them, by its name."""
    called = ["".join(name) for name in data["nodes"]["name"]]
    return {called[mark[2]]: mark[5] for mark in data["views"]["matrices"]["marks"] if len(mark) == 6}


# ---------------------------------------------------------------- what the page knows


def test_a_page_of_tensors_begins_with_matrices_and_has_the_levels_of_their_numbers():
    page = explore(net()[0])
    data = data_of(page)
    assert page.level == data["first"] == "matrices"
    assert set(data["views"]) == {"matrices", "named", "op", "neurons"}
    assert data["notes"] == []
    assert data["nodes"]["kinds"][data["nodes"]["kind"][data["target"]]] == "target"


def test_a_level_that_a_graph_of_tensors_does_not_have_is_told():
    w = tensor("w", [1.0, 2.0])
    page = explore((w * w).sum(), level="neurons")
    assert page.level == "matrices"
    assert data_of(page)["notes"][0].startswith("Another level than 'neurons' is shown. There are no units")
    assert page.svg(w).svg != page.svg().svg
    with pytest.raises(ValueError, match="an array has its chain in matrices"):
        page.svg(w, path=1)


def test_a_square_has_its_number_and_its_gradient_if_there_is_one():
    assert views._square(Cell(-1, value=1 / 3, slope=2 / 3), 3) == [0.333, 0.667]
    assert views._square(Cell(-1, value=1 / 3, slope=math.nan), 2) == [0.33]
    assert views._square(Cell(7, value=1 / 3, slope=2 / 3), 3) == 7


@pytest.mark.slow
def test_the_squares_are_the_numbers_of_the_arrays_and_have_their_gradients():
    loss, tensors = net()
    data = data_of(explore(loss))
    found = squares_of(data)
    for name in ("X", "W[1]", "b[1]", "Z[1]", "A[1]", "W[2]", "Y"):
        t = tensors[name]
        shown = np.array([[data["nodes"]["data"][v] for v in row] for row in found[name]])
        np.testing.assert_allclose(shown.reshape(t.shape), t.numpy(), rtol=1e-12)  # sums in another order
        if t.is_leaf:
            slopes = np.array([[data["nodes"]["grad"][v] for v in row] for row in found[name]])
            assert np.array_equal(slopes.reshape(t.shape), t.grad), name


@pytest.mark.slow
def test_the_numbers_are_those_of_unroll_and_so_are_their_paths():
    loss, tensors = net()
    data = data_of(explore(loss))
    root, w = unroll(loss, tensors["W[1]"])
    v = squares_of(data)["W[1]"][1][0]
    assert "".join(data["nodes"]["name"][v]) == "w[1]21"
    graph = data["graphs"]["named"]
    k = [k for k, u in enumerate(graph["operand"]) if u == v]
    paths = list(derive(root, w[1][0]).paths)
    assert len(paths) == len(k) == 4  # one through each sample
    assert sorted(graph["derivative"][i] for i in k) == sorted(path.edges[-1].derivative for path in paths)


def test_every_array_has_its_shape_and_the_derivative_by_it_as_derive_writes_it():
    loss, tensors = net()
    data = data_of(explore(loss))
    called = ["".join(name) for name in data["nodes"]["name"]]
    written = {called[int(v)]: what for v, what in data["arrays"].items()}
    assert written["W[1]"]["shape"] == "3 × 2"
    found = derive(loss, tensors["W[1]"])
    to = found.notations.mathml(with_shapes=True)
    assert written["W[1]"]["step"] == "<mo>=</mo>".join(map(to.sum, found.steps[-1].formulas))
    assert written["Z[1]"]["definition"] == to.sum(found.definitions[0].formula)
    assert set(written) == {*tensors, "L"}


@pytest.mark.slow
def test_a_graph_too_large_to_be_read_keeps_its_arrays_and_the_chain():
    loss, _ = net((784, 128, 10), samples=32)
    page = explore(loss)
    data = data_of(page)
    assert set(data["views"]) == {"matrices"}
    assert data["graphs"].keys() == {"arrays"}
    assert "more than most=20,000" in data["missing"]["named"]
    found = squares_of(data)
    assert max(len(rows) for rows in found.values()) <= 16
    assert all(len(row) <= 16 for rows in found.values() for row in rows)
    assert any("step" in what for what in data["arrays"].values())
    assert len(page.html.encode()) <= 150_000


@pytest.mark.slow
def test_the_square_of_a_block_is_its_largest_number():
    x = np.zeros((1, 40))
    x[0, 7] = -3.0
    loss, _ = net((40, 1), samples=1, x=x)
    data = data_of(explore(loss))
    (row,) = squares_of(data)["X"]
    assert len(row) == 14  # blocks of three
    assert data["nodes"]["data"][row[2]] == -3
    assert data["blocks"]
    assert not data_of(explore(net()[0]))["blocks"]


def test_constant_arrays_are_drawn_and_have_no_paths():
    w = tensor("W", [[1.0, -2.0], [0.5, 3.0]])
    x = np.array([[1.0, 2.0]])
    z = x @ w
    z.label = "Z"
    loss = relu(z).sum()
    loss.label = "L"
    data = data_of(explore(loss))
    assert squares_of(data)["X"] == [[[1], [2]]]
    k = next(k for k, name in enumerate(data["nodes"]["name"]) if name[0] == "X")
    assert data["nodes"]["kinds"][data["nodes"]["kind"][k]] == "constant array"


def test_a_graph_without_names_has_each_array_and_leaves_called_by_their_place():
    loss = (Tensor([[1.0, 2.0]]) @ Tensor([[0.5], [3.0]]) + 1.0).sum()
    data = data_of(explore(loss))
    assert data["views"]["matrices"]["graph"] == "op"
    assert len(squares_of(data)) >= 2


def test_numbers_on_which_nothing_hangs_stand_in_their_squares_as_they_are():
    x, w = tensor("x", [1.0, 3.0, 2.0]), tensor("w", [2.0, 1.0, 1.0])
    z = x * w
    z.label = "z"
    loss = z.max()
    loss.label = "L"
    loss.backward()
    data = data_of(explore(z[0:2].sum()))
    assert [isinstance(square, list) for square in squares_of(data)["z"][0]] == [False, False, True]
    assert squares_of(data)["z"][0][2] == [2, 0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: tensor("v", [1.0, 2.0]) * 2.0,  # no single number
        lambda: tensor("E", np.zeros((0, 3))).sum() + tensor("w", 1.0),
        lambda: tensor("T", np.ones((2, 3, 4))).sum(),
        lambda: (tensor("F", np.ones((2, 2))) @ tensor("G", np.ones((2, 2)))).sum(),
        lambda: Tensor(np.ones((2, 2), np.float32), label="H").sum(),
        lambda: log(tensor("v", [0.0, 1.0])).sum(),
    ],
)
def test_every_graph_of_tensors_has_a_page_and_a_picture(visit, make):
    root = make()
    page = explore(root)
    assert page.svg().svg.startswith("<svg")
    with visit(page) as shown:
        shown.locator(".cell.array .name").first.click()
        for key in "vvvbn":
            shown.keyboard.press(key)


@pytest.mark.slow
def test_parameters_are_given_as_tensors_and_samples_are_in_the_graph():
    loss, tensors = net()
    data = data_of(explore(loss, parameters=[tensors["W[2]"]]))
    assert len(data["program"]["parameters"]) == 3
    with pytest.raises(ValueError, match="expected parameters to be leaves of the graph, such as W"):
        explore(loss, parameters=[tensors["Z[1]"]])
    with pytest.raises(TypeError, match="a graph of Tensors has its samples in it"):
        explore(loss, samples={"x": [[1.0, 2.0]]})
    with pytest.raises(ValueError, match="level 'matrices' is for a graph of Tensors"):
        explore(lecture()[0], level="matrices")


@pytest.mark.slow
def test_what_matrices_need_is_carried_by_pages_of_tensors_alone():
    assert "class Squares" in contents_of(explore(net()[0]))[1]
    assert "class Squares" not in contents_of(explore(lecture()[0]))[1]


@pytest.mark.slow
def test_the_picture_is_saved_with_an_array_or_a_number_lit():
    loss, tensors = net()
    page = explore(loss)
    plain, array, entry = (page.svg(node).svg for node in (None, tensors["W[1]"], "w[1]_21"))
    assert plain.count('class="square"') == sum(t.size for t in tensors.values() if t.size > 1)
    assert len({plain, array, entry}) == 3
    with pytest.raises(ValueError, match="is not in the graph"):
        page.svg("w[7]_1")


# ---------------------------------------------------------------- in the browser


def square(page, name):
    return page.locator(f'.square[aria-label^="{name},"]')


def test_pointing_at_a_weight_frames_its_column_and_that_of_what_it_multiplies(visit):
    with visit(explore(net()[0])) as page:
        square(page, "w[1]_21").hover()
        frames = page.evaluate(
            "picture.arrays.map((a) => [names.line(a.one.main), a.frames(around(picture.cells.find("
            "(c) => c.place === 'square' && names.line(c.node) === 'w[1]_21').node)).length])"
        )
        assert {name for name, n in frames if n} == {"X", "W[1]", "Z[1]"}
        assert all(n <= 1 for _, n in frames)  # a column is one frame
        boxes = page.locator(".frame").evaluate_all(
            "es => es.map((e) => [e.getAttribute('width'), e.getAttribute('height')])"
        )
        assert len(boxes) == 3
        tall = [float(h) / float(w) for w, h in boxes]
        assert sorted(round(x) for x in tall) == [1, 4, 4]
        assert "4 products that add up" in page.locator("#tip").inner_text()


def test_a_click_on_a_number_writes_out_its_scalar_paths(visit):
    loss, tensors = net()
    with visit(explore(loss)) as page:
        square(page, "w[1]_21").click()
        assert page.locator("#count").get_attribute("data-count") == "4"
        assert "equal" in page.locator(".sum").inner_text()
        grad = float(page.locator("#panel > .heading strong").inner_text().replace("−", "-"))
        assert grad == pytest.approx(tensors["W[1]"].grad[1, 0], rel=1e-3)


def test_a_click_on_a_name_writes_out_the_chain_in_matrices(visit):
    with visit(explore(net()[0])) as page:
        page.locator(".cell.array .name").nth(1).click()
        assert page.locator("#panel .step").count() == 5  # dA[2], dZ[2], dA[1], dZ[1], dW[1]
        assert "The chain in matrices" in page.locator("#panel").inner_text()
        page.locator("#panel .step").first.click()
        assert page.locator("#panel .step").count() == 1
        assert page.evaluate("location.hash") == "#A[2]"
        page.keyboard.press("u")  # no nudge of an array
        assert page.evaluate("state.node") is None


def test_a_number_of_an_array_is_changed_and_squares_follow(visit):
    loss, tensors = net()
    with visit(explore(loss), "#w[1]_21&w[1]_21=2") as page:
        assert page.evaluate("state.view") == "matrices"
        found = page.evaluate("[names.data[page.target], gradOf(state.node)]")
        changed = tensors["W[1]"].numpy().copy()
        changed[1, 0] = 2.0
        x, b = tensors["X"].numpy(), tensors["b[1]"].numpy()
        a1 = np.tanh(x @ changed.T + b)
        a2 = np.tanh(a1 @ tensors["W[2]"].numpy().T + tensors["b[2]"].numpy())
        assert found[0] == pytest.approx(((a2 - tensors["Y"].numpy()) ** 2).mean(), rel=1e-12)
        before = square(page, "a[1](1)_2").get_attribute("aria-label")
        square(page, "w[1]_21").focus()
        page.keyboard.press("PageUp")
        page.wait_for_timeout(50)
        assert square(page, "a[1](1)_2").get_attribute("aria-label") != before


@pytest.mark.parametrize("size", [(1280, 800), (1024, 768), (390, 844)])
@pytest.mark.parametrize("make", [net, lambda: net((784, 128, 10), 32), lambda: net((2, 3, 1), 1)])
def test_arrays_stay_on_the_stage_and_no_text_is_small(visit, size, make):
    options = {"viewport": {"width": size[0], "height": size[1]}}
    with visit(explore(make()[0]), **options) as page:
        boxes = page.evaluate(
            """() => { const stage = picture.stage.getBoundingClientRect();
            return [...document.querySelectorAll('.array .border')].map((e) => { const r = e.getBoundingClientRect();
              return [r.left - stage.left, r.top - stage.top, stage.right - r.right, stage.bottom - r.bottom]; }) }"""
        )
        assert boxes
        assert min(map(min, boxes)) >= -1
        fonts = page.evaluate(
            """() => [...document.querySelectorAll('.array .name, .array .shape, .square text')]
            .filter((e) => e.textContent).map((e) => Number(e.getAttribute('font-size')) * picture.scale)"""
        )
        assert min(fonts) >= 8.9
        page.keyboard.press("d")
        page.keyboard.press("d")
        page.keyboard.press("s")


def test_a_page_of_arrays_alone_has_the_chain_and_nothing_to_nudge(visit):
    with visit(explore(net((784, 128, 10), 32)[0])) as page:
        assert page.locator('#modes [data-value="nudge"]').is_disabled()
        page.locator(".cell.array .name").nth(1).click()
        assert page.locator("#panel .step").count() == 5
        for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "Enter", "Escape", "v", "e", "Enter", "b", "n"):
            page.keyboard.press(key)

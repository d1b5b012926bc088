"""Numbers changed in the page, in a real browser: what follows is what Python computes from the same numbers."""

import itertools
import math
import re
import xml.etree.ElementTree

import numpy as np
import pytest
from pages import HOSTILE, data_of, hostile, lecture, unnamed, with_data

import autograd
from autograd import Value, exp, log, relu, sigmoid, softmax, squared_error, tanh
from autograd.op import array_table, elementwise, table
from nn import MLP, inputs
from viz import explore


@pytest.fixture(autouse=True)
def _tables_as_they_were():
    before = dict(table), dict(array_table)
    yield
    for now, then in zip((table, array_table), before, strict=True):
        now.clear()
        now.update(then)


def cell(page, name):
    return page.locator(f'.cell[aria-label^="{name}, "]').first


def number_of(page, name):
    return page.evaluate("(name) => names.data[nodeCalled(name, [...page.nodes.name.keys()])]", name)


def drag(page, place, by, steps=8):
    box = place.bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=steps)
    page.mouse.up()


def sums(page):
    texts = zip(page.locator(".sum dt").all_inner_texts(), page.locator(".sum dd").all_inner_texts(), strict=True)
    return {what: float(text.replace("−", "-")) for what, text in texts}


def frame(page):
    """Wait until what was changed has been shown."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


# ---------------------------------------------------------------- it is the same computation


def mixture(a, b, c, d):
    """Of every kind of operation something, with shared, unnamed and plain operands."""
    h = tanh(a * b + c)
    h.label = "h"
    parts = softmax([h, d * 0.5, a - c])
    u = log(1 + exp(h)) * parts[1] + abs(b) ** 1.5 + abs(d) / (2 + h * h)
    u.label = "u"
    return squared_error([u, relu(h - d)], [0.25, 1.0]) + autograd.logsumexp([h, u, c]) * a


def small_net(*numbers):
    """A net 2-3-2 with softmax cross-entropy whose weights are these numbers."""
    x, rest = numbers[:2], iter(numbers[2:])
    hidden = [sigmoid(next(rest) * x[0] + next(rest) * x[1] + next(rest)) for _ in range(3)]
    logits = [sum((next(rest) * h for h in hidden), next(rest)) for _ in range(2)]
    return autograd.softmax_cross_entropy(logits, 1)


@pytest.mark.parametrize(("make", "n", "count"), [(mixture, 4, 250), (small_net, 19, 250)])
def test_the_page_computes_what_python_computes_from_the_same_numbers(visit, make, n, count):
    rng = np.random.default_rng(0)
    names = [f"p_{i}" for i in range(1, n + 1)]

    def computed(numbers):
        leaves = [Value(x, name) for x, name in zip(numbers, names, strict=True)]
        result = make(*leaves)
        result.label = "L"
        result.backward()
        return result, [result.data, *(leaf.grad for leaf in leaves)]

    settings = rng.normal(size=(count, n)).round(3).tolist()
    with visit(explore(computed(rng.normal(size=n))[0])) as page:
        found = page.evaluate(
            """([names, settings]) => settings.map((numbers) => {
                const nodes = names.map((name) => nodeCalled(name, [...page.nodes.name.keys()]));
                nodes.forEach((v, i) => { program.values[slotOf(v)] = numbers[i]; });
                follow();
                const sums = nodes.map((v) => {
                    const all = new Ranking(graph(), v).strongest(1000);
                    const sum = all.reduce((total, path) => total + path.value, 0);
                    return (sum - grads[v]) / (graph().weigh(v).strength || 1);
                });
                return [[program.loss, ...nodes.map((v) => grads[v])], sums];
            })""",
            [names, settings],
        )
    for numbers, (page_numbers, differences) in zip(settings, found, strict=True):
        np.testing.assert_allclose(page_numbers, computed(numbers)[1], rtol=1e-12, atol=1e-15)
        assert max(map(abs, differences)) <= 1e-12


def test_a_page_that_does_not_compute_what_was_recorded_says_so_and_stays_still(visit):
    w, x = Value(2.0, "w"), Value(3.0, "x")
    z = w * x
    z.label = "z"
    page = explore(tanh(z))
    data = data_of(page)
    data["nodes"]["data"][data["nodes"]["data"].index(6)] = 7
    page.html = with_data(page, data)
    with visit(page, "#w&w=5") as shown:
        assert "cannot be changed: computed again, z (×) is 6, and 7 on record" in shown.locator("#notes").inner_text()
        assert shown.locator("[role=spinbutton]").count() == 0
        assert shown.locator(".control").count() == 0
        assert number_of(shown, "w") == 2


def test_an_operation_that_cannot_be_read_is_named(visit):
    @elementwise(lambda z, x: exp(-x * x))
    def erf_by_math(x):
        """The error function of floats."""
        return math.erf(x)

    with visit(explore(erf_by_math(Value(0.5, "x")))) as page:
        note = page.locator("#notes").inner_text()
        assert "cannot be changed: erf_by_math cannot be written as script" in note
        assert "NumPy" in note
        assert page.locator("[role=spinbutton]").count() == 0


# ---------------------------------------------------------------- how a number is changed


@pytest.fixture(scope="module")
def net():
    return lecture()


def test_dragging_a_leaf_changes_its_number_and_all_that_follows(visit, net):
    with visit(explore(net[0], level="named")) as page:
        drag(page, cell(page, "w[1]_11"), 50)
        frame(page)
        assert number_of(page, "w[1]_11") == 0.2
        assert page.evaluate("location.hash") == "#w[1]_11&w[1]_11=0.2"
        weights = [[[0.20, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
        changed = MLP.from_weights(weights, [[0.35, 0.35], [0.60, 0.60]], "sigmoid", "sigmoid")
        loss = squared_error(changed(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
        loss.backward()
        wanted = changed.layers[0].neurons[0].w[0].grad
        rows = sums(page)
        assert rows["backward pass"] == pytest.approx(wanted, rel=1e-12)
        assert rows["sum of 2 paths"] == pytest.approx(wanted, rel=1e-12)
        assert rows["central difference"] == pytest.approx(wanted, rel=1e-6)
        assert page.locator(".sum p").inner_text().startswith("✓ equal")
        assert page.locator("#summary").inner_text().startswith(f"L = {loss.data:.4g}")
        assert f"gradient {wanted:.4g}" in cell(page, "w[1]_11").get_attribute("aria-label")


def test_shift_drags_ten_times_as_far_and_a_press_without_movement_selects(visit, net):
    with visit(explore(net[0], level="named")) as page:
        cell(page, "w[1]_11").click()
        assert number_of(page, "w[1]_11") == 0.15
        assert page.evaluate("names.line(state.node)") == "w[1]_11"
        page.keyboard.down("Shift")
        drag(page, cell(page, "w[1]_11"), 20)
        page.keyboard.up("Shift")
        assert number_of(page, "w[1]_11") == pytest.approx(0.35)


def test_between_neurons_the_weight_on_a_line_is_dragged(visit, net):
    with visit(explore(net[0], level="neurons")) as page:
        x, y = page.evaluate(
            """() => picture.onStage(middleOf(picture.lines.find(
                (line) => line.weight !== null && names.line(line.weight) === "w[2]_11")))"""
        )
        box = page.locator("#picture").bounding_box()
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        page.mouse.move(box["x"] + x - 25, box["y"] + y, steps=5)
        page.mouse.up()
        assert number_of(page, "w[2]_11") == pytest.approx(0.375)
        assert page.evaluate("names.line(state.node)") == "w[2]_11"


def test_keys_change_the_number_that_has_the_focus_and_it_is_said_once_they_rest(visit, net):
    with visit(explore(net[0], level="named")) as page:
        cell(page, "w[2]_11").focus()
        for key, wanted in (("ArrowUp", 0.401), ("PageDown", 0.391), ("ArrowDown", 0.39), ("Shift+ArrowUp", 0.4)):
            page.keyboard.press(key)
            assert number_of(page, "w[2]_11") == pytest.approx(wanted)
        page.keyboard.press("ArrowDown")
        assert cell(page, "w[2]_11").get_attribute("aria-valuenow") in ("0.4", "0.399")
        page.wait_for_timeout(600)
        assert page.locator("#said").inner_text() == "w[2]_11 0.399, L 0.2983, gradient 0.08218"
        assert page.evaluate("document.activeElement.getAttribute('role')") == "spinbutton"
        assert cell(page, "w[2]_11").get_attribute("aria-valuenow") == "0.399"


def test_digits_type_the_exact_number_and_escape_leaves_it(visit, net):
    with visit(explore(net[0], level="named")) as page:
        cell(page, "x_1").focus()
        page.keyboard.type("-1,5")
        assert page.locator("#entry").is_visible()
        page.keyboard.press("Enter")
        assert number_of(page, "x_1") == -1.5
        assert page.locator("#entry").is_hidden()
        cell(page, "x_1").focus()
        page.keyboard.type("7")
        page.keyboard.press("Escape")
        assert number_of(page, "x_1") == -1.5
        cell(page, "x_1").focus()
        page.keyboard.type("1e")
        page.keyboard.press("Enter")
        assert number_of(page, "x_1") == -1.5


def test_the_panel_has_a_slider_and_an_entry(visit, net):
    with visit(explore(net[0], level="named"), "#w[1]_11") as page:
        page.locator(".control .entry").fill("0.75")
        page.keyboard.press("Enter")
        assert number_of(page, "w[1]_11") == 0.75
        page.locator(".control [type=range]").focus()
        page.keyboard.press("ArrowRight")
        assert number_of(page, "w[1]_11") == pytest.approx(0.751)
        assert page.evaluate("document.activeElement.type") == "range"


def test_reset_brings_back_what_was_recorded_to_the_last_bit(visit, net):
    with visit(explore(net[0], level="named"), "#w[1]_11") as page:
        shown = "[...document.querySelectorAll('#picture, #panel, #summary')].map((part) => part.textContent)"
        before = page.evaluate(shown)
        assert page.locator("#reset").is_hidden()
        drag(page, cell(page, "w[1]_11"), 40)
        assert page.evaluate(shown) != before
        page.keyboard.press("r")
        frame(page)
        assert page.evaluate(shown) == before
        assert page.evaluate("location.hash") == "#w[1]_11"
        assert page.locator("#reset").is_hidden()


def test_the_order_of_paths_is_frozen_while_a_number_is_dragged(visit):
    x, u, v = Value(1.0, "x"), Value(2.0, "u"), Value(1.0, "v")
    p, q = x * u, x * v
    p.label, q.label = "p", "q"
    with visit(explore(p + q), "#x") as page:
        chains = "[...document.querySelectorAll('.path .chain')].map((c) => c.textContent.includes('p'))"
        assert page.evaluate(chains) == [True, False]
        page.evaluate("change(nodeCalled('v', graph().nodes), 5)")
        frame(page)
        assert page.evaluate(chains) == [True, False]
        assert page.locator(".path .product strong").all_inner_texts() == ["2", "5"]
        page.evaluate("settle()")
        assert page.evaluate(chains) == [False, True]


def test_a_link_carries_the_changed_numbers(visit, net):
    with visit(explore(net[0], level="named"), "#w[1]_11&w[2]_11=-1.2&x_1=2&nobody=3&w[2]_12=many") as page:
        assert number_of(page, "w[2]_11") == -1.2
        assert number_of(page, "x_1") == 2
        assert number_of(page, "w[2]_12") == 0.45
        assert page.locator("#reset").is_visible()
        first = page.locator("#panel").inner_text()
        drag(page, cell(page, "x_2"), 0)
        assert page.evaluate("location.hash") == "#x_2&w[2]_11=-1.2&x_1=2"
        link = page.evaluate("location.hash").replace("x_2&", "w[1]_11&", 1)
    with visit(explore(net[0], level="named"), link) as page:
        assert page.locator("#panel").inner_text() == first


def test_names_that_links_are_written_with_survive_in_links(visit):
    x, y = Value(2.0, "50%&x=1"), Value(3.0, "#y")
    with visit(explore(x * y)) as page:
        page.evaluate("select(0)")
        page.evaluate("change(0, 4); settle()")
        link = page.evaluate("location.hash")
    with visit(explore(x * y), link) as page:
        assert page.evaluate("[names.data[0], state.node, names.data[1]]") == [4, 0, 3]


def test_at_a_kink_the_verdict_says_that_the_quotient_sees_it(visit):
    x = Value(0.5, "x")
    y = relu(x) * 2
    y.label = "y"
    with visit(explore(y), "#x&x=0") as page:
        assert page.locator(".sum p").inner_text() == "✓ paths and pass equal; the difference quotient sees a kink"


def test_results_have_a_central_difference_too_and_constants_cannot_be_changed(visit):
    result = unnamed()
    with visit(explore(result, level="op")) as page:
        for v in page.evaluate("graph().nodes.filter((v) => kinds(v).startsWith('result'))"):
            page.evaluate("(v) => select(v)", v)
            rows = sums(page)
            assert rows["central difference"] == pytest.approx(rows[next(iter(rows))], rel=1e-6, abs=1e-9)
        assert page.locator(".cell.constant[role]").count() == 0
        assert page.locator(".cell[role=spinbutton]").count() == 2


def test_a_formula_with_the_number_of_an_unnamed_leaf_does_not_outlive_it(visit):
    w, c = Value(2.0, "w"), Value(3.0)
    z = w * c
    z.label = "z"
    with visit(explore(z * 1, w, level="named")) as page:
        assert (
            page.locator(".symbols").all_text_contents()[-1] == "3"
            or page.locator(".factor").last.text_content() == "3"
        )
        page.evaluate("update({ view: 'op' }); change(graph().nodes.find((v) => names.data[v] === 3), 4); settle()")
        page.evaluate("update({ view: 'named' })")
        assert page.locator(".factor").last.text_content() == "4"
        assert "3" not in page.locator(".symbols").last.text_content()


def test_the_passes_go_through_the_changed_numbers(visit, net):
    with visit(explore(net[0], level="named"), "#w[1]_11&x_1=1") as page:
        page.keyboard.press("f")
        page.keyboard.press("End")
        assert f"{number_of(page, 'L'):.4g}" in page.locator("#panel").inner_text()
        page.keyboard.press("b")
        page.keyboard.press("End")
        final = page.evaluate("[...pass.known].map(([v, { value }]) => [value, program.grads[slotOf(v)]])")
        for one, other in final:
            assert one == pytest.approx(other, rel=1e-12)


def test_hostile_names_stay_text_when_numbers_change(visit):
    loss, _ = hostile()
    with visit(explore(loss, level="named")) as page:
        page.evaluate("select(nodeCalled('<h>', graph().nodes))")
        v = page.evaluate("graph().nodes.find((v) => canChange(v))")
        page.evaluate("(v) => { select(v); change(v, 0.25); settle(); openEntry(v); }", v)
        page.wait_for_timeout(500)
        assert page.locator("#panel script, #panel img, #panel b, #entry img, #said img").count() == 0
        assert HOSTILE[0] in page.evaluate("(v) => names.line(v)", v)


# ---------------------------------------------------------------- the room it is shown in


def test_present_mode_leaves_the_picture_and_one_line(visit, net):
    with visit(explore(net[0], level="named"), "#w[1]_11", viewport={"width": 1024, "height": 768}) as page:
        page.keyboard.press("\\")
        frame(page)
        assert page.locator("#panel").is_hidden()
        assert page.locator("header").is_hidden()
        assert page.locator("#picture").bounding_box()["width"] == 1024
        said = page.locator("#sentence").inner_text()
        assert re.sub(r"\s", "", said).endswith("=0.0004386=0.0006684−0.0002298")
        page.locator("#leave").click()
        assert page.locator("#panel").is_visible()


def test_the_panel_is_made_narrower_by_pointer_and_keys(visit, net):
    with visit(explore(net[0], level="named"), "#w[1]_11") as page:
        width = page.locator("#panel").bounding_box()["width"]
        page.locator("#divider").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator("#panel").bounding_box()["width"] == pytest.approx(width - 24, abs=1)
        box = page.locator("#divider").bounding_box()
        page.mouse.move(box["x"] + 4, 400)
        page.mouse.down()
        page.mouse.move(box["x"] + 204, 400, steps=4)
        page.mouse.up()
        assert page.locator("#panel").bounding_box()["width"] < width - 120
        page.locator("#divider").dblclick()
        assert page.locator("#panel").bounding_box()["width"] == width


# ---------------------------------------------------------------- nudges


def test_a_nudge_goes_through_the_net_and_its_ratios_meet_the_derivatives(visit, net):
    with visit(explore(net[0], level="named"), "#w[1]_11") as page:
        page.keyboard.press("u")
        for size, apart in ((0.5, 1e-2), (-1e-3, 1e-4), (1e-5, 1e-6)):
            page.evaluate("(size) => { state.nudge = size; showNumbers(); }", size)
            rows = [row.inner_text().split("\t") for row in page.locator(".nudges tbody tr").all()]
            texts = [[float(text.replace("−", "-")) for text in row[-3:]] for row in rows]
            assert texts[0][0] == pytest.approx(size)
            moved = weights_moved(size)
            assert texts[-1][0] == pytest.approx(moved, rel=1e-3)
            for delta, ratio, slope in texts:
                assert ratio == pytest.approx(delta / size, rel=2e-3)
                assert ratio == pytest.approx(slope, rel=apart + 1e-3)
        assert cell(page, "L").locator(".grad").text_content() == "+4.386e−09"


def weights_moved(size):
    """By how much the loss of the lecture's net changes when w[1]_11 does."""

    def loss(w):
        weights = [[[w, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
        net = MLP.from_weights(weights, [[0.35, 0.35], [0.60, 0.60]], "sigmoid", "sigmoid")
        return squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y")).data

    return loss(0.15 + size) - loss(0.15)


def test_a_nudged_weight_on_its_line_says_so_and_the_direction_can_be_turned(visit, net):
    with visit(explore(net[0], level="neurons"), "#w[1]_11") as page:
        page.locator("#modes [data-value=nudge]").click()
        assert "0.15 + 0.1" in page.locator("#picture").text_content()
        page.locator(".control .sign").click()
        assert "0.15 − 0.1" in page.locator("#picture").text_content()
        page.evaluate("select(null)")
        page.keyboard.press("u")
        assert "Select a node" in page.locator("#panel").inner_text()


# ---------------------------------------------------------------- downhill


def test_steps_of_descent_are_those_of_python(visit):
    loss, model = lecture()
    with visit(explore(loss, level="named")) as page:
        page.locator("#rate").fill("0")
        assert page.locator("#rate-is").inner_text() == "1"
        for _ in range(5):
            page.keyboard.press("n")
        found = {p.label: number_of(page, p.label) for p in model.parameters()}
        data = [number_of(page, name) for name in ("x_1", "x_2", "y_1", "y_2")]
        shown = page.locator("#loss").inner_text()
        assert page.locator("#curve path").last.get_attribute("d").count("L") == 5
        page.keyboard.press("r")
        frame(page)
        assert page.evaluate("isChanged") is False
        assert page.locator("#loss").inner_text() == f"L {loss.data:.4g}"
    x, y = inputs([0.05, 0.10]), inputs([0.01, 0.99], "y")
    for _ in range(5):
        now = squared_error(model(x), y)
        for p in model.parameters():
            p.grad = 0.0
        now.backward()
        for p in model.parameters():
            p.data -= 1.0 * p.grad
    assert found == pytest.approx({p.label: p.data for p in model.parameters()}, rel=1e-12)
    assert data == [0.05, 0.1, 0.01, 0.99]
    assert shown == f"L {squared_error(model(x), y).data:.4g} after 5 steps"


def test_without_parameters_all_leaves_move(visit):
    x, y = Value(2.0, "x"), Value(3.0, "y")
    with visit(explore(x * y + x)) as page:
        page.keyboard.press("n")
        assert [number_of(page, "x"), number_of(page, "y")] == pytest.approx([2 - 0.1 * 4, 3 - 0.1 * 2])


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_descent_plays_and_stops(visit, motion):
    with visit(explore(lecture()[0], level="named"), "#w[1]_11", reduced_motion=motion) as page:
        page.keyboard.press(" ")
        page.wait_for_timeout(1200)
        page.keyboard.press(" ")
        steps = page.evaluate("steps")
        assert 2 <= steps <= 5 if motion == "reduce" else steps > 5
        page.wait_for_timeout(400)
        assert page.evaluate("steps") == steps
        assert page.evaluate("isSettled")
        assert "w[1]_11=" in page.evaluate("location.hash")


def test_descent_that_diverges_stops_and_says_so(visit):
    x = Value(3.0, "w")
    with visit(explore((x * x) * (x * x))) as page:
        page.evaluate("state.rate = 10; toggleDescent()")
        page.wait_for_timeout(700)
        assert "No longer finite" in page.locator("#loss").inner_text()
        assert page.evaluate("descending") == 0


def test_the_curve_of_a_long_descent_is_folded(visit):
    w = Value(3.0, "w")
    with visit(explore(w * w)) as page:
        page.evaluate("state.rate = 0.001; for (let i = 0; i < 5000; i += 1) takeStep();")
        assert 500 < page.evaluate("losses.length") <= 2000
        assert page.evaluate("steps") == 5000


def test_a_line_is_dragged_sideways_for_its_number_and_downwards_to_move_the_picture(visit):
    with visit(explore(lecture()[0], level="neurons")) as page:
        line = "picture.lines.find((l) => names.link(l.node ?? -1) === 'w[1]_11')"
        at = page.evaluate(
            f"picture.onStage(middleOf({line})).map((x, i) => x + [stage.left, stage.top][i])".replace(
                "[stage.left, stage.top]",
                "[picture.stage.getBoundingClientRect().left, picture.stage.getBoundingClientRect().top]",
            )
        )
        before = page.evaluate("[picture.origin, isChanged]")
        page.mouse.move(*at)
        page.mouse.down()
        page.mouse.move(at[0] + 4, at[1] + 30, steps=5)
        page.mouse.up()
        origin, is_changed = page.evaluate("[picture.origin, isChanged]")
        assert not is_changed
        assert origin[1] == pytest.approx(before[0][1] + 30, abs=2)
        page.keyboard.press("0")
        page.mouse.move(*at)
        page.mouse.down()
        page.mouse.move(at[0] + 30, at[1] + 4, steps=5)
        page.mouse.up()
        assert page.evaluate("isChanged")


# ---------------------------------------------------------------- formulas of pieces


def test_a_formula_follows_the_piece_that_holds(visit):
    x, w = Value(2.0, "x"), Value(1.5, "w")
    z = w * x
    z.label = "z"
    a = autograd.maximum(z, w * w) * w
    a.label = "a"
    with visit(explore(a, w, level="named")) as page:

        def factors(number):
            page.evaluate(f"change(nodeCalled('x', graph().nodes), {number})")
            frame(page)
            found = page.evaluate(
                """graph().edges.filter((e) => names.line(e.result) === 'a').map((e) =>
                [names.line(e.operand), names.formula(e.formula).textContent.replace(/[\\s\u2062]/g, ''),
                e.derivative])"""
            )
            return {operand: (formula, d) for operand, formula, d in found}

        assert factors(2) == {"z": ("w", 1.5), "w": ("max\u2061(z,w2)", 3)}
        assert factors(1) == {"z": ("0", 0), "w": ("2w2+max\u2061(z,w2)", 6.75)}  # now w·w is the larger: a is w³
        assert factors(1.5) == {"z": ("12w", 0.75), "w": ("w2+max\u2061(z,w2)", 4.5)}
        assert factors(3) == {"z": ("w", 1.5), "w": ("max\u2061(z,w2)", 4.5)}


@pytest.mark.parametrize(
    ("function", "at", "then", "first", "second"),
    [
        (autograd.leaky_relu, 2.0, -1.0, "1", "0.01"),
        (lambda v: autograd.leaky_relu(v, 0.2), -2.0, 1.0, "0.2", "1"),
        (autograd.elu, 1.0, -1.0, "1", "ev"),
        (lambda v: autograd.clip(v, -1.0, 1.0), 0.5, 3.0, "1", "0"),
        (lambda v: autograd.maximum(v, 1.0), 2.0, 0.0, "1", "0"),
        (lambda v: autograd.minimum(v, 1.0), 2.0, 0.0, "0", "1"),
        (autograd.log, 2.0, -1.0, "1v", "nan"),
    ],
)
def test_every_kink_has_the_formulas_of_both_sides(visit, function, at, then, first, second):
    v = Value(at, "v")
    a = function(v)
    a.label = "a"
    with visit(explore(a, v, level="named")) as page:
        formula = "names.formula(graph().edges[0].formula).textContent.replace(/[\\s\u2062]/g, '')"
        assert page.evaluate(formula) == first
        page.evaluate(f"change(state.node, {then})")
        frame(page)
        assert page.evaluate(formula) == second
        assert page.locator(".symbols").first.text_content() != "…"
        page.evaluate(f"change(state.node, {at})")
        frame(page)
        assert page.evaluate(formula) == first


def test_a_kink_behind_a_changed_number_without_a_name_has_no_formula(visit):
    w, c = Value(2.0, "w"), Value(0.5)
    a = autograd.leaky_relu(w) * c
    a.label = "a"
    with visit(explore(a, w, level="named")) as page:
        page.evaluate("program.values[0] === 0.5 ? program.values[0] = 3 : program.values[1] = 3; follow()")
        frame(page)
        assert page.evaluate("graph().edges.map((e) => e.formula)") == ["<mi>…</mi>"]


# ---------------------------------------------------------------- the picture


def shared():
    """An expression in which nodes are used more than once."""
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c, d = a * b, a + b
    c.label, d.label = "c", "d"
    e = tanh(c * d) * a + c
    e.label = "L"
    e.backward()
    return e


def small(*sizes):
    net = MLP(sizes[0], sizes[1:], "sigmoid", "sigmoid", rng=1)
    loss = squared_error(net(inputs([0.5, -1.0, 2.0][: sizes[0]])), Value(1.0, "y_1"))
    loss.label = "L"
    loss.backward()
    return loss


TEXTS = """[...document.querySelectorAll('#picture text')]
    .filter((t) => t.getClientRects().length && t.textContent.trim()).map((t) => {
        const box = t.getBoundingClientRect();
        const sizes = [t, ...t.querySelectorAll('tspan')].map((part) => parseFloat(getComputedStyle(part).fontSize));
        return [t.textContent, Math.min(...sizes) * picture.scale, box.left, box.top, box.right, box.bottom]; })"""


@pytest.mark.parametrize("size", [(1024, 768), (1440, 900), (3840, 2160)])
@pytest.mark.parametrize(
    "make", [lambda: lecture()[0], lambda: small(3, 4, 3, 1), lambda: small(2, 4, 1), shared],
    ids=["2-2-2", "3-4-3-1", "2-4-1", "shared"],
)  # fmt: skip
def test_every_text_of_the_picture_is_readable_and_none_covers_another(visit, make, size):
    viewport = {"width": size[0], "height": size[1]}
    with visit(explore(make()), viewport=viewport) as page:
        for link in ("null", "graph().nodes.find((v) => kinds(v) === 'leaf')"):
            page.evaluate(f"select({link})")
            texts = page.evaluate(TEXTS)
            assert len(texts) > 10
            assert min(size for _, size, *_ in texts) >= 8.99
            for (one, _, *a), (other, _, *b) in itertools.combinations(texts, 2):
                # the boxes of texts are higher than their letters, by a quarter above and below
                heights = a[3] - a[1], b[3] - b[1]
                across = min(a[2], b[2]) - max(a[0], b[0])
                down = min(a[3] - heights[0] / 4, b[3] - heights[1] / 4) - max(
                    a[1] + heights[0] / 4, b[1] + heights[1] / 4
                )
                assert across <= 0.5 or down <= 0.5, (one, other)
        box = page.evaluate("picture.marks.map(({ at }) => at)")
        stage = page.locator("#picture").bounding_box()
        used = [max(p[i] for p in box) - min(p[i] for p in box) + 2 * page.evaluate("picture.radius") for i in (0, 1)]
        assert used[0] / stage["width"] > 0.9
        assert used[1] / stage["height"] > 0.5


@pytest.mark.parametrize("ending", ["svg", "png"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_is_saved_as_it_is_shown(visit, tmp_path, ending, scheme):
    with visit(explore(lecture()[0]), "#w[1]_11&w[1]_11=0.9", color_scheme=scheme) as page:
        with page.expect_download() as found:
            page.keyboard.press({"svg": "s", "png": "S"}[ending])
        file = tmp_path / "saved"
        found.value.save_as(file)
        assert found.value.suggested_filename == f"Gradient-paths.{ending}"
        stage = page.locator("#picture").bounding_box()
        if ending == "png":
            content = file.read_bytes()
            assert content.startswith(b"\x89PNG")
            width, height = (int.from_bytes(content[i : i + 4]) for i in (16, 20))
            assert (width, height) == pytest.approx((2 * stage["width"], 2 * stage["height"]), abs=4)
            return
        text = file.read_text(encoding="utf-8")
        parsed = xml.etree.ElementTree.fromstring(text)
        assert parsed.tag == "{http://www.w3.org/2000/svg}svg"
        shown = {"".join(t.itertext()).strip() for t in parsed.iter("{http://www.w3.org/2000/svg}text")}
        assert {"0.9", "0.4", "0.5"} <= shown
        assert "var(" not in text
        assert "class=" not in text
        paper = page.evaluate("getComputedStyle(document.querySelector('.stage')).backgroundColor")
        assert paper in text


def test_a_saved_picture_keeps_hostile_names_as_text(visit, tmp_path):
    with visit(explore(hostile()[0])) as page:
        with page.expect_download() as found:
            page.keyboard.press("s")
        found.value.save_as(tmp_path / "saved.svg")
        parsed = xml.etree.ElementTree.fromstring((tmp_path / "saved.svg").read_bytes())
        assert {part.tag.split("}")[1] for part in parsed.iter()} <= {
            *("svg", "title", "rect", "g", "path", "circle", "text", "tspan"),
        }

"""What the page says of a marked sheet, and of answers to an exercise: the verdicts of check_work, looked up."""

import re

import pytest
from contrast import contrast
from pages import contents_of, data_of, lecture

import nn
from autograd import Tensor, Value, check_work, relu, squared_error
from viz import explore


def computed():
    """A unit whose relu is closed, and the loss."""
    w, x, b, v, y = (Value(n, name) for n, name in ((2.0, "w"), (3.0, "x"), (-7.0, "b"), (5.0, "v"), (-4.0, "y")))
    z = w * x + b
    z.label = "z"
    a = relu(z)
    a.label = "a"
    yhat = v * a
    yhat.label = "yhat"
    loss = squared_error(yhat, y)
    loss.label = "L"
    loss.backward()
    return loss


def without_the_slope():
    """Somebody who forgets that the relu is closed: ŷ − y = 4, times v = 5."""
    return {"dL/dyhat": "4.000000", "dL/da": "20.00000", "dL/dz": "20.00000", "dL/dw": "60.00000", "dL/db": "20.00000"}


KINDS = ("update", "factor", "find")


def called(data, v):
    return "".join(data["nodes"]["name"][v])


def test_a_mistake_is_on_its_edge_and_verdicts_are_by_node():
    loss = computed()
    marking = check_work(loss, without_the_slope())
    data = data_of(explore(loss, marking=marking))
    assert [tuple(called(data, v) for v in pair) for pair in data["marking"]["wrong"]] == [("a", "z")]
    found = {called(data, v): (kind, said) for v, kind, _, said in data["marking"]["verdicts"]}
    assert {name: kind for name, (kind, _) in found.items()} == {
        "ŷ": "right",
        "a": "right",
        "z": "wrong",
        "w": "given",
        "b": "given",
    }
    assert found["w"][1] == marking.said(marking["dL/dw"])
    assert marking.findings[0].slip in data["marking"]["told"][0]
    assert data["marking"]["total"].startswith("4 of 5 points")


@pytest.mark.slow
def test_only_pages_with_verdicts_carry_what_shows_them():
    loss, _ = lecture()
    assert "markingPanel" not in contents_of(explore(loss))[1]
    marked = explore(loss, marking=check_work(loss, {"dL/dw[2]_1,1": "0.08"}))
    assert "markingPanel" in contents_of(marked)[1]
    assert len(marked.html.encode()) <= 90_000


def test_what_an_answer_is_told_is_what_check_work_says_of_it():
    sheet = nn.exercise(7, "neuron", level=2)
    data = data_of(explore(sheet.loss, exercise=sheet))
    assert data["program"] is None
    gaps = data["exercise"]["gaps"]
    assert [gap["shown"] for gap in gaps] == [b.shown.text for b in sheet.blanks]
    assert [gap["right"] for gap in gaps] == [b.right for b in sheet.blanks]
    told = 0
    for place, (gap, blank) in enumerate(zip(gaps, sheet.blanks, strict=True)):
        before = {b.name: b.right for b in sheet.blanks[:place] if b.name.startswith("d")}
        for x, words in gap["told"]:
            found = sheet.check({**before, blank.name: x}).findings[0]
            assert words in (found.slip, f"perhaps {found.slip}")
            assert x != gap["right"]
            told += 1
    assert told > 5


@pytest.mark.slow
def test_what_else_is_asked_for_comes_with_what_it_takes():
    data = {kind: data_of(explore(s.loss, exercise=s))["exercise"] for kind in KINDS for s in [nn.exercise(7, kind)]}
    step, factor, find = (data[kind]["gaps"] for kind in KINDS)
    assert {gap["of"] for gap in step} == {"grad", "new"}
    assert sum("added" in str(gap["told"]) for gap in step if gap["of"] == "new" and gap["rate"] > 0) > 3
    assert "learning rate" in next(gap["asked"] for gap in step if gap["of"] == "new")
    assert [gap["of"] for gap in factor] == ["number"] * 3
    assert all("____" in gap["asked"] for gap in factor)
    assert [gap["of"] for gap in find] == ["choice", "number"]
    assert find[0]["right"] in data["find"]["choices"]
    assert "Somebody went on" in data["find"]["notes"]
    assert all("   " not in found["notes"] for found in data.values())


@pytest.mark.slow
def test_what_does_not_belong_together_is_refused():
    loss, sheet = computed(), nn.exercise(1, "neuron")
    with pytest.raises(TypeError, match="expected marking to be what check_work gives, got dict"):
        explore(loss, marking={})
    with pytest.raises(ValueError, match="the marking is of another computation"):
        explore(computed(), marking=check_work(loss, without_the_slope()))
    with pytest.raises(TypeError, match=r"expected exercise to be what nn\.exercise gives"):
        explore(loss, exercise=7)
    with pytest.raises(ValueError, match=r"write explore\(sheet\.loss, exercise=sheet\)"):
        explore(loss, exercise=sheet)
    for kind, asks in (("matrices", "whole matrices"), ("shapes", "shapes")):
        other = nn.exercise(1, kind)
        with pytest.raises(ValueError, match=f"asks for {asks}, which the page does not take; hand out sheet.blank"):
            explore(other.loss, exercise=other)
    w = Tensor([[1.0, 2.0]], label="W")
    with pytest.raises(TypeError, match="a marking is shown on a graph of Values"):
        explore((w * w).sum(), marking=check_work(loss, without_the_slope()))


def test_edges_of_mistakes_are_coloured_and_the_panel_says_which(visit):
    loss = computed()
    marking = check_work(loss, without_the_slope())
    with visit(explore(loss, marking=marking, level="named")) as page:
        assert page.locator(".line.mistake").count() == 1
        assert page.locator(".line.mistake").get_attribute("aria-label").startswith("∂a/∂z")
        assert page.locator(".cell.marked-wrong").count() == 1
        assert page.locator(".cell.marked-given").count() == 2
        assert marking.findings[0].slip in page.locator("#panel").inner_text()
        page.locator(".verdicts tr", has_text="wrong").click()
        assert page.evaluate("names.line(state.node)") == "z"
        assert page.locator(".line.mistake").count() == 1


def test_an_exercise_hides_its_numbers_and_says_right_given_yours_or_which_mistake(visit):
    sheet = nn.exercise(7, "neuron", level=1)
    key = {b.name: b.right for b in sheet.blanks}
    with visit(explore(sheet.loss, exercise=sheet)) as page:

        def answer(name, x):
            shown = next(b.shown.text for b in sheet.blanks if b.name == name)
            row = page.locator(".verdicts tr", has=page.get_by_role("textbox", name=shown, exact=True))
            row.locator("input").fill(x if isinstance(x, str) else f"{x:g}")
            row.locator("input").press("Enter")
            return row.locator("td").last.inner_text()

        assert (
            page.locator("#picture .grad").evaluate_all(
                "all => all.map((t) => t.textContent).filter((t) => /\\d/.test(t))"
            )
            == []
        )
        assert all(
            "=" not in (label or "")
            for label in page.locator(".line").evaluate_all("all => all.map((line) => line.getAttribute('aria-label'))")
        )
        assert answer("dL/da", "zero") == "not a number"
        assert answer("dL/da", f"{key['dL/da']:.1f}".replace(".", ",")) == "right"
        assert answer("dL/da", key["dL/da"]) == "right"
        assert answer("dL/dz", -key["dL/dz"]).startswith("wrong")
        assert answer("dL/db", -key["dL/db"]) == "right given your ∂L/∂z"
        assert answer("dL/db", key["dL/db"]) == "right"
        assert page.locator("strong", has_text=re.compile("points")).inner_text() == "2 of 5 points"
        for name, x in key.items():
            assert answer(name, x) == "right"
        assert page.locator("strong", has_text=re.compile("points")).inner_text() == "5 of 5 points"
        page.locator("#reveal").click()
        assert page.locator(".leaves").count() == 1
        assert str(int(key["dL/db"])) in page.locator("#picture .grad").all_text_contents()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_a_factor_and_a_mistake_are_asked_for_and_answered(visit, kind):
    sheet = nn.exercise(7, kind, level=1)
    with visit(explore(sheet.loss, exercise=sheet)) as page:
        said = page.locator("#panel .verdicts tr:not(.question)")

        def answer(place, x):
            entry = said.nth(place).locator(".entry")
            if kind == "find" and not place:
                entry.select_option(x)
            else:
                entry.fill(x if isinstance(x, str) else f"{x:g}")
                entry.press("Enter")
            return said.nth(place).locator("td").last.inner_text()

        for place, blank in enumerate(sheet.blanks):
            assert answer(place, blank.right) == "right", blank.name
        points = page.locator("strong", has_text=re.compile("points"))
        assert points.inner_text() == f"{sheet.points} of {sheet.points} points"
        assert answer(1, "77 %") == "wrong"
        assert answer(1, "1/0") == "not a number"
        assert answer(1, f"{sheet.blanks[1].right * 2:g}/2") == "right"
        if kind == "update":
            names = [b.name for b in sheet.blanks]
            by = next(n for n in names if n.startswith("dL/dw") and sheet.blanks[names.index(n)].right)
            g, step = names.index(by), names.index(f"new {by[4:]}")
            assert "added" in answer(step, sheet.blanks[step].right + 2 * sheet.rate * sheet.blanks[g].right)
            answer(g, sheet.blanks[g].right + 10)
            mine = sheet.blanks[step].right - 10 * sheet.rate
            assert answer(step, mine).startswith("right given your ∂L/∂w")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_verdicts_can_be_read_on_either_ground(visit, scheme):
    loss = computed()
    with visit(explore(loss, marking=check_work(loss, without_the_slope())), color_scheme=scheme) as page:
        for kind in ("right", "wrong"):
            colors = page.evaluate(
                f"""[getComputedStyle(document.querySelector(".said-{kind}")).color,
                     getComputedStyle(document.body).backgroundColor]"""
            )
            ink, paper = ("#" + "".join(f"{int(n):02x}" for n in re.findall(r"\d+", color)[:3]) for color in colors)
            assert contrast(ink, paper) >= 4.5

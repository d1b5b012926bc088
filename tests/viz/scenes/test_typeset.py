"""Names in finished pictures: set as mathematics, while all other text stays as it is."""

from xml.etree import ElementTree

import pytest
from drawings import each_renderer, lecture_net

from autograd import squared_error
from nn import inputs
from viz import draw_graph
from viz.scenes.typeset import typeset

TSPAN = "{http://www.w3.org/2000/svg}tspan"


def svg(text):
    shown = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<svg xmlns="http://www.w3.org/2000/svg"><text x="1" y="2" font-size="10.00">{shown}</text></svg>'


def spans(text):
    """The text as pieces, each with how far it is from the line it began on, in hundredths of the size."""
    (element,) = ElementTree.fromstring(typeset(svg(text)))
    height, found = 0.0, [(element.text or "", 0)]
    for piece in element.iter(TSPAN):
        height += float(piece.get("dy", 0))
        if piece.text != "\u200b":
            found.append((piece.text, round(10 * height)))
        if piece.tail:
            found.append((piece.tail, round(10 * height)))
    return found


def test_what_is_above_and_below_a_name_stands_there_and_the_rest_on_its_line():
    assert spans("w[1]₁₂ = 0.5") == [("w", 0), ("[1]", -42), ("12", 24), (" = 0.5", 0)]
    assert spans("b[l]") == [("b", 0), ("[l]", -42)]
    assert spans("a[2](3)₁(1 − a[2](3)₁)") == [
        *(("a", 0), ("[2](3)", -42), ("1", 24), ("(1 − a", 0)),
        *(("[2](3)", -42), ("1", 24), (")", 0)),
    ]
    assert spans("C\u0303[1]⟨1⟩") == [("C\u0303", 0), ("[1]", -42), ("⟨1⟩", 0)]
    assert spans("(1 − A^∘2)") == [("(1 − A", 0), ("∘2", -42), (")", 0)]
    assert spans("∂L/∂w[1]₁₁")[1:] == [("[1]", -42), ("11", 24)]


@pytest.mark.parametrize("text", ["x₁ = 2", "[1, 2]", "shape (2, 3)", "a & <b>", "[ ]", "3[4]", "plain"])
def test_other_text_stays_as_it_is(text):
    assert typeset(svg(text)) == svg(text)


@each_renderer
def test_names_in_a_drawing_are_set_in_both_renderers(renderer):
    loss = squared_error(lecture_net()(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    picture = draw_graph(loss, level="named", show="names", edges=None).pipe("svg", renderer).decode()
    texts = [
        "".join(t.itertext()).replace("\u200b", "")
        for t in ElementTree.fromstring(picture).iter()
        if t.tag.endswith("}text")
    ]
    assert {"w[1]11", "b[2]1", "a[2]2"} <= set(texts)
    assert "w[1]₁₁" not in texts

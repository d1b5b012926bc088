"""Mermaid text holds the nodes and edges of a Drawing, and no label can break it."""

import re

import pytest

from autograd import Value, sin
from viz import Drawing, draw_graph
from viz.dot.mermaid import mermaid


def test_a_graph_as_a_flowchart():
    x = Value(3.0, "x")
    assert draw_graph(x * x + sin(x), show="data").mermaid() == (
        "flowchart LR\n"
        '    v0("+<br/>9.141")\n'
        '    v1("×<br/>9")\n'
        '    v2("sin<br/>0.1411")\n'
        '    v3["x = 3"]\n'
        '    v1 -->|"1"| v0\n'
        '    v2 -->|"1"| v0\n'
        '    v3 -->|"3"| v1\n'
        '    v3 -->|"3"| v1\n'
        '    v3 -.->|"#45;0.99"| v2\n'
    ).replace("#45;", "−")


def test_the_direction_is_kept():
    for direction in ("LR", "TB", "RL", "BT"):
        assert draw_graph(Value(1.0) * 2.0, direction=direction).mermaid().startswith(f"flowchart {direction}\n")


def test_the_lines_of_a_unit_stay_lines():
    x, w, b = Value(2.0, "x"), Value(0.5, "w"), Value(1.0, "b")
    z = w * x + b
    z.label = "z"
    z.backward()
    assert '("z = 2   grad 1<br/>+  b = 1   grad 1")' in draw_graph(z, level="neurons").mermaid()


@pytest.mark.parametrize(
    "label",
    [
        'say "hi"',
        "<script>",
        "a | b",
        "{x}",
        "semi;colon",
        "#1",
        "back\\slash",
        "`tick`",
        "]; v0 --> v1",
        "&lt;",
        "--> x",
        "$$x$$",
        "fa:fa-camera",
        "a\\name",  # not a new line, which Mermaid makes of a backslash and an n
        "*a* _b_ ~c~",
    ],
)
def test_no_label_breaks_it(label):
    text = draw_graph(-Value(1.0, label), show="data").mermaid()
    _, _, line, _ = text.splitlines()
    inside = re.fullmatch(r'    v1\["(.*)"\]', line)[1]
    assert re.fullmatch(r"(#\d+;|<br/>|[^\"#<&`{}|;:$*_~\\])*", inside)
    shown = re.sub(r"#(\d+);", lambda c: chr(int(c[1])), inside)
    assert not any(word in shown for word in ("$$", "fa:f", r"\n"))  # Mermaid looks for them in what it has decoded
    assert shown.replace("\u200b", "") == f"{label} = 1"


def test_a_drawing_of_your_own_is_read_too():
    d = Drawing()
    d.node("a b", "two\nlines")
    d.node("lonely")
    d.edge("a b", "c:port", label="x")
    d.edge("c", "d", style="invis")
    assert d.mermaid() == (
        'flowchart TB\n    v0("two<br/>lines")\n    v1("lonely")\n    v2["c"]\n    v3["d"]\n    v0 -->|"x"| v2\n'
    )


@pytest.mark.parametrize("label", [" ", "\n", "\r\n", "\t", r"\n", r"\l"])
def test_a_blank_node_has_a_blank_text_because_mermaid_reads_no_empty_one(label):
    d = Drawing()
    d.node("a", label)
    d.edge("a", "b", label=label)
    assert d.mermaid() == 'flowchart TB\n    v0(" ")\n    v1["b"]\n    v0 --> v1\n'


def test_a_backslash_before_a_new_line_stays():
    assert mermaid(r'x [label="a\\\nb"]') == 'flowchart TB\n    v0("a#92;#8203;<br/>b")\n'

"""What tests of drawings share: the renderers there are, what a layout holds, and the lectures' net."""

import json
import re
from pathlib import Path

import pytest

from autograd import squared_error
from nn import MLP, inputs
from viz import available_renderers

GOLDEN = Path(__file__).parents[1] / "golden"
HERE = available_renderers()

needs_dot = pytest.mark.skipif("dot" not in HERE, reason="needs Graphviz's own dot on PATH")
needs_pure = pytest.mark.skipif("pure" not in HERE, reason="needs graphviz-pure")
needs_both = pytest.mark.skipif(set(HERE) != {"dot", "pure"}, reason="needs both renderers")
needs_renderer = pytest.mark.skipif(not HERE, reason="needs a renderer: dot or graphviz-pure")
each_renderer = pytest.mark.parametrize(
    "renderer",
    [
        pytest.param("dot", marks=[needs_dot, *([pytest.mark.slow] if "pure" in HERE else [])]),  # a process each time
        pytest.param("pure", marks=needs_pure),
    ],
)

# Labels that would break a picture if they were not escaped.
NASTY = [
    'say "hi"',
    "<script>alert(1)</script>",
    "<b>",
    r"\N \G \l \\",
    "ends with \\",
    "{a|b} <f0>",
    "&lt; &amp; &alpha;",
    "two\nlines\tand a tab",
    "😀 → ∞",
    "]; n0 -> n1; //",
    "\ue000x\ue001",
]


def lecture_net(**options):
    """The 2-2-2 net of lecture 20."""
    return MLP.from_weights(
        [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
        [[0.35, 0.35], [0.60, 0.60]],
        activation="sigmoid",
        output_activation="sigmoid",
        **options,
    )


def lecture_and_net():
    """Lecture 20's loss after its backward pass, and its net."""
    net = lecture_net()
    loss = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    loss.backward()
    return loss, net


# How the gradient goes back along the edges of a 2-2-2 sigmoid net with the lectures' cost, samples in rows.
MATRIX_EDGES = {
    ("X", "Z[1]"): "",
    ("W[1]", "Z[1]"): "dZ[1]ᵀ X",
    ("b[1]", "Z[1]"): "Σᵢ dZ[1](i)",
    ("Z[1]", "A[1]"): "⊙ A[1] ⊙ (1 − A[1])",
    ("A[1]", "Z[2]"): "dZ[2] W[2]",
    ("W[2]", "Z[2]"): "dZ[2]ᵀ A[1]",
    ("b[2]", "Z[2]"): "Σᵢ dZ[2](i)",
    ("Z[2]", "A[2]"): "⊙ A[2] ⊙ (1 − A[2])",
    ("A[2]", "L"): "(1/m) (A[2] − Y)",
    ("Y", "L"): "",
}


def plain(text):
    """A text with digits that stand below as digits, as a name is read that was set as mathematics."""
    return text.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))


def told(element):
    """What a text of an SVG says, in one line and with plain digits."""
    return plain("".join(element.itertext())).replace("\xa0", " ").replace("\u200b", "")


def dot_statements(drawing):
    """The DOT text read without Graphviz: attributes of nodes, and (from, to, attributes) of visible edges."""
    nodes, edges = {}, []
    for line in drawing.source.splitlines():
        attributes = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line))
        if match := re.match(r"\t(n\d+) \[", line):
            nodes[match[1]] = attributes
        elif (match := re.match(r"\t+(n\d+) -> (n\d+) \[", line)) and attributes.get("style") != "invis":
            ends = match.groups() if attributes.get("dir") != "back" else match.groups()[::-1]
            edges.append((*ends, attributes))
    return nodes, edges


def graph_in(layout):
    """The nodes, boxes and edges of a layout as JSON with their labels, without places."""
    layout = json.loads(layout)
    names = [o["name"] for o in layout["objects"]]
    objects = sorted((o["name"], o.get("label", "")) for o in layout["objects"] if o["name"][0] != "%")
    edges = sorted(
        (names[e["tail"]], names[e["head"]], e.get("label", ""), e.get("color", "")) for e in layout["edges"]
    )
    return objects, edges

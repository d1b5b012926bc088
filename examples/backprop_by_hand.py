"""Backpropagation by hand: one worked example, with every path and every number.

Two inputs, two hidden units, two outputs, sigmoid throughout. The page goes the way of lecture 20,
"Neural Networks", of Sana Jabbar's course (Data Science, Spring 2024, Knowledge Stream): the forward
pass, the derivatives path by path, the same with matrices, gradient descent. At the end every figure
that the lecture prints stands beside ours.

    python examples/backprop_by_hand.py --svg .
"""

import argparse
import math
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np

from autograd import PathGraph, derive, names, squared_error
from nn import MLP, SGD, inputs

# Columns, as the lecture writes them.
X, Y = np.array([[0.05], [0.10]]), np.array([[0.01], [0.99]])
W1, B1 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.35], [0.35]])
W2, B2 = np.array([[0.40, 0.45], [0.50, 0.55]]), np.array([[0.60], [0.60]])

# Every figure of the lecture, and the note that belongs to it.
LECTURE = (
    ("z[1]₁", "0.3775", ""),
    ("a[1]₁", "0.5933", ""),
    ("z[1]₂", "0.3925", ""),
    ("a[1]₂", "0.5969", ""),
    ("z[2]₁", "1.106", "formula: slip 3"),
    ("ỹ₁", "0.7514", ""),
    ("z[2]₂", "1.225", "formula: slip 3"),
    ("ỹ₂", "0.7729", "formula: slip 4"),
    ("L", "0.2984", "formula: slip 2"),
    ("∂L/∂ỹ₁", "0.7414", ""),
    ("∂ỹ₁/∂z[2]₁", "0.1868", ""),
    ("∂z[2]₁/∂w[2]₁₁", "0.5933", ""),
    ("∂L/∂w[2]₁₁", "0.0821", "slip 5"),
)

ELSEWHERE = """
Elsewhere in the lecture
  - Leaky ReLU "is differentiable": not at 0, where the slope is α on the left and 1 on the right; g′(0) = 1
    is a choice. ReLU has such a kink too. (In max(0, z) itself z ≥ 0 or z > 0 is all the same: both give 0.)
  - tanh "approaches 1 or 0" where its gradient vanishes: it approaches 1 or −1.
  - "Back propagate the loss": what travels back is not the loss but its derivative.
  - ∂L/W[3] on the first of the two pages of partial derivatives: ∂L/∂W[3], as on the second. The chains are
    right; to multiply them as matrices takes the order and the transposes of part 3.
"""

PLAIN = {"∂": "d", "·": "*", "∘": "*", "−": "-", "→": "->", "←": "<-", "≥": ">=", "½": "1/2 ", "²": "^2", "ᵀ": "^T"}
PLAIN |= {"‖": "|", "′": "'", "ỹ": "ytilde", "σ": "sigma", "α": "alpha"}


def spell(text):
    """The text, in ASCII if the terminal knows nothing else."""
    try:
        "".join(PLAIN).encode(sys.stdout.encoding or "utf-8")
        return text
    except UnicodeEncodeError:
        text = re.sub("[₀-₉]+", lambda index: "_" + unicodedata.normalize("NFKC", index[0]), text)
        return text.translate(str.maketrans(PLAIN))


def say(text=""):
    print(spell(text))


def title(text):
    say(f"\n\n{text}\n{'=' * len(text)}\n")


def table(rows):
    rows = [[spell(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(("  " + "   ".join(map(str.ljust, row, widths))).rstrip())


def number(x):
    return f"{x:.10g}".replace("-", "−")


def aligned(x):
    return f"{x: .10f}".replace("-", "−")


def name(v):
    return names.text(v.label)


def network(W1=W1, B1=B1, W2=W2, B2=B2):
    return MLP.from_weights([W1, W2], [B1.ravel(), B2.ravel()], "sigmoid", "sigmoid")


def run(net):
    """The forward pass, recorded. The outputs are called ỹ, as in the lecture."""
    prediction = net(inputs(X.ravel()))
    for j, u in enumerate(prediction, 1):
        u.label = f"ytilde_{j}"
    loss = squared_error(prediction, inputs(Y.ravel(), "y"))
    loss.label = "L"
    return loss


def formula(v, write):
    """How a node was computed, its operands written by `write`: by their names, or as numbers."""
    if v.op.name == "dot":
        weights, units, bias = v.operand_groups
        products = [f"{write(w)}·{write(u)}" for w, u in zip(weights, units, strict=True)]
        return " + ".join([*products, write(bias)])
    if v.op.name == "sigmoid":
        return f"σ({write(v.operands[0])})"
    prediction, target = v.operand_groups
    return "½(" + " + ".join(f"({write(u)} − {write(y)})²" for u, y in zip(prediction, target, strict=True)) + ")"


def show_forward_pass(loss):
    title("1. Forward pass")
    say("From left to right, with σ(z) = 1/(1 + e^(−z)) and the loss L = ½‖ỹ − y‖².\n")
    for v in PathGraph(loss).nodes:
        if not v.is_leaf:
            say(f"  {name(v)} = {formula(v, name)}")
            say(f"  {' ' * len(spell(name(v)))} = {formula(v, lambda u: number(u.data))} = {number(v.data)}")


def show_paths(loss, net, latex):
    title("2. The derivative of L by every weight and bias")
    say("A path leads from L back to the weight. Below each: the chain of the lecture, its factors as formulas")
    say("and as numbers, their product. σ′(z) = σ(z)(1 − σ(z)), so that ∂a/∂z = a(1 − a).")
    for layer, which in zip(
        reversed(net.layers), ("Output layer: one path", "Hidden layer: two paths, one through each output"), strict=True
    ):
        say(f"\n{which}\n")
        for p in layer.parameters():
            derivation = derive(loss, p)
            print(derivation.latex() if latex else derivation, end="\n\n")



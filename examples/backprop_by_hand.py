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
    """Every derivation, output layer first; returns them in the order of the parameters."""
    title("2. The derivative of L by every weight and bias")
    say("A path leads from L back to the weight. Below it: the chain of the lecture, its factors as formulas and")
    say("as numbers, their product. For σ the slope is σ′(z) = σ(z)(1 − σ(z)), so that ∂a/∂z = a(1 − a).")
    derivations = {p: derive(loss, p) for p in net.parameters()}
    one, two = "Output layer: one path each", "Hidden layer: two paths each, because a hidden unit feeds both outputs"
    for layer, heading in zip(reversed(net.layers), (one, two), strict=True):
        say(f"\n{heading}\n")
        for p in layer.parameters():
            print(derivations[p].latex() if latex else derivations[p], end="\n\n")
    return list(derivations.values())


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def matrices(W2_on_the_way_back=W2):
    """The backward pass in the lectures' matrix form, each formula with its value."""
    A1 = sigmoid(W1 @ X + B1)
    A2 = sigmoid(W2 @ A1 + B2)
    return {
        "dA[2] = A[2] − Y": (dA2 := A2 - Y),
        "dZ[2] = dA[2] ∘ A[2] ∘ (1 − A[2])": (dZ2 := dA2 * A2 * (1 - A2)),
        "dW[2] = dZ[2] A[1]ᵀ": dZ2 @ A1.T,
        "db[2] = dZ[2]": dZ2,
        "dA[1] = W[2]ᵀ dZ[2]": (dA1 := W2_on_the_way_back.T @ dZ2),
        "dZ[1] = dA[1] ∘ A[1] ∘ (1 − A[1])": (dZ1 := dA1 * A1 * (1 - A1)),
        "dW[1] = dZ[1] Xᵀ": dZ1 @ X.T,
        "db[1] = dZ[1]": dZ1,
    }


def by_symbol(formulas):
    return {text.split(" ")[0]: value for text, value in formulas.items()}


def show_matrices(derivations):
    """True if the matrices, the sums of the paths and the backward pass agree."""
    title("3. All paths at once: matrices")
    say("dZ is short for ∂L/∂Z, and ∘ multiplies entry by entry.\n")
    formulas = matrices()
    for text, value in formulas.items():
        rows = ["[" + "  ".join(map(aligned, row)) + " ]" for row in value]
        table([[f"{text:<36}", rows[0]], ["", rows[1]]])
    d = by_symbol(formulas)
    say("\nWhat paths share is computed once. The two paths into a hidden unit meet in dA[1] = W[2]ᵀ dZ[2]:")
    (above,), (below,) = d["dZ[2]"]
    first, total = W2[:, 0], d["dA[1]"][0, 0]
    say(f"  ∂L/∂a[1]₁ = {first[0]}·{number(above)} + {first[1]}·({number(below)}) = {number(total)}")
    say("With cross-entropy as the loss the factor A[2] ∘ (1 − A[2]) cancels and dZ[2] = A[2] − Y; here it stays.")
    by_matrices = np.vstack([np.hstack([d[f"dW[{layer}]"], d[f"db[{layer}]"]]) for layer in (1, 2)]).ravel()
    sums = np.array([derivation.sum for derivation in derivations])
    backward = np.array([derivation.source.grad for derivation in derivations])
    off = [np.abs(sums - other).max() for other in (by_matrices, backward)]
    say(f"\nCheck: the sums over all {sum(len(each) for each in derivations)} paths differ from the matrices")
    say(f"by at most {off[0]:.1g} and from L.backward() by at most {off[1]:.1g}.")
    return max(off) <= 1e-12


def descend(learning_rate, steps):
    """The loss after 0, 1, 10, 100, ... and `steps` steps of gradient descent."""
    net = network()
    optimizer = SGD(net.parameters(), learning_rate)
    for step in range(steps + 1):
        loss = run(net)
        if step in (0, steps) or set(str(step)[1:]) <= {"0"} and str(step)[0] == "1":
            yield step, loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def show_descent(net, learning_rate, steps):
    title("4. Gradient descent")
    say(f"w ← w − α ∂L/∂w with the learning rate α = {learning_rate:g}.\n")
    moved = [number(p.data - learning_rate * p.grad) for p in net.parameters()]
    rows = [(name(p), number(p.data), aligned(p.grad), m) for p, m in zip(net.parameters(), moved, strict=True)]
    table([("", "before", " ∂L/∂w", "after"), *rows])
    say()
    history = [(step, loss.data, *(u.data for u in loss.operand_groups[0])) for step, loss in descend(learning_rate, steps)]
    table([("step", "L", "ỹ₁ (0.01)", "ỹ₂ (0.99)"), *((str(n), *map(number, row)) for n, *row in history)])
    d = by_symbol(matrices())
    moved_W1, moved_W2 = W1 - learning_rate * d["dW[1]"], W2 - learning_rate * d["dW[2]"]
    late_W1 = W1 - learning_rate * by_symbol(matrices(moved_W2))["dW[1]"]
    weights_only, in_turn = (number(run(network(W1=w, W2=moved_W2)).data) for w in (moved_W1, late_W1))
    say(f"\nIf the biases stay where they are, one step leads to {weights_only} only. For α = 0.5 many pages on the web")
    say(f"have 0.291027924; that is {in_turn}, where W[2] moves first and dA[1] = W[2]ᵀ dZ[2] takes the new one:")
    say("a slip. Finish the backward pass, then move all weights at once.")


def remark(printed, ours, note):
    places = len(printed.partition(".")[2])
    rounded = f"{ours:.{places}f}"
    if math.isclose(float(printed), ours, rel_tol=1e-12):
        verdict = "agrees"
    else:
        verdict = "rounded" if rounded == printed else f"cut off: rounds to {rounded}"
    return f"{verdict}; {note}" if note else verdict


def show_comparison(loss, derivation):
    title("5. The lecture's figures and ours")
    ours = {name(v): v.data for v in PathGraph(loss).nodes}
    for edge in derivation.paths[0].edges:
        ours[f"∂{name(edge.result)}/∂{name(edge.operand)}"] = edge.derivative
    ours["∂L/∂w[2]₁₁"] = derivation.value
    rows = [(what, printed, number(ours[what]), remark(printed, ours[what], note)) for what, printed, note in LECTURE]
    table([("", "lecture", "ours", "remark"), *rows])
    say("\n" + slips(ours))
    say(ELSEWHERE.rstrip())


def slips(ours):
    y1, y2 = Y.ravel()
    e1, e2 = ours["ỹ₁"] - y1, ours["ỹ₂"] - y2
    difference = e1**2 - e2**2
    (z1,), (z2,) = W2 @ X + B2
    product = math.prod(map(float, ("0.7414", "0.1868", "0.5933")))
    return f"""Slips in the example
  1. "a[L] = y": the output layer gives the prediction ỹ = ({ours["ỹ₁"]:.4f}, {ours["ỹ₂"]:.4f}); y = ({y1:g}, {y2:g}) is
     what it should be. And "a[l] = x" is the input for l = 0 only.
  2. L = ½‖(ỹ₁ − y₁)² − (ỹ₂ − y₂)²‖² (twice): taken literally {difference**2 / 2:.4f}, with ∂L/∂ỹ₁ = {2 * difference * e1:.4f}.
     Meant is ½‖ỹ − y‖² = ½((ỹ₁ − y₁)² + (ỹ₂ − y₂)²) = {ours["L"]:.4f}, with ∂L/∂ỹ₁ = ỹ₁ − y₁ = {e1:.4f}: the lecture's figures.
  3. z[2]₁ = w[2]₁ᵀ x + b[2]₁, and likewise z[2]₂ (twice each): layer 2 sees a[1], not x. With x they would be
     {z1:g} and {z2:g}; the lecture's 1.106 and 1.225 are right.
  4. ỹ₂ = σ(z[2]₁), in the derivation of w[2]₁₁: ỹ₁ is meant. σ(z[2]₁) = {ours["ỹ₁"]:.4f}; ỹ₂ = σ(z[2]₂) = {ours["ỹ₂"]:.4f}.
  5. ∂L/∂w[2]₁₁ = 0.0821 is cut off: {ours["∂L/∂w[2]₁₁"]:.6f} is 0.0822 when rounded. So is the product of the rounded
     factors, 0.7414·0.1868·0.5933 = {product:.6f}."""


def draw(folder):
    """The graph as SVG, twice: the named nodes, and every operation."""
    from viz import draw_graph

    for level in ("named", "op"):
        loss = run(network())
        loss.backward()
        path = folder / f"backprop_{level}.svg"
        done = "replaced" if path.exists() else "written"
        path.write_bytes(draw_graph(loss, level=level).pipe(format="svg"))
        say(f"{path}: {done}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--latex", action="store_true", help="the derivations of part 2 as LaTeX")
    parser.add_argument("--svg", type=Path, metavar="FOLDER", help="draw")
    options = parser.parse_args(argv)
    net = network()
    loss = run(net)
    loss.backward()
    show_forward_pass(loss)
    derivations = show_paths(loss, net, options.latex)
    ok = show_matrices(derivations)
    show_descent(net, options.learning_rate, options.steps)
    show_comparison(loss, derivations[6])
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

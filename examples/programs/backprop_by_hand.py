"""Backpropagation by hand: a worked example with every path and every number.

The net has two inputs, two hidden units and two outputs. The page goes the way of lecture 20, "Neural
Networks", by Sana Jabbar (Data Science, Spring 2024, Knowledge Stream): forward pass, derivatives path
by path, matrices, gradient descent. Then every figure that the lecture prints stands beside ours.

    python examples/programs/backprop_by_hand.py
    python examples/programs/backprop_by_hand.py --latex --svg .
"""

import argparse
import math
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np

from autograd import PathGraph, derive, squared_error
from autograd.formulas import names
from autograd.formulas.notation import as_printable
from nn import MLP, SGD, inputs

# Vectors are columns, as in the lecture.
X, Y = np.array([[0.05], [0.10]]), np.array([[0.01], [0.99]])
W1, B1 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.35], [0.35]])
W2, B2 = np.array([[0.40, 0.45], [0.50, 0.55]]), np.array([[0.60], [0.60]])


def network(W1=W1, W2=W2, **options):
    return MLP.from_weights([W1, W2], [B1.ravel(), B2.ravel()], "sigmoid", "sigmoid", **options)


def run(net):
    """The loss of the net on x and y, with everything that led to it."""
    prediction = net(inputs(X.ravel()))
    for j, u in enumerate(prediction, 1):
        u.label = f"ytilde_{j}"  # the lecture's name for a[2]
    loss = squared_error(prediction, inputs(Y.ravel(), "y"))
    loss.label = "L"
    return loss


def formula(v, write):
    """How v was computed, its operands written by `write`: as names or as numbers."""
    if v.op.name == "sigmoid":
        return f"σ({write(v.operands[0])})"
    x, y, *bias = v.operand_groups
    pairs = zip(map(write, x), map(write, y), strict=True)
    if v.op.name == "dot":
        return " + ".join([*(f"{w}·{u}" for w, u in pairs), *map(write, bias)])
    return "½(" + " + ".join(f"({u} − {target})²" for u, target in pairs) + ")"


def show_forward_pass(loss, net):
    title("1. Forward pass")
    given = [u for u in PathGraph(loss).nodes if u.label[0] in "xy" and u.is_leaf]
    units = [given[:2], *(neuron.parameters() for layer in net.layers for neuron in layer.neurons), given[2:]]
    table([f"{name(u)} = {number(u.data)}" for u in unit] + [""] * (3 - len(unit)) for unit in units)
    say("""
w[2]₁₂ is the weight into unit 1 of layer 2 from unit 2. The outputs are a[2]₁ = ỹ₁ and a[2]₂ = ỹ₂, to be
compared with y₁ and y₂ (the lecture's ỹ^(1), y^(1), ...). σ(z) = 1/(1 + e^(−z)), and L = ½‖ỹ − y‖².
""")
    for v in PathGraph(loss).nodes:
        if not v.is_leaf:
            say(f"  {name(v)} = {formula(v, name)}")
            say(f"  {' ' * len(spell(name(v)))} = {formula(v, lambda u: number(u.data))} = {number(v.data)}")


def show_paths(derivations, latex):
    title("2. The derivative of L by each weight and bias")
    say("""For each path from L back to the weight, line by line: its chain of derivatives, these as formulas and as
numbers, their product. σ has the slope σ′(z) = σ(z)(1 − σ(z)), so that ∂a/∂z = a(1 − a). A percentage is the
path's share of all |products|, and w.grad is what L.backward() left at w.
""")
    hidden, output = derivations[:6], derivations[6:]
    for layer, paths in (
        (output, "Output layer: one path each"),
        (hidden, "Hidden layer: two paths each, since a hidden unit feeds both outputs"),
    ):
        say(f"\n{paths}\n{'-' * len(paths)}\n")
        for derivation in layer:
            print(derivation.latex() if latex else as_printable(derivation.text), end="\n\n")


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def matrices(W2_going_back=W2):
    """The backward pass with matrices: each formula and its value."""
    A1 = sigmoid(W1 @ X + B1)
    A2 = sigmoid(W2 @ A1 + B2)
    return {
        "dA[2] = A[2] − Y": (dA2 := A2 - Y),
        "dZ[2] = dA[2] ∘ A[2] ∘ (1 − A[2])": (dZ2 := dA2 * A2 * (1 - A2)),
        "dW[2] = dZ[2] A[1]ᵀ": dZ2 @ A1.T,
        "db[2] = dZ[2]": dZ2,
        "dA[1] = W[2]ᵀ dZ[2]": (dA1 := W2_going_back.T @ dZ2),
        "dZ[1] = dA[1] ∘ A[1] ∘ (1 − A[1])": (dZ1 := dA1 * A1 * (1 - A1)),
        "dW[1] = dZ[1] Xᵀ": dZ1 @ X.T,
        "db[1] = dZ[1]": dZ1,
    }


def by_symbol(formulas):
    return {text.split()[0]: value for text, value in formulas.items()}


def show_matrices(derivations):
    """Three ways to the 12 derivatives; returns by how much they differ."""
    title("3. All paths at once: matrices")
    say("dZ is short for ∂L/∂Z, and ∘ multiplies entry by entry.\n")
    formulas = matrices()
    rows = []
    for text, value in formulas.items():
        above, below = ("[" + "  ".join(number(u, " .10f") for u in row) + " ]" for row in value)
        rows += [(text, above), ("", below)]
    table(rows)
    d = by_symbol(formulas)
    w1, w2, dz1, dz2, da = map(number, (*W2[:, 0], *d["dZ[2]"][:, 0], d["dA[1]"][0, 0]))
    say(f"""
What paths share is computed once. The two paths into a hidden unit meet in dA[1] = W[2]ᵀ dZ[2]:
  ∂L/∂a[1]₁ = w[2]₁₁ dz[2]₁ + w[2]₂₁ dz[2]₂ = {w1}·{dz1} + {w2}·({dz2}) = {da}
(With cross-entropy as the loss A[2] ∘ (1 − A[2]) would cancel and leave dZ[2] = A[2] − Y. Here it stays.)
""")
    sums = np.array([each.sum for each in derivations])
    by_matrices = np.ravel([np.hstack([d[f"dW[{layer}]"], d[f"db[{layer}]"]]) for layer in (1, 2)])
    by_backward = np.array([each.source.grad for each in derivations])
    off = [np.abs(sums - others).max() for others in (by_matrices, by_backward)]
    say(f"""From the sums of the paths, {sum(map(len, derivations))} in all, these matrices differ by {off[0]:.0e}
and L.backward() by {off[1]:.0e}, at most.""")
    return np.max(off)  # nan if one of them is


def show_descent(parameters, alpha, steps):
    title("4. Gradient descent")
    say(f"w ← w − α ∂L/∂w for all parameters at once, with the learning rate α = {number(alpha)}.\n")
    rows = [(name(p), number(p.data), number(p.grad, " .10f"), number(p.data - alpha * p.grad)) for p in parameters]
    table([("", "before", " ∂L/∂w", "after"), *rows])
    print()
    net, rows = network(), []
    optimizer = SGD(net.parameters(), alpha)
    for step in range(steps + 1):
        loss = run(net)
        if step in (0, 1, 10, 100, 1000, 10_000, steps):
            rows.append((str(step), *(number(u.data) for u in (loss, *loss.operands[:2]))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    table([("step", "L", "ỹ₁ (aim: 0.01)", "ỹ₂ (aim: 0.99)"), *rows])
    d = by_symbol(matrices())
    W2_moved = W2 - alpha * d["dW[2]"]
    too_late = by_symbol(matrices(W2_moved))
    kept, slip = (run(network(W1 - alpha * each["dW[1]"], W2_moved)).data for each in (d, too_late))
    say(f"""
With the biases left alone one step leads to L = {number(kept)}; with W[2] moved before W[2]ᵀ dZ[2] reads it,
to {number(slip)}. That is a slip, and many pages on the web print it (0.291027924, for α = 0.5).
Finish the backward pass, then move.""")


LECTURE = """
z[1]₁            0.3775
a[1]₁            0.5933
z[1]₂            0.3925
a[1]₂            0.5969
z[2]₁            1.106    its formula: slip 3
ỹ₁               0.7514
z[2]₂            1.225    its formula: slip 3
ỹ₂               0.7729   its formula: slip 4
L                0.2984   its formula: slip 2
∂L/∂ỹ₁           0.7414
∂ỹ₁/∂z[2]₁       0.1868
∂z[2]₁/∂w[2]₁₁   0.5933
∂L/∂w[2]₁₁       0.0821   slip 5
∂L/∂w[1]₁₁       ...      left to the reader
"""


def remark(printed, ours):
    if printed == "...":
        return "no number"
    rounded = format(ours, f".{len(printed.partition('.')[2])}f")
    if math.isclose(float(printed), ours, rel_tol=1e-12):
        return "agrees"
    return "rounded" if printed == rounded else f"rounds to {rounded}"


def show_comparison(loss, derivations):
    title("5. The lecture's figures and ours")
    ours = {name(v): v.data for v in PathGraph(loss).nodes}
    ours |= {f"∂L/∂{name(d.source)}": d.value for d in derivations}
    ours |= {f"∂{name(e.result)}/∂{name(e.operand)}": e.derivative for d in derivations for e in d.paths[0].edges}
    rows = []
    for what, printed, *slip in (line.split(maxsplit=2) for line in LECTURE.strip().splitlines()):
        rows.append((what, printed, number(ours[what]), "; ".join([remark(printed, ours[what]), *slip])))
    table([("quantity", "lecture", "ours", "remark"), *rows])
    show_slips(*(ours[what] for what in ("L", "ỹ₁", "ỹ₂", "∂L/∂w[2]₁₁")))


def show_slips(loss, y1, y2, gradient):
    e1, e2 = (y1, y2) - Y.ravel()
    d = e1**2 - e2**2
    z1, z2 = (W2 @ X + B2).ravel()
    say(f"""
Slips in the example
  1. "a[l] = x input layer, a[L] = y output layer": the input is a[0], and the output is the prediction,
     ỹ = ({y1:.4f}, {y2:.4f}). y = (0.01, 0.99) is what it should be.
  2. L = ½‖(ỹ₁ − y₁)² − (ỹ₂ − y₂)²‖², twice. Literally this is {d**2 / 2:.4f}, and ∂L/∂ỹ₁ is {2 * d * e1:.4f}.
     Meant is ½‖ỹ − y‖² = ½((ỹ₁ − y₁)² + (ỹ₂ − y₂)²) = {loss:.4f} with ∂L/∂ỹ₁ = ỹ₁ − y₁ = {e1:.4f}: the
     lecture calculates with that.
  3. z[2]₁ = w[2]₁ᵀ x + b[2]₁, twice, and z[2]₂ likewise. Layer 2 sees a[1]; with x it would be {z1:g} and {z2:g}.
     The lecture's 1.106 and 1.225 come from a[1].
  4. ỹ₂ = σ(z[2]₁) on the way to w[2]₁₁. σ(z[2]₁) = {y1:.4f} is ỹ₁; ỹ₂ = σ(z[2]₂) = {y2:.4f} has no part in it.
  5. ∂L/∂w[2]₁₁ = 0.0821. It is {gradient:.6f}, which rounds to 0.0822. So does the product of the rounded
     factors, 0.7414·0.1868·0.5933 = {0.7414 * 0.1868 * 0.5933:.6f}: the last digit was cut off.

Elsewhere in the lecture
  -  Leaky ReLU "is differentiable": not at 0, where the slope is α on the left and 1 on the right; g′(0) = 1
     is a choice. ReLU has a kink there too (z ≥ 0 or z > 0 in ReLU itself is all the same: both give 0).
  -  tanh does not approach "1 or 0" where its gradient vanishes, but 1 or −1.
  -  "Back propagate the loss": what travels back is not the loss, but its derivative.
  -  ∂L/W[3] should read ∂L/∂W[3]. Such chains hold; to multiply them as matrices takes the order and the
     transposes of part 3.""")


def draw(folder):
    """The graph as SVG: the named nodes, and every single operation."""
    from viz import draw_graph

    title("6. Pictures")
    say("Multiply the numbers on the edges of a path, and add up the paths.")
    for level, elementary in (("named", False), ("op", True)):
        loss = run(network(elementary=elementary))
        loss.backward()
        path = folder / f"backprop_{level}.svg"
        done = "replaced" if path.exists() else "written"
        try:
            draw_graph(loss, level=level, cluster="layer").render(path)
        except (RuntimeError, OSError) as error:  # no renderer, or a folder that refuses
            raise SystemExit(f"--svg: {error}") from None
        say(f"{done}: {path}")


PLAIN = {"∂": "d", "·": "*", "∘": "*", "−": "-", "→": "->", "←": "<-", "≥": ">=", "½": "1/2 ", "²": "^2", "ᵀ": "^T"}
PLAIN |= {"‖": "|", "′": "'", "ỹ": "ytilde", "σ": "sigma", "α": "alpha"}


def spell(text):
    """The text, in ASCII if the terminal knows nothing better."""
    try:
        "".join(PLAIN).encode(sys.stdout.encoding or "utf-8")
        return text
    except UnicodeEncodeError:
        text = re.sub("[₀-₉]+", lambda index: "_" + unicodedata.normalize("NFKC", index[0]), text)
        return text.translate(str.maketrans(PLAIN)).encode("ascii", "backslashreplace").decode()


def say(text):
    print(spell(text))


def title(text):
    say(f"\n\n{text}\n{'=' * len(text)}\n")


def table(rows):
    rows = [[spell(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(("  " + "   ".join(map(str.ljust, row, widths))).rstrip())


def number(x, form=".10g"):
    return format(x, form).replace("-", "−")


def name(v):
    return names.text(v.label)


def read_options(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learning-rate", type=float, default=0.5, metavar="ALPHA", help="default: 0.5")
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="steps of descent, default: 1000")
    parser.add_argument("--latex", action="store_true", help="write the derivations as LaTeX")
    drawing = "draw backprop_named.svg and backprop_op.svg into this folder (made if missing), replacing such files"
    parser.add_argument("--svg", type=Path, metavar="FOLDER", help=drawing)
    options = parser.parse_args(argv)
    if not 0 <= options.learning_rate <= 1e6:
        parser.error(f"--learning-rate: expected a number from 0 to a million, got {options.learning_rate}")
    if options.steps < 1:
        parser.error(f"--steps: expected at least 1, got {options.steps}")
    if options.svg:
        try:
            options.svg.mkdir(exist_ok=True)
        except OSError as error:
            parser.error(f"--svg: expected a folder, or a name for one; got {options.svg} ({error.strerror})")
    return options


def main(argv=None):
    options = read_options(argv)
    net = network()
    loss = run(net)
    loss.backward()
    derivations = [derive(loss, p) for p in net.parameters()]
    say("""Backpropagation by hand: the worked example of lecture 20, "Neural Networks" (Sana Jabbar, Data Science,
Spring 2024, Knowledge Stream). Two inputs, two hidden units, two outputs, one sample.""")
    show_forward_pass(loss, net)
    show_paths(derivations, options.latex)
    difference = show_matrices(derivations)
    if not difference <= 1e-12:
        say("CHECK FAILED: these must agree to rounding.")
        return 1
    show_descent(net.parameters(), options.learning_rate, options.steps)
    show_comparison(loss, derivations)
    if options.svg:
        draw(options.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fifty figures of a book on backpropagation, from options alone, written to a folder that you name:

    python examples/programs/book_figures.py figures                       # in colour, at the width of a column
    python examples/programs/book_figures.py figures --look print          # black on white
    python examples/programs/book_figures.py slides --look dark --width 10in --format png

Nothing is drawn here: each figure is one call, and no text of a picture is changed afterwards. Graphs need
Graphviz, or gradpath[render]; plots need matplotlib.
"""

import argparse
from pathlib import Path

import numpy as np

import viz
from autograd import Tensor, Value, derive, exp, log, relu, sigmoid, sin, squared_error, tanh
from autograd.graph import topological_order
from nn import MLP, Dense, Flatten, Sequential, datasets, inputs, to_sequential

WEIGHTS = [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
BIASES = [[0.35, 0.35], [0.60, 0.60]]
X, Y = [0.05, 0.10], [0.01, 0.99]


def named(v, name):
    """A result with a name."""
    v.label = name
    return v


def neuron():
    """One sigmoid neuron with the squared error of one sample."""
    x, y, w, b = Value(1.5, "x"), Value(1.0, "y"), Value(0.4, "w"), Value(0.1, "b")
    z = named(w * x + b, "z")
    loss = named(squared_error(named(sigmoid(z), "yhat"), y), "L")
    loss.backward()
    return loss


def shared():
    """A result that is used three times."""
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    a = named(x * y, "a")
    b = named(a + x, "b")
    c = named(a * b, "c")
    loss = named(c * named(a + tanh(0.1 * c), "d") + 2 * b, "L")
    loss.backward()
    return loss


def chain(length):
    """x through one function after the other."""
    v = Value(0.5, "x")
    for i in range(1, length + 1):
        v = named((sin, tanh, sigmoid)[i % 3](v), f"v{i}")
    v.backward()
    return v


def lecture(**options):
    """The lectures' net of two layers with two units each."""
    return MLP.from_weights(WEIGHTS, BIASES, "sigmoid", "sigmoid", **options)


def loss_of(net, x=X, y=Y):
    """The loss of a net on one sample, after its backward pass."""
    target = inputs(y, "y") if isinstance(y, list) else Value(y, "y")
    loss = named(squared_error(net(inputs(x)), target), "L")
    loss.backward()
    return loss


def net_3431():
    """The lectures' larger net."""
    return MLP(3, [4, 3, 1], "sigmoid", "sigmoid", rng=3)


def frames(count):
    """A net before and after steps of gradient descent, each unit where it was: name -> picture."""
    net = lecture()
    first, drawn = None, {}
    for i in range(count):
        loss = loss_of(net)
        picture = viz.draw_network(loss, like=first, title=f"L = {loss.data:.4f} after {10 * i} steps", legend=False)
        first = first or picture
        drawn[f"descent-{i}"] = picture
        for _ in range(10):
            net.zero_grad()
            loss_of(net)
            for p in net.parameters():
                p.data -= 2.0 * p.grad
    return drawn


def figures(width):
    """Every figure: name -> picture, Drawing or Axes. width: of a column, as the options take it."""
    w = {"width": width}
    one, few, net = neuron(), shared(), lecture()
    loss, big = loss_of(net), loss_of(net_3431(), [0.5, -1.0, 2.0], 1.0)
    v1, v2 = net.layers[0].neurons[0].w[0], net.layers[0].neurons[1].w[0]
    elementary = loss_of(lecture(elementary=True))
    found = {
        # ------------------------------------------------ a neuron
        "neuron": viz.draw_graph(one, **w),
        "neuron-operations": viz.draw_graph(one, level="op", **w),
        "neuron-data": viz.draw_graph(one, show="data", **w),
        "neuron-gradients": viz.draw_graph(one, show="grad", **w),
        "neuron-names": viz.draw_graph(one, show="names", edges=None, **w),
        "neuron-formulas": viz.draw_graph(one, show="names", edges="formula", **w),
        "neuron-downwards": viz.draw_graph(one, direction="TB", digits=3, width="5cm"),
        "neuron-path": viz.draw_paths(derive(one, _leaf(one, "w")), title="The one path to w", **w),
        "neuron-steps-forward": viz.steps(one, **w)[1].picture(),
        "neuron-steps-backward": viz.steps(one, **w)[4].picture(),
        # ------------------------------------------------ a result used more than once
        "shared": viz.draw_graph(few, **w),
        "shared-highlight": viz.draw_graph(few, highlight=["a"], title="a is used three times", **w),
        "shared-until": viz.draw_graph(few, until=["a", "b"], **w),
        "shared-around": viz.draw_graph(few, around=("b", 1), **w),
        "shared-places": viz.explore(few).svg(size=(600, 420)),
        "shared-all-paths": viz.explore(few).svg("x", size=(600, 420)),
        "shared-one-path": viz.explore(few).svg("x", path=2, size=(600, 420)),
        "shared-two-derivations": viz.draw_paths([derive(few, _leaf(few, n)) for n in "xy"], others=False, **w),
        "shared-second-path": viz.draw_paths(derive(few, _leaf(few, "x")), path=2, legend=False, **w),
        "chain": viz.draw_graph(chain(3), digits=3, **w),
        "chain-downwards": viz.draw_graph(chain(8), direction="TB", edges=None, width="4cm"),
        # ------------------------------------------------ the net of the lectures
        "net": viz.draw_network(loss, **w),
        "net-gradients": viz.draw_network(loss, color="grad", **w),
        "net-names": viz.draw_network(loss, edges="formula", legend=False, **w),
        "net-marked": viz.draw_network(loss, highlight=["w[1]_1,1", "a[2]_1"], legend=False, **w),
        "net-paths": viz.draw_paths(derive(loss, v1), level="neurons", **w),
        "net-two-weights": viz.draw_paths([derive(loss, v) for v in (v1, v2)], level="neurons", **w),
        "net-graph": viz.draw_graph(loss, level="named", digits=3, **w),
        "net-boxes": viz.draw_graph(loss, level="named", cluster="layer", show="names", edges=None, **w),
        "net-units": viz.draw_graph(loss, level="neurons", show="data", **w),
        "net-layers": viz.draw_graph(loss, level="layers", **w),
        "net-operations": viz.draw_graph(elementary, level="op", show="names", edges=None, **w),
        "net-before-after": viz.beside(*frames(2).values(), titles=["before", "after"], **w),
        # ------------------------------------------------ larger nets
        "lecture-3431": viz.draw_network(big, legend=False, **w),
        "lecture-3431-paths": viz.draw_paths(derive(big, _leaf(big, "w[1]_1,2")), **w),
        "lecture-3431-model": viz.draw_network(net_3431(), [0.5, -1.0, 2.0], **w),
        "wide": viz.draw_network(MLP(12, [16, 8, 3], "relu", "softmax", rng=0), legend=False, **w),
        "digits": viz.draw_network(_reader(), _digit(), max_units=8, legend=False, **w),
        # ------------------------------------------------ in matrices
        "matrices": viz.draw_graph(_batch_loss(net), **w),
        "matrices-layers": viz.draw_graph(_batch_loss(net), level="layers", **w),
        "matrices-expression": viz.draw_graph(_matrix_expression(), **w),
    }
    return found | {f"frame-{name}": picture for name, picture in frames(3).items()}


def plots():
    """The figures that matplotlib draws: name -> Axes."""
    x, y = datasets.moons(150, noise=0.15, rng=0)
    model = Sequential([Dense(8, activation="tanh"), Dense(1, activation="sigmoid")], rng=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.03
    history = model.fit(x, y, epochs=40, validation_split=0.2, verbose=0)
    net, sample, target = lecture(), inputs(X), inputs(Y, "y")
    shares = viz.PathShares(lambda: squared_error(net(sample), target), "w[1]_1,1")
    for _ in range(25):
        shares.record()
        net.zero_grad()
        loss_of(net)
        for p in net.parameters():
            p.data -= p.grad
    w = Value(-1.4, "w")
    return {
        "activations": viz.plot_activation(["sigmoid", "relu"])[0],
        "history": viz.plot_history(history)[0],
        "boundary": viz.plot_decision_boundary(model, x, y),
        "surface": viz.plot_loss_surface(lambda: (w * w - 1) ** 2 + 0.3 * w, w),
        "shares": viz.plot_path_shares(shares),
        "confusion": viz.plot_confusion_matrix([[18, 2, 0], [1, 15, 4], [0, 3, 17]]),
    }


def _leaf(loss, name):
    return next(v for v in topological_order(loss) if v.label == name)


def _batch_loss(net):
    model = to_sequential(net)
    loss = named(squared_error(model(np.array([X, X[::-1]])), np.array([Y, Y[::-1]])), "L")
    loss.backward()
    return loss


def _matrix_expression():
    W, V = Tensor([[1.0, 2.0], [0.5, -1.0]], label="W"), Tensor([[0.5], [2.0]], label="V")
    H = named(relu(W @ V), "H")
    loss = named(log(1 + exp(H).sum()), "L")
    loss.backward()
    return loss


def _reader():
    return Sequential([Flatten(input_shape=(8, 8)), Dense(6, "relu"), Dense(3, "softmax")], rng=1)


def _digit():
    image = np.zeros((8, 8))
    image[1, 2:6] = image[6, 2:6] = image[1:7, 5] = image[3, 2:6] = 1.0
    return image


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the figures go; it is made if need be")
    parser.add_argument("--look", default="light", help="one of light, dark, print, color-blind")
    parser.add_argument("--width", default="8.6cm", help="of a column, as 8.6cm or 3.4in")
    parser.add_argument("--format", default="svg", choices=["svg", "png", "pdf"])
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with viz.look(options.look):
        for name, picture in figures(options.width).items():
            picture.save(options.folder / f"{name}.{options.format}")
            count += 1
        for name, axes in plots().items():
            axes.figure.savefig(options.folder / f"{name}.{options.format}", bbox_inches="tight")
            count += 1
    print(f"{count} figures in {options.folder}")


if __name__ == "__main__":
    main()

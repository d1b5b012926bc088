"""Every picture of one small net, written to a folder that you name:

    python examples/programs/draw_everything.py pictures

Lecture 20's net of two layers with two units each: its graph at every level, the paths of a
gradient, the net itself; the same net in matrices; and, if matplotlib is installed, the plots of a
training. Nothing is drawn here: each picture is one call.
"""

import argparse
from pathlib import Path

import numpy as np

import viz
from autograd import derive, squared_error
from nn import MLP, Dense, Sequential, datasets, inputs, to_sequential

WEIGHTS = [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
BIASES = [[0.35, 0.35], [0.60, 0.60]]
X, Y = [0.05, 0.10], [0.01, 0.99]


def loss_of(net):
    """The loss of a net of Values on the lecture's sample, after its backward pass."""
    loss = squared_error(net(inputs(X)), inputs(Y, "y"))
    loss.label = "L"
    loss.backward()
    return loss


def of_values():
    """The net in numbers: name of the picture -> picture."""
    net = MLP.from_weights(WEIGHTS, BIASES, "sigmoid", "sigmoid")
    loss = loss_of(net)
    drawn = {f"graph-{level}": viz.draw_graph(loss, level=level) for level in ("named", "neurons", "layers")}
    each = loss_of(MLP.from_weights(WEIGHTS, BIASES, "sigmoid", "sigmoid", elementary=True))  # every × and +
    drawn["graph-op"] = viz.draw_graph(each, level="op")
    drawn["paths"] = viz.draw_paths(derive(loss, net.layers[0].neurons[0].w[0]))
    drawn["network"] = viz.draw_network(net, X)
    drawn["network-gradients"] = viz.draw_network(net, X, color="grad")
    return drawn, net


def of_matrices(net):
    """The same net in matrices, on two samples."""
    model = to_sequential(net)
    loss = squared_error(model(np.array([X, X[::-1]])), np.array([Y, Y[::-1]]))
    loss.label = "L"
    loss.backward()
    drawn = {f"matrices-{level}": viz.draw_graph(loss, level=level) for level in ("named", "layers")}
    drawn["matrices-way"] = viz.draw_paths(derive(loss, model.layers[0].weight))
    return drawn


def of_a_training():
    """The plots of a net that learns to tell two moons apart: name of the picture -> Axes."""
    x, y = datasets.moons(200, noise=0.15, rng=0)
    model = Sequential([Dense(8, activation="tanh") for _ in range(3)] + [Dense(1, activation="sigmoid")], rng=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    norms = viz.GradientNorms(each="epoch")
    history = model.fit(x, y, epochs=40, validation_split=0.2, callbacks=[norms], verbose=0)

    def loss():
        return squared_error(model(x), y[:, None])

    weights = ["W[1]_1,1", "W[4]_1,1"]
    return {
        "history": viz.plot_history(history)[0],
        "boundary": viz.plot_decision_boundary(model, x, y),
        "weights": viz.plot_weights(model, shape=(1, 2))[0],
        "gradients": viz.plot_gradients(norms),
        "sensitivity": viz.plot_sensitivity(model),
        "surface": viz.plot_loss_surface(loss, weights, model=model, starts=[(2, 3), (-3, -2)], learning_rate=20),
        "activations": viz.plot_activation(["sigmoid", "tanh", "relu"])[0],
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Write every picture of one small net to a folder.")
    parser.add_argument("folder", type=Path, help="where to; it is made if it does not exist")
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    drawn, net = of_values()
    for name, picture in {**drawn, **of_matrices(net)}.items():
        print(picture.render(folder / f"{name}.svg"))
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("for the plots: pip install matplotlib") from None
    matplotlib.use("Agg")
    for name, ax in of_a_training().items():
        ax.figure.savefig(folder / f"{name}.svg")
        print(folder / f"{name}.svg")


if __name__ == "__main__":
    main()

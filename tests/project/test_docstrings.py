"""The examples in docstrings: every `>>>` prints what stands below it, and every block after `::` runs."""

import ast
import doctest
import importlib
import importlib.util
import pkgutil
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
import viz
from autograd import op
from autograd.marking import slips

PACKAGES = (autograd, nn, viz)
BLOCK = re.compile(r"::\n\s*\n((?:(?: {2,}.*)?\n)+)")


def docstrings():
    """(module, what it describes, its text), of everything in modules that have an example somewhere."""
    names = [p.__name__ for p in PACKAGES]
    names += [m.name for p in PACKAGES for m in pkgutil.walk_packages(p.__path__, f"{p.__name__}.")]
    for name in names:
        source = Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")
        if ">>>" not in source and not BLOCK.search(source):
            continue
        described = [ast.parse(source)]
        for node in described:
            described += [x for x in node.body if isinstance(x, ast.ClassDef | ast.FunctionDef)]
            if text := ast.get_docstring(node):
                yield name, getattr(node, "name", name.rpartition(".")[2]), text + "\n"


def blocks(text):
    """The indented paragraphs that follow a line ending in `::`."""
    return [textwrap.dedent(found[1]) for found in BLOCK.finditer(text)]


FOUND = list(docstrings())
PROMPTS = [pytest.param(module, text, id=owner) for module, owner, text in FOUND if ">>>" in text]
BLOCKS = [
    pytest.param(module, owner, code, id=owner)
    for module, owner, text in FOUND
    for code in blocks(text)
    if not code.startswith("Epoch ")  # what training prints
]


def names_of(module):
    """What an example may use: what its module knows and what the packages offer."""
    public = {name: getattr(p, name) for p in PACKAGES for name in p.__all__}
    return {**vars(importlib.import_module(module)), **public, "np": np}


def things():
    """The data, the model and the loop that examples without a setting of their own take as given."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 10))
    y = (x[:, 0] > 0).astype(float)
    model = nn.Sequential([nn.Dense(4, "tanh", input_shape=(10,)), nn.Dense(1, "sigmoid")], rng=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    loss = model.loss_of(x, y)
    given = {"x": x, "y": y, "model": model, "loss": loss, "optimizer": model.optimizer}
    return given | {"x_train": x[:30], "x_test": x[30:], "y_true": y[:, None], "y_pred": model.predict(x)}


def born(scope):
    scope["x"] = autograd.Value(1.0)


def recorded_loss(scope):
    scope["loss"] = (autograd.Value(0.5, "w") * autograd.Value(2.0, "x") - 3.0) ** 2


def two_groups(scope):
    scope["kernels"], scope["biases"] = [autograd.Tensor(np.ones((2, 2)))], [autograd.Tensor(np.zeros(2))]


def trained_net(scope):
    pytest.importorskip("matplotlib").use("Agg")
    net = nn.MLP(2, [2, 1], "tanh", "sigmoid", rng=0)
    net.compile("sgd", "mse")
    x, y = nn.inputs([0.5, -1.0]), autograd.Value(1.0, "y")
    scope.update(net=net, x=x, y=y, X=np.array([[0.5, -1.0], [1.0, 2.0]]), Y=np.array([[1.0], [0.0]]))


def watched(scope):
    assert len(scope["shares"]) == 2  # before, and after the one epoch
    pytest.importorskip("matplotlib.pyplot").close("all")


def line(scope):
    model = scope["Line"]()
    assert (model(3.0).data, len(model.parameters())) == (3.0, 2)


def scaled(scope):
    model = nn.Sequential([scope["Scale"](input_shape=(3,))], rng=0)
    assert model.predict(np.ones((2, 3))).tolist() == [[1.0] * 3] * 2
    assert [p.shape for p in model.parameters()] == [(3,)]


def stopped(scope):
    history = scope["model"].fit(scope["x"], scope["y"], epochs=5, callbacks=[scope["StopAt"](0.0)], verbose=0)
    assert history.epoch == [0]


def every_batch(scope):
    assert scope["x_batch"].shape == (8, 10)  # the last of 32 and 8


def standardized(scope):
    assert np.allclose(scope["x_train"].mean(axis=0), 0)
    assert np.allclose(scope["scaled"].inverse(scope["x_test"]), things()["x_test"])


def learned(scope):
    assert len(scope["history"].history["val_loss"]) == 100


def measured(scope):
    assert scope["measured"].result() == pytest.approx(scope["accuracy"](scope["y_true"], scope["y_pred"]))


# What an example needs beyond the things, and what it promises beyond that it runs.
BEFORE = {"detect_anomaly": born, "Optimizer": two_groups, "PathShares": trained_net, "steps": recorded_loss}
AFTER = {
    "Module": line,
    "BatchLayer": scaled,
    "Callback": stopped,
    "batches": every_batch,
    "Standardizer": standardized,
    "Sequential": learned,
    "metrics": measured,
    "PathShares": watched,
}
RAISES = {"detect_anomaly": (ArithmeticError, "log")}


@pytest.mark.parametrize(("module", "text"), PROMPTS)
def test_an_example_prints_what_stands_below_it(module, text):
    example = doctest.DocTestParser().get_doctest(text, names_of(module), module, None, 0)
    assert example.examples
    report = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    if failed:
        pytest.fail("".join(report))


@pytest.mark.parametrize(("module", "owner", "code"), BLOCKS)
def test_a_block_of_code_runs(module, owner, code, monkeypatch):
    monkeypatch.setattr(slips, "slips", [*slips.slips])  # a slip of an example is forgotten
    if "plot_" in code:
        pytest.importorskip("matplotlib")
    # The example of a new operation may have the name of one that there is: it takes its place here.
    made = {node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
    for name in ("table", "array_table"):
        others = {key: x for key, x in getattr(op, name).items() if x.shown not in made}
        monkeypatch.setattr(op, name, others)
    scope = things() | names_of(module) | {"__name__": "a user's module"}
    BEFORE.get(owner, dict)(scope)
    program = compile(code, f"<docstring of {owner}>", "exec")
    if owner in RAISES:
        error, words = RAISES[owner]
        with pytest.raises(error, match=words):
            exec(program, scope)
    else:
        exec(program, scope)
    AFTER.get(owner, dict)(scope)


def test_what_is_said_of_an_example_is_said_of_one_that_there_is():
    owners = {block.values[1] for block in BLOCKS}
    assert {*BEFORE, *AFTER, *RAISES} <= owners


def test_a_wrong_example_is_found():
    with pytest.raises(pytest.fail.Exception, match=r"Expected:\s+4\s+Got:\s+3\s"):
        test_an_example_prints_what_stands_below_it("autograd", ">>> 1 + 2\n4\n")
    code = "for i in x:\n    i\n\nlast\n\n"
    assert blocks(f"A loop::\n\n{textwrap.indent(code, '    ')}And more.\n") == [code]

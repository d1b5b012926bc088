"""A training in a notebook: one picture that grows, by IPython's own display."""

import re
import sys
import types
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from nn import Dense, Sequential
from nn.callbacks import LambdaCallback, progress
from nn.callbacks.display import Lines
from nn.callbacks.notebook import HEIGHT, LEFT, WIDTH, Live, curves

X, Y = np.arange(40.0).reshape(20, 2) / 40, np.arange(20.0) / 20


class Notebook:
    """What IPython gives a kernel: a display, and handles by which what is displayed is replaced."""

    def __init__(self):
        self.pictures = []  # of each display, the pictures that it has shown

    def display(self, picture, raw, display_id=None):
        assert raw
        self.pictures.append([picture])
        return types.SimpleNamespace(update=lambda other, raw: self.pictures[-1].append(other))


@pytest.fixture
def notebook(monkeypatch):
    found = Notebook()
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=found.display))
    return found


def model():
    net = Sequential([Dense(3, "tanh", input_dim=2), Dense(1)], rng=0)
    net.compile("sgd", "mse")
    return net


def picture_in(page):
    return ET.fromstring(re.search(r"<svg.*</svg>", page).group())


def test_fit_shows_one_picture_that_grows(notebook, monkeypatch, capsys):
    monkeypatch.setattr("nn.callbacks.notebook.SECONDS", 0.0)
    history = model().fit(X, Y, batch_size=5, epochs=3, validation_split=0.2)
    (pictures,) = notebook.pictures
    assert capsys.readouterr().out == ""
    assert len(pictures) == 1 + 3 * (4 + 1) + 1
    bars = [float(x) for p in pictures for x in re.findall(r'value="([\d.]+)"', p["text/html"])]
    assert bars == sorted(bars)
    assert (bars[0], bars[1], bars[-1]) == (0.0, pytest.approx(1 / 12, abs=1e-4), 1.0)
    last = pictures[-1]
    assert "<progress" not in last["text/html"]
    assert last["text/plain"].startswith("Epoch 3/3 - ")
    assert f"loss: {history.history['loss'][-1]:.4f}" in last["text/plain"]
    lines = picture_in(last["text/html"]).findall("polyline")
    assert [len(line.get("points").split()) for line in lines] == [3, 3]


def test_pictures_are_not_shown_faster_than_they_can_be_seen(notebook, monkeypatch):
    monkeypatch.setattr("nn.callbacks.notebook.time", types.SimpleNamespace(perf_counter=lambda: 7.0))
    model().fit(X, Y, batch_size=5, epochs=50)
    assert len(notebook.pictures[0]) == 2  # the first and the last


def test_a_training_that_fails_ends_its_picture(notebook):
    def stop(epoch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model().fit(X, Y, epochs=3, callbacks=LambdaCallback(on_epoch_end=stop))
    assert "<progress" not in notebook.pictures[0][-1]["text/html"]


def test_each_training_has_a_picture_of_its_own_and_nothing_shows_nothing(notebook):
    net = model()
    net.fit(X, Y, epochs=2)
    net.fit(X, Y, epochs=4, initial_epoch=2, verbose=1)
    net.fit(X, Y, verbose=0)
    assert len(notebook.pictures) == 2
    assert notebook.pictures[1][-1]["text/plain"].startswith("Epoch 4/4")


def test_lines_are_printed_where_they_are_asked_for(notebook, capsys):
    model().fit(X, Y, epochs=2, verbose=2)
    assert notebook.pictures == []
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch):
    shell = types.SimpleNamespace()  # a terminal's has no kernel
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert progress() is None
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    assert progress() is None


def test_an_ipython_that_is_only_installed_is_not_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert progress() is None
    assert type(progress(1)) is Lines
    assert "IPython" not in sys.modules


def test_in_a_notebook_the_picture_is_the_default(notebook):
    assert type(progress()) is type(progress("auto")) is type(progress(1)) is Live


def test_a_summary_is_shown_as_a_table(notebook, capsys):
    table = model().summary()
    assert notebook.pictures == [[{"text/html": table.html, "text/plain": table.text}]]
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------- curves


def test_the_curve_goes_from_the_largest_number_to_the_smallest():
    root = ET.fromstring(curves({"loss": [(1, 8.0), (2, 4.0), (3, 2.0)]}))
    points = [tuple(map(float, p.split(","))) for p in root.find("polyline").get("points").split()]
    assert points[0][0] == LEFT
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert points[1][0] == pytest.approx((points[0][0] + points[2][0]) / 2, abs=0.1)
    assert (points[1][1] - points[0][1]) / (points[2][1] - points[0][1]) == pytest.approx(4 / 6, abs=0.01)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert [t.text for t in root.findall("text")] == ["2", "8", "1", "3", "loss"]


@pytest.mark.parametrize("numbers", [[], [(1, 2.0)], [(1, float("nan")), (2, float("inf"))]])
def test_of_less_than_two_numbers_there_is_no_curve(numbers):
    assert curves({"loss": numbers}) == ""


@pytest.mark.parametrize("numbers", [[(1, 3.0), (2, 3.0)], [(1, 1e-300), (2, 1e300)], [(1, -1e308), (2, 1e308)]])
def test_equal_and_enormous_numbers_stay_in_the_picture(numbers):
    root = ET.fromstring(curves({"loss": numbers}))
    for point in root.find("polyline").get("points").split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_a_long_training_is_thinned_and_ends_where_it_ended():
    root = ET.fromstring(curves({"loss": [(e, 1.0 / e) for e in range(1, 5002)]}))
    points = root.find("polyline").get("points").split()
    assert len(points) < 500
    assert points[-1].startswith(f"{WIDTH - 8:.1f},")

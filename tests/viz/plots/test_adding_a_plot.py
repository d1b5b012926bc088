"""The worked example of docs/adding-a-plot.md does what it says, in as many places as it says."""

import importlib.util
import re
import sys

import numpy as np
import pytest
from figures import matplotlib, no_figure_stays_open, plt, texts  # noqa: F401
from oracles import ROOT

import viz

PAGE = (ROOT / "docs" / "adding-a-plot.md").read_text(encoding="utf-8")


@pytest.fixture
def predictions(tmp_path, monkeypatch):
    """The example as the module viz.plots.predictions."""
    path = tmp_path / "predictions.py"
    path.write_text(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("viz.plots.predictions", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_the_example_draws_what_it_says(predictions):
    ax = predictions.plot_predictions([0.0, 1.0, 2.0], [0.3, 1.0, 1.6])
    (points,) = ax.collections
    assert np.asarray(points.get_offsets()).tolist() == [[0.0, 0.3], [1.0, 1.0], [2.0, 1.6]]
    assert texts(ax) == ["off by 0.2887 (root of the mean square)"]  # the root of 0.25 / 3
    assert ax.get_title("left") == "Predictions"


def test_the_example_keeps_the_rules_of_all_plots(predictions):
    figure, ax = plt.subplots()
    settings = dict(matplotlib.rcParams)
    assert predictions.plot_predictions([0.0, 1.0], [0.0, 1.0], ax=ax) is ax
    assert dict(matplotlib.rcParams) == settings
    figure.canvas.draw()
    plt.close(figure)
    with pytest.raises(ValueError, match=r"plot_predictions: predicted: expected shape \(2,\), got \(3,\)"):
        predictions.plot_predictions([0.0, 1.0], [0.0, 1.0, 2.0])
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", [name for name in viz.__all__ if name.startswith("plot_")])
def test_a_plot_stands_in_three_places(name):
    definition, export = f"def {name}(", re.compile(rf" import (\w+, )*{name}\n")
    files = {path: path.read_text(encoding="utf-8") for path in (ROOT / "viz").rglob("*.py")}
    assert len([path for path, text in files.items() if definition in text]) == 1
    assert [path.name for path, text in files.items() if export.search(text)] == ["__init__.py"]
    assert f'"{name}": ' in (ROOT / "tests/viz/plots/test_plots.py").read_text(encoding="utf-8")

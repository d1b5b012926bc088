"""The example writes all its pictures, whole, to the folder that was named and nowhere else."""

import sys
import xml.etree.ElementTree as ET

import pytest
from scripts import load

from viz import available_renderers

pytestmark = pytest.mark.skipif(not available_renderers(), reason="needs a renderer: dot or graphviz-pure")

GRAPHS = {f"graph-{level}" for level in ("op", "named", "neurons", "layers")}
GRAPHS |= {"paths", "network", "network-gradients"}
MATRICES = {"matrices-named", "matrices-layers", "matrices-way"}
PLOTS = {"history", "boundary", "weights", "gradients", "sensitivity", "surface", "activations"}


@pytest.mark.slow
def test_every_picture_is_written(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    from matplotlib import pyplot

    monkeypatch.chdir(tmp_path)
    load("draw_everything").main(["pictures"])
    pyplot.close("all")
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]
    written = {path.stem: path for path in (tmp_path / "pictures").iterdir()}
    assert written.keys() == GRAPHS | MATRICES | PLOTS
    assert all(ET.parse(path).getroot().tag.endswith("svg") for path in written.values())
    assert len(capsys.readouterr().out.splitlines()) == len(written)
    assert "dZ[1]ᵀ X" in written["matrices-named"].read_text(encoding="utf-8").replace("&#160;", " ")
    assert "0.0004386" in written["paths"].read_text(encoding="utf-8")


@pytest.mark.slow
def test_without_matplotlib_the_graphs_are_written_and_the_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit, match="pip install matplotlib"):
        load("draw_everything").main([str(tmp_path / "pictures")])
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == GRAPHS | MATRICES

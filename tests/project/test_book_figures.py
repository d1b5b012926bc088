"""The figures of a book: all of them from options alone, in every look, at the width that was asked for."""

import ast
import re
from pathlib import Path

import pytest
from drawings import needs_renderer
from oracles import ROOT
from scripts import load

import viz

pytestmark = pytest.mark.slow
SCRIPT = ROOT / "examples" / "programs" / "book_figures.py"


@needs_renderer
@pytest.mark.parametrize("look", ["light", "print"])
def test_fifty_figures_are_written_at_the_width_of_a_column(tmp_path, monkeypatch, capsys, look):
    pytest.importorskip("matplotlib").use("Agg")
    load("book_figures").main([str(tmp_path), "--look", look])
    files = sorted(tmp_path.iterdir())
    assert len(files) >= 50
    assert f"{len(files)} figures" in capsys.readouterr().out
    for name in ("neuron", "lecture-3431-paths", "net", "wide", "matrices", "net-before-after"):
        text = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
        width = float(re.search(r'<svg[^>]*? width="([\d.]+)pt"', text)[1])
        assert width == pytest.approx(8.6 / 2.54 * 72, abs=1)
    colors = {
        c
        for f in files
        if "frame" in f.name or "net" in f.name
        for c in re.findall("#[0-9a-f]{6}", f.read_text(encoding="utf-8"))
    }
    is_grey = all(c[1:3] == c[3:5] == c[5:] for c in colors)
    assert is_grey == (look == "print")


def test_no_text_of_a_picture_is_changed_in_the_script():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"source", "body", "replace", "attr", "node_attr", "edge_attr", "graph_attr", "sub"}
    assert "re" not in {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert Path(SCRIPT).read_text(encoding="utf-8").count("viz.draw_") > 30
    assert viz.LIGHT is not viz.PRINT

"""weights_table: each leaf with its gradient and its strongest path, in five forms."""

import csv
import io
import json

import pytest
from scenes import CASES, net_of

import viz
from autograd import Value, derive
from autograd.formulas.names import text
from autograd.graph import topological_order


def leaves(loss):
    return {text(v.label): v for v in topological_order(loss) if v.is_leaf}


@pytest.mark.parametrize("case", CASES)
def test_rows_are_what_derive_says_of_each_leaf(case):
    loss = CASES[case]()
    table = viz.weights_table(loss)
    assert {row.name for row in table} == set(leaves(loss))
    for row in table:
        derivation = derive(loss, leaves(loss)[row.name])
        assert (row.paths, row.gradient) == (derivation.count, pytest.approx(derivation.value, rel=1e-12))
        assert row.strongest.value == derivation.paths[0].value
        assert row.share == pytest.approx(derivation.shares()[0])
        assert row.data == leaves(loss)[row.name].data


def test_weights_stand_layer_by_layer_with_the_bias_behind_them():
    names = [row.name for row in viz.weights_table(CASES["2-2-2"]())]
    assert names == [
        *("w[1]₁₁", "w[1]₁₂", "b[1]₁", "w[1]₂₁", "w[1]₂₂", "b[1]₂"),
        *("w[2]₁₁", "w[2]₁₂", "b[2]₁", "w[2]₂₁", "w[2]₂₂", "b[2]₂"),
        *("x₁", "x₂", "y₁", "y₂"),
    ]


def test_the_text_is_a_column_for_each_number():
    w, x = Value(0.5, "w"), Value(-2.0, "x")
    L = w * x * w
    L.label = "L"
    assert str(viz.weights_table(L)) == (
        "name  number  gradient  paths  strongest path  its product  share\n"
        "w        0.5        −2      1  L → w                    −2   100%\n"
        "x         −2      0.25      1  L → x                  0.25   100%"
    )


def test_csv_and_json_have_all_digits(tmp_path):
    loss = net_of(2, 3, 1, x=[0.3, -0.7])
    table = viz.weights_table(loss, digits=2)
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert [float(row["gradient"]) for row in rows] == [row.gradient for row in table]
    assert [row["gradient"] for row in json.loads(table.json())] == [row.gradient for row in table]
    for ending in ("txt", "md", "csv", "json", "html"):
        assert (tmp_path / f"t.{ending}").samefile(table.save(tmp_path / f"t.{ending}"))
    assert (tmp_path / "t.md").read_text(encoding="utf-8").startswith("| name | number | gradient |")
    with pytest.raises(ValueError, match="format"):
        table.save(tmp_path / "t.xlsx")


def test_hostile_names_stay_text():
    w = Value(1.0, "<b>|x")
    L = w * 2
    table = viz.weights_table(L)
    assert "<b>" not in table._repr_html_()
    assert r"<b>\|x" in table.markdown()


@pytest.mark.parametrize(
    ("root", "error", "message"),
    [
        (3, TypeError, "weights_table: expected a Value such as the loss, got int"),
        (Value(1.0, "w"), ValueError, "is a leaf"),
        (Value(1.0) * 2, ValueError, "no leaf has a name"),
    ],
)
def test_what_has_no_table_is_refused(root, error, message):
    with pytest.raises(error, match=message):
        viz.weights_table(root)

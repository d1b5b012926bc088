"""The table of layers."""

import pytest

from nn import Dense, Dropout, Flatten, Sequential


@pytest.fixture
def summary():
    layers = [Flatten(input_shape=(28, 28)), Dense(128, "relu", name="hidden <1>"), Dropout(0.2), Dense(10)]
    return Sequential(layers, name="digits").summary()


def test_the_text_is_the_table_of_keras(summary):
    assert (
        summary.text
        == """\
Model: "digits"
─────────────────────────────────────────────────
 Layer (type)              Output Shape  Param #
═════════════════════════════════════════════════
 flatten (Flatten)         (None, 784)         0
 hidden <1> (Dense)        (None, 128)   100,480
 dropout (Dropout)         (None, 128)         0
 dense (Dense)             (None, 10)      1,290
─────────────────────────────────────────────────
Total params: 101,770 (397.54 KB)"""
    )
    assert repr(summary) == "<summary of 'digits': 4 layers, 101,770 numbers>"


def test_it_is_printed_as_in_keras(capsys):
    table = Sequential([Dense(1, input_dim=2)]).summary()
    assert capsys.readouterr().out == table.text + "\n"


def test_the_rows_and_the_total_can_be_read(summary):
    assert summary.rows[1] == ("hidden <1> (Dense)", "(None, 128)", 784 * 128 + 128)
    assert summary.total == 784 * 128 + 128 + 128 * 10 + 10


def test_the_html_is_a_table_with_names_escaped(summary):
    page = summary.html
    assert page.count("<tr>") == 5
    assert "hidden &lt;1&gt; (Dense)" in page
    assert "<1>" not in page
    assert "101,770" in page


def test_a_long_name_widens_its_column():
    text = Sequential([Dense(1, input_dim=1, name="x" * 60)]).summary().text
    assert len({len(line) for line in text.splitlines()[1:6] if line[0] in "─═"}) == 1
    assert max(map(len, text.splitlines())) > 80


def test_sizes_are_written_in_bytes_and_larger_units():
    assert Sequential([Dense(1, input_dim=1)]).summary().text.endswith("Total params: 2 (8.00 B)")
    wide = Sequential([Dense(1, input_dim=1)], dtype="float64").summary()
    assert wide.text.endswith("Total params: 2 (16.00 B)")
    assert Sequential([Dense(1024, input_dim=1024)]).summary().text.endswith("1,049,600 (4.00 MB)")

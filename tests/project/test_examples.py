"""The examples run and say what they promise."""

import re
import sys

import pytest
from scripts import load


@pytest.mark.slow
def test_train_digits_by_neurons(capsys):
    pytest.importorskip("sklearn")
    load("train_digits_by_neurons").main(["--samples", "300", "--epochs", "4", "--batch-size", "8"])
    shown = capsys.readouterr().out
    losses = [float(loss) for loss in re.findall(r"loss (\d+\.\d+)", shown)]
    assert len(losses) == 4
    assert losses[-1] < 0.5 * losses[0]
    assert float(re.search(r"test accuracy: (\d+\.\d)%", shown)[1]) > 60
    assert "w[1]" in shown
    assert "sum of the 5 strongest" in shown


def test_train_digits_by_neurons_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match="pip install scikit-learn"):
        load("train_digits_by_neurons").main([])


@pytest.mark.parametrize("option", ["--epochs", "--batch-size", "--samples"])
def test_train_digits_by_neurons_refuses_zero(option, capsys):
    with pytest.raises(SystemExit):
        load("train_digits_by_neurons").main([option, "0"])
    assert option in capsys.readouterr().err


@pytest.mark.slow
def test_train_gpt_by_neurons_on_names_of_ones_own(capsys, tmp_path):
    (tmp_path / "names.txt").write_text("abba\nbaba\nabab\nbaab\naabb\nbbaa\n", encoding="utf-8")
    load("train_gpt_by_neurons").main([str(tmp_path / "names.txt"), "--steps", "60"])
    shown = capsys.readouterr().out
    before, after = (float(loss) for loss in re.findall(r"loss (\d+\.\d+)", shown))
    assert after < before
    assert "dE = " in shown
    assert "dU = " in shown


def test_train_gpt_by_neurons_refuses_zero_steps(capsys):
    with pytest.raises(SystemExit):
        load("train_gpt_by_neurons").main(["--steps", "0"])
    assert "--steps: expected at least 1" in capsys.readouterr().err

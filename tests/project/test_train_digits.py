"""The examples that train on digits: they learn, show what they learned, and read the files they are given."""

import os
import re
import sys

import numpy as np
import pytest
from idx_files import idx, pack, put
from scripts import load

from nn import load_model
from nn.data import one_hot


@pytest.fixture
def images():
    """120 images of 28 x 28 bytes with their digits: a bar at one of ten heights, over noise."""
    rng = np.random.default_rng(0)
    digits = np.arange(120) % 10
    pixels = rng.integers(0, 60, (120, 28, 28), dtype=np.uint8)
    for picture, digit in zip(pixels, digits, strict=True):
        picture[2 * digit + 3 : 2 * digit + 7, 4:24] = 250
    return pixels, digits.astype(np.uint8)


def put_mnist(folder, pixels, digits, part="t10k"):
    put(folder / f"{part}-images-idx3-ubyte.gz", pack(idx(pixels)))
    put(folder / f"{part}-labels-idx1-ubyte", idx(digits))


def held_out(shown):
    """The accuracy on the last line, in percent."""
    return float(re.search(r"Held out: (\d+\.\d\d)% read correctly", shown)[1])


@pytest.mark.slow
@pytest.mark.parametrize("net", ["relu", "sigmoid"])
def test_a_hidden_layer_of_64_reads_95_percent_of_the_held_out_digits(net, capsys):
    pytest.importorskip("sklearn")
    load("train_digits").main(["--net", net])
    shown = capsys.readouterr().out
    assert "1437 images to learn from, 360 held out" in shown
    assert len(re.findall(r"^Epoch +\d+/30 - .* - val_accuracy: 0\.\d{4}$", shown, re.MULTILINE)) == 30
    assert held_out(shown) >= 95
    rows = re.findall(r"^ {6}(\d) ((?: +[\d.]+){10}) +\d+\.\d%$", shown, re.MULTILINE)
    assert [int(digit) for digit, _ in rows] == list(range(10))
    matrix = np.array([[int(n) for n in row.replace(".", "0").split()] for _, row in rows])
    assert matrix.sum() == 360
    assert f"{100 * matrix.trace() / 360:.2f}" == f"{held_out(shown):.2f}"
    assert re.search(r"^val_loss +0\.\d{4} [▁▂▃▄▅▆▇█]{30} 0\.\d{4}$", shown, re.MULTILINE)
    assert "the outputs are equal, bit for bit" in shown


def test_the_worst_misreadings_come_first_and_are_wrong(capsys):
    images = np.zeros((4, 64))
    images[2, :8] = 1.0
    outputs = one_hot([3, 7, 1, 4], 10) * np.array([[0.9], [0.99], [0.8], [0.7]])
    load("train_digits").show_misreadings(images, np.array([3, 7, 2, 5]), outputs)
    _, _, titles, first_row, second_row, *_ = capsys.readouterr().out.splitlines()
    assert titles == "2, read as 1 (0.80)           5, read as 4 (0.70)"
    assert first_row == "#" * 16
    assert second_row == ""


def test_images_of_an_odd_side_lose_their_last_line_and_those_that_are_not_square_have_no_picture(capsys):
    show = load("train_digits").show_misreadings
    outputs = one_hot([1], 10)
    odd = np.zeros((17, 17))
    odd[:2], odd[16], odd[:, 16] = 1.0, 1.0, 1.0
    show(odd.reshape(1, -1), np.array([2]), outputs)
    _, _, _, *rows = capsys.readouterr().out.splitlines()
    assert rows == ["#" * 16, *[""] * 7]
    show(np.ones((1, 60)), np.array([2]), outputs)
    assert capsys.readouterr().out.splitlines()[2:] == ["2, read as 1 (1.00)"]


def test_a_net_without_mistakes_shows_none(capsys):
    load("train_digits").show_misreadings(np.zeros((2, 64)), np.array([3, 7]), one_hot([3, 7], 10))
    assert capsys.readouterr().out == "\nNot one is misread.\n"


def test_a_folder_with_one_pair_of_files_is_divided(tmp_path, images, capsys):
    put_mnist(tmp_path, *images)
    load("train_digits").main(["--data", str(tmp_path), "--hidden", "16", "16", "--epochs", "15"])
    shown = capsys.readouterr().out
    assert "96 images to learn from, 24 held out" in shown
    assert held_out(shown) > 80


def test_a_folder_with_both_pairs_is_taken_as_it_is(tmp_path, images, capsys):
    pixels, digits = images
    put_mnist(tmp_path, pixels[:100], digits[:100], "train")
    put_mnist(tmp_path, pixels[100:], digits[100:])
    load("train_digits").main(["--data", str(tmp_path), "--epochs", "1"])
    assert "100 images to learn from, 20 held out" in capsys.readouterr().out


@pytest.mark.slow
def test_a_csv_file_with_labels_is_read_and_one_without_refused(tmp_path, images, capsys):
    pixels, digits = images
    names = [f"pixel{i}" for i in range(784)]
    flat = pixels.reshape(-1, 784)
    rows = [",".join(map(str, row)) for row in np.column_stack([digits, flat])]
    put(tmp_path / "train.csv", "\n".join([",".join(["label", *names]), *rows]).encode())
    load("train_digits").main(["--data", str(tmp_path / "train.csv"), "--epochs", "15"])
    assert held_out(capsys.readouterr().out) > 80
    rows = [",".join(map(str, row)) for row in flat]
    put(tmp_path / "test.csv", "\n".join([",".join(names), *rows]).encode())
    with pytest.raises(SystemExit, match="expected digits to learn from, the file has no column 'label'"):
        load("train_digits").main(["--data", str(tmp_path / "test.csv")])


def test_the_model_is_saved_where_one_says_and_nowhere_else(tmp_path, images, capsys, monkeypatch):
    put_mnist(tmp_path, *images)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    options = ["--data", str(tmp_path), "--epochs", "2"]
    load("train_digits").main(options)
    assert os.listdir() == []
    load("train_digits").main([*options, "--save", "net.npz"])
    assert os.listdir() == ["net.npz"]
    assert load_model("net.npz").count_params() == 784 * 64 + 64 + 640 + 10


@pytest.mark.slow
def test_the_same_seed_shows_the_same_numbers(tmp_path, images, capsys):
    put_mnist(tmp_path, *images)
    shown = []
    for seed in ("1", "1", "2"):
        load("train_digits").main(["--data", str(tmp_path), "--epochs", "3", "--seed", seed])
        shown.append(re.findall(r"loss: (\d\.\d{4})", capsys.readouterr().out))
    assert shown[0] == shown[1] != shown[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", "0"], "epochs"),
        (["--batch-size", "0"], "batch_size"),
        (["--hidden", "0"], "units"),
        (["--seed", "-1"], "seed"),
        (["--learning-rate", "-1"], "learning_rate"),
        (["--learning-rate", "1e9"], r"epoch 1, batch \d+: the loss is (nan|inf); .* Lower the learning rate"),
        (["--data", "none.csv"], "there is no such file"),
        (["--data", "."], "expected MNIST files"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(options, message, tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        load("train_digits").main(options)


@pytest.mark.parametrize("path", ["net.h5", "none/net.npz"])
def test_a_place_that_nothing_can_be_saved_to_is_refused_before_the_training(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        load("train_digits").main(["--save", path])
    assert "--save: expected a .npz or .safetensors file in a folder that exists" in capsys.readouterr().err


@pytest.mark.parametrize("example", ["train_digits", "bias_gradient_slip"])
def test_without_scikit_learn_the_command_is_named(example, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(SystemExit, match="pip install scikit-learn"):
        load(example).main([])


def test_the_slip_makes_the_gradient_of_the_output_biases_zero():
    slip = load("bias_gradient_slip")
    rng = np.random.default_rng(3)
    weights, X, digits = slip.start(rng, 5), rng.random((5, 40)), rng.integers(0, 10, 40)
    Y = one_hot(digits, 10).T
    graph = slip.recorded(weights, X, digits)
    for recorded, derived in zip(graph, slip.backward(weights, X, Y, slip=False), strict=True):
        np.testing.assert_allclose(derived, recorded, rtol=1e-12, atol=1e-14)
    dW1, db1, dW2, db2 = slip.backward(weights, X, Y, slip=True)
    assert abs(db2) < 1e-14  # a sum of differences that are rounded each
    assert np.abs(graph[3]).max() > 0.01
    assert np.isclose(db1, graph[1].sum())
    np.testing.assert_allclose(dW1, graph[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dW2, graph[2], rtol=1e-12, atol=1e-14)


def test_the_slip_is_shown(capsys):
    pytest.importorskip("sklearn")
    load("bias_gradient_slip").main(["--steps", "30"])
    shown = capsys.readouterr().out
    rows = re.findall(r"^db\[(\d)\] unit \d+ +(-?\d\.\d+) +(-?\d\.\d+) +(-?\d\.\d+)$", shown, re.MULTILINE)
    assert len(rows) == 20
    assert all(graph == right for _, graph, right, _ in rows)
    assert {slip for layer, _, _, slip in rows if layer == "2"} <= {"0.000000", "-0.000000"}
    moved = [float(x) for x in re.findall(r"b\[2\] moved by at most (\S+)", shown)]
    assert moved[0] > 0.01
    assert moved[1] < 1e-12

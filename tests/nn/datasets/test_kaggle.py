"""Kaggle's CSV files: numbers, every way to get them wrong, speed, and the submission."""

import os
import re
import threading
import tracemalloc

import numpy as np
import pytest
from idx_files import pack, put
from named_pipes import Pipe, posix

from nn.datasets.kaggle import load_kaggle, save_submission


def csv(rows, label=True):
    """The text of a CSV file with so many pixels as the first row has."""
    pixels = ",".join(f"pixel{i}" for i in range(len(rows[0]) - label))
    return "\n".join(["label," * label + pixels, *(",".join(map(str, row)) for row in rows)]) + "\n"


ROWS = [[7, 0, 255, 12, 100], [0, 9, 10, 99, 199]]
X = [[[0, 255], [12, 100]], [[9, 10], [99, 199]]]


def test_a_training_file_has_labels(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text(csv(ROWS), encoding="utf-8")
    x, y = load_kaggle(path)
    assert x.dtype == np.uint8
    assert x.tolist() == X
    assert y.dtype == np.int64
    assert y.tolist() == [7, 0]
    assert load_kaggle(path, flat=True, unit=True).x.tolist() == [[p / 255 for p in row[1:]] for row in ROWS]


def test_a_test_file_has_none(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text(csv([row[1:] for row in ROWS], label=False), encoding="utf-8")
    x, y = load_kaggle(str(path))
    assert x.tolist() == X
    assert y is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: text + "\n \r\n\n",
        lambda text: "\ufeff" + text,
        lambda text: text.replace("255", " 255 ").replace("12", '"12"'),
        lambda text: text.replace("label,", '"label",').replace(",100\n", ",100\n\n"),
        lambda text: text.replace(",9,", ",009,"),
    ],
)
def test_other_ways_to_write_the_same_are_read_the_same(tmp_path, change):
    path = put(tmp_path / "train.csv", change(csv(ROWS)).encode())
    x, y = load_kaggle(path)
    assert x.tolist() == X
    assert y.tolist() == [7, 0]


def test_a_packed_file_is_unpacked(tmp_path):
    assert load_kaggle(put(tmp_path / "train.csv.gz", pack(csv(ROWS).encode()))).x.tolist() == X


def test_every_number_is_read(tmp_path):
    table = np.random.default_rng(0).permutation(np.arange(512) % 256).reshape(-1, 16)
    x, _ = load_kaggle(put(tmp_path / "test.csv", csv(table.tolist(), label=False).encode()), flat=True)
    assert np.array_equal(x, table)


def test_a_file_of_names_alone_holds_no_images(tmp_path):
    x, y = load_kaggle(put(tmp_path / "train.csv", csv(ROWS).splitlines()[0].encode()))
    assert x.shape == (0, 2, 2)
    assert y.shape == (0,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",199", "", "line 3 has 4 columns, expected 5"),
        (",199", ",199,3", "line 3 has 6 columns, expected 5"),
        (",100\n", ",100\n\n1,2", "line 4 has 6 columns, expected 5"),
        (",12,100", "", "line 2 has 3 columns, expected 5"),
        ("7,0,255,12,100\n0,9,10,99,199", "1,2\n3,4", "line 2 has 2 columns, expected 5"),
        ("199", "1 9", "line 3, column 5: expected a whole number from 0 to 255, got '1 9'"),
        ("0,9,10", "#0,9,10", "line 3, column 1: expected a whole number from 0 to 255, got '#0'"),
        ("199", "256", "line 3, column 5: expected a whole number from 0 to 255, got '256'"),
        ("100\n0,", "100,0,", "line 2 has 10 columns, expected 5"),
        (",100\n0,9", "\n100,0,9", "line 2 has 4 columns, expected 5"),
        ("0,9,10,99,199", "5", "line 3 has 1 column, expected 5"),
        ("255", "abc", "line 2, column 3: expected a whole number from 0 to 255, got 'abc'"),
        ("255", "256", "line 2, column 3: expected a whole number from 0 to 255, got '256'"),
        ("255", "1255", "line 2, column 3: expected a whole number from 0 to 255, got '1255'"),
        ("199", "-1", "line 3, column 5: expected a whole number from 0 to 255, got '-1'"),
        ("199", "0.5", "line 3, column 5: expected a whole number from 0 to 255, got '0.5'"),
        ("199", "nan", "line 3, column 5: expected a whole number from 0 to 255, got 'nan'"),
        ("199", "", "line 3, column 5: expected a whole number from 0 to 255, got ''"),
        ("199", "1\x00", "line 3, column 5: expected a whole number from 0 to 255"),
        ("255,", "255;", "line 2 has 4 columns, expected 5"),
        ("0,9,", "0 9,", "line 3 has 4 columns, expected 5"),
        ("label,", "digit,", "line 1: expected the names of the columns, label,pixel0,... or pixel0,...; got 'digit,"),
        ("label,pixel0,pixel1,pixel2,pixel3\n7,", "", "line 2 has 5 columns, expected 4"),
        ("label,pixel0,pixel1,pixel2,pixel3\n7,0,", "", "line 1: expected the names of the columns, or the pixels"),
        ("label,pixel0,pixel1,pixel2,pixel3\n7,0,255", "7,0,256", "line 1, column 3: expected a whole number from 0"),
        ("label,pixel0,pixel1,pixel2,pixel3\n7,", "0.5,", "line 1: expected the names of the columns, label,pixel0"),
        (
            "label,pixel0",
            "id,pixel0",
            "line 1: expected the names of the columns, label,pixel0,... or pixel0,...; got 'id",
        ),
        ("label,pixel0", "label,label", "line 1: expected the names of the columns"),
        ("pixel3", "28y28", "line 1: expected the names of the columns"),
        ("label,pixel0,pixel1,pixel2,pixel3", "label", "line 1: expected the names of the columns"),
    ],
)
def test_a_wrong_csv_file_is_refused_with_its_line(tmp_path, old, new, message):
    assert old in csv(ROWS)
    path = put(tmp_path / "a.csv", csv(ROWS).replace(old, new).encode())
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {message}')}"):
        load_kaggle(path)


NAMES = {
    "1x1": "label,1x1,1x2,2x1,2x2\n",
    "from 1": "label,pixel1,pixel2,pixel3,pixel4\n",
    "in quotes": '"label","1x1","1x2","2x1","2x2"\r\n',
    "none": "",
    "none, after a mark": "\ufeff",
}


@pytest.mark.parametrize("names", NAMES)
def test_other_files_of_images_on_kaggle_are_read_too(tmp_path, names):
    path = put(tmp_path / "mnist_train.csv", (NAMES[names] + "".join(csv(ROWS).splitlines(True)[1:])).encode())
    x, y = load_kaggle(path)
    assert x.tolist() == X
    assert y.tolist() == [7, 0]


@pytest.mark.parametrize("names", ["1x1,1x2,2x1,2x2\n", ""])
def test_other_files_without_labels_are_read_too(tmp_path, names):
    path = put(tmp_path / "mnist_test.csv", f"{names}0,255,12,100\n9,10,99,199\n".encode())
    x, y = load_kaggle(path)
    assert x.tolist() == X
    assert y is None


def test_the_label_may_be_the_last_column_if_it_has_its_name(tmp_path):
    path = put(tmp_path / "hmnist.csv", b"pixel0,pixel1,pixel2,pixel3,label\n0,255,12,100,7\n9,10,99,199,0\n")
    x, y = load_kaggle(path)
    assert x.tolist() == X
    assert y.tolist() == [7, 0]


def test_a_refusal_says_what_to_change_in_the_file(tmp_path):
    with pytest.raises(ValueError, match=r"Rename the label and the pixels so, and take other columns out$"):
        load_kaggle(put(tmp_path / "a.csv", b"id,pixel0,pixel1\n1,2,3\n"))
    with pytest.raises(
        ValueError, match=r"got 7 numbers, '1,2,3,4,5,6,7'\. Put a line such as label,pixel0,\.\.\. above"
    ):
        load_kaggle(put(tmp_path / "a.csv", b"1,2,3,4,5,6,7\n"))


@pytest.mark.slow
@pytest.mark.parametrize("start", [b"", csv(ROWS).encode(), b"7,0,255,12,100\n"])
def test_a_line_without_end_takes_no_memory(tmp_path, start):
    path = put(tmp_path / "a.csv", pack(start + b"0," * (16 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"a\.csv: line \d"):
            load_kaggle(path)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20  # a line of a megabyte has half a million cells
    finally:
        tracemalloc.stop()


@posix
@pytest.mark.parametrize(("text", "good"), [(csv(ROWS), True), (csv([*ROWS, [1, 2]]), False)])
def test_a_csv_file_comes_through_a_pipe(tmp_path, text, good):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(text.encode(),), daemon=True)
    writer.start()
    if good:
        assert load_kaggle(tmp_path / "pipe").x.tolist() == X
    else:
        with pytest.raises(ValueError, match="pipe: expected lines of 5 whole numbers from 0 to 255"):
            load_kaggle(tmp_path / "pipe")
    writer.join(30)


@pytest.mark.slow
def test_the_line_is_counted_through_a_long_file(tmp_path):
    path = put(tmp_path / "a.csv", csv(ROWS * 50_000 + [[1, 2]] + ROWS).encode())
    with pytest.raises(ValueError, match="line 100002 has 2 columns, expected 5"):
        load_kaggle(path)


@pytest.mark.parametrize("junk", [b"\xff" * 300, b"\0" * 300, bytes(range(14, 256)) * 12, b"1," * 150, b"5,0,1\n"])
def test_what_is_no_table_is_refused(tmp_path, junk):
    with pytest.raises(ValueError, match="line 2"):
        load_kaggle(put(tmp_path / "a.csv", csv(ROWS).splitlines()[0].encode() + b"\n" + junk))
    with pytest.raises(ValueError, match="line 1: expected the names of the columns"):
        load_kaggle(put(tmp_path / "a.csv", junk))


def test_other_files_than_csv_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a CSV file, the file is empty"):
        load_kaggle(put(tmp_path / "a.csv", b""))
    with pytest.raises(IsADirectoryError, match="expected a CSV file, got a folder"):
        load_kaggle(tmp_path)
    with pytest.raises(ValueError, match="the gzip stream ends early"):
        load_kaggle(put(tmp_path / "a.csv", pack(csv(ROWS).encode())[:-10]))


def test_pixels_that_make_no_square_are_read_flat(tmp_path):
    path = put(tmp_path / "a.csv", csv([[1, 2, 3]]).encode())
    with pytest.raises(ValueError, match="2 pixels are not a square image; read them with flat=True"):
        load_kaggle(path)
    assert load_kaggle(path, flat=True).x.tolist() == [[2, 3]]


@pytest.mark.slow
def test_a_file_as_long_as_kaggles_is_read_whole(tmp_path):
    # As many numbers as in train.csv, four in five of them 0 as there; a twentieth of the lines, repeated.
    rng = np.random.default_rng(0)
    table = np.where(rng.random((2100, 785)) < 0.8, 0, rng.integers(0, 256, (2100, 785)))
    names, _, text = csv(table.tolist()).partition("\n")
    path = put(tmp_path / "train.csv", (names + "\n" + text * 20).encode())
    x, y = load_kaggle(path, flat=True)
    assert x.shape == (42000, 784)
    assert np.array_equal(x[-2100:], table[:, 1:])
    assert np.array_equal(y[:2100], table[:, 0])


def test_a_submission_counts_the_images_from_one(tmp_path):
    save_submission(tmp_path / "submission.csv", np.array([2, 0, 9]))
    assert (tmp_path / "submission.csv").read_bytes() == b"ImageId,Label\n1,2\n2,0\n3,9\n"


def test_a_submission_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = put(tmp_path / "submission.csv", b"old")

    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="the disk is full"):
        save_submission(path, [1, 2])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["submission.csv"]


@pytest.mark.parametrize("labels", [[0.5], [-1], [[0.1, 0.9]]])
def test_predictions_that_are_no_labels_are_not_written(tmp_path, labels):
    with pytest.raises(ValueError, match="save_submission: "):
        save_submission(tmp_path / "s.csv", labels)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["s", "s.png", "s.csv.gz", "s.npz"])
def test_a_submission_is_a_csv_file_by_its_name_too(tmp_path, name):
    with pytest.raises(ValueError, match=r"save_submission: expected a name that ends in \.csv, got '"):
        save_submission(tmp_path / name, [1])
    assert os.listdir(tmp_path) == []


@posix
def test_a_submission_goes_through_a_pipe(tmp_path):
    pipe = Pipe(tmp_path / "pipe")
    save_submission(pipe.path, [4])
    assert pipe.read() == b"ImageId,Label\n1,4\n"
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_submission_needs_its_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save_submission(tmp_path / "none" / "s.csv", [1])

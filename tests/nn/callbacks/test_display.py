"""What a training shows while it runs."""

import io
import re
import sys
import threading
import types
import warnings

import pytest
from epochs import train

from nn.callbacks import (
    Callback,
    LambdaCallback,
    progress,
)
from nn.callbacks.display import Bar, Lines, say

# ---------------------------------------------------------------- progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert progress() is None
    assert progress("auto") is None
    assert progress(0) is None
    assert progress(False) is None
    monkeypatch.setattr(sys, "stdout", None)
    assert progress() is None


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "-- ? =="), ("cp1252", "-- ? =="), ("utf-8", "── ŷ ══"), (None, "── ŷ ══")]
)
def test_a_file_or_pipe_that_has_not_all_characters_stops_no_training(monkeypatch, encoding, shown):
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding, newline="\n") if encoding else io.StringIO())
    say("── ŷ ══")
    assert (file.getvalue().decode(encoding) if encoding else sys.stdout.getvalue()) == shown + "\n"


def test_a_line_for_every_epoch(capsys):
    train([progress(2)], [{"loss": 0.34123, "accuracy": 0.875}] * 9 + [{"loss": 1e-5, "accuracy": 1.0}])
    first, *_, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Epoch  1/10 - \d+ms - loss: 0\.3412 - accuracy: 0\.8750", first)
    assert re.fullmatch(r"Epoch 10/10 - \d+ms - loss: 1\.0000e-05 - accuracy: 1\.0000", last)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0414, "41ms"), (0.9999, "1.0s"), (12.34, "12.3s"), (125.4, "2min 5s")]
)
def test_how_long_an_epoch_took(capsys, monkeypatch, seconds, text):
    clock = iter([10.0, 10.0 + seconds])
    monkeypatch.setattr("nn.callbacks.display.time", types.SimpleNamespace(perf_counter=lambda: next(clock)))
    train([progress(2)], [1.0])
    assert capsys.readouterr().out == f"Epoch 1/1 - {text} - loss: 1.0000\n"


def test_lines_do_not_listen_to_batches():
    assert Lines.on_train_batch_end is Callback.on_train_batch_end


def test_in_a_file_one_asks_for_lines(capsys):
    assert type(progress(1)) is Lines


def test_without_tqdm_there_are_lines(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert type(progress()) is Lines
    train([progress()], [1.0])
    assert sys.stdout.getvalue().endswith("loss: 1.0000\n")


def test_in_a_terminal_there_is_a_bar_below_the_lines(monkeypatch):
    pytest.importorskip("tqdm")
    threads = threading.active_count()
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    shown = progress()
    assert type(shown) is Bar
    assert type(progress(1)) is Bar
    assert type(progress(2)) is Lines
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train([shown], [{"loss": 0.5}, {"loss": 0.25}], batches=[1.0, 1.0, 1.0])
    text = screen.getvalue()
    assert "Epoch 2/2" in text
    assert "/6 [" in text  # three batches in each of two epochs
    lines = [line.split("\r")[-1] for line in text.split("\n")]
    assert [bool(re.fullmatch(rf"Epoch {i}/2 - \d+ms - loss: 0\.\d+", lines[i - 1])) for i in (1, 2)] == [True, True]
    assert [line.strip() for line in lines[2:]] == [""]  # the bar is gone
    assert threading.active_count() == threads  # and nothing watches it


def test_what_other_callbacks_print_does_not_stand_behind_the_bar(monkeypatch):
    pytest.importorskip("tqdm")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    talk = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: print("begin", epoch),
        on_epoch_end=lambda epoch, logs: print("end", epoch),
        on_train_end=lambda logs: print("over"),
    )
    train([talk, progress()], [1.0, 1.0], batches=[1.0, 1.0, 1.0])
    lines = [line.split("\r")[-1].rstrip() for line in screen.getvalue().split("\n")]
    shown = [line for line in lines if "loss" not in line]
    assert shown == ["begin 0", "end 0", "begin 1", "end 1", "over", ""]
    assert [line.split(" - ")[0] for line in lines if "loss" in line] == ["Epoch 1/2", "Epoch 2/2"]


def test_a_training_that_goes_on_counts_what_is_left(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    train([progress()], [1.0, 1.0], batches=[1.0, 1.0], first=8)
    assert "Epoch 9/10" in sys.stdout.getvalue()
    assert "/4 [" in sys.stdout.getvalue()

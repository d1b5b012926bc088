"""Handwritten digits, read by the networks of two lectures.

relu      relu units, then softmax with the cross-entropy of the right digit, so that dZ = A - Y
sigmoid   each unit a = sigmoid(w x + b), the cost ½ Σ (a - y)² of a digit written one-hot; batches of
          10, 30 epochs and the rate 3 are Nielsen's (Neural Networks and Deep Learning, chapter 1)

It learns from scikit-learn's 1,797 digits of 8 x 8 pixels, of which it holds a fifth out, or from the
files one names: a folder with MNIST's, or the train.csv of Kaggle's digit-recognizer.

    python examples/programs/train_digits.py
    python examples/programs/train_digits.py --net sigmoid --hidden 16 16 --data folder
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from nn import SGD, Dense, Input, Sequential, load_model
from nn.data import one_hot, train_test_split
from nn.datasets.digits import load_digits
from nn.datasets.kaggle import load_kaggle
from nn.datasets.mnist import load_mnist
from nn.losses import MeanSquaredError
from nn.metrics import confusion_matrix, recall_of_classes

RATES = {"relu": 0.2, "sigmoid": 3.0}


def load_data(path, seed):
    """x_train, x_test, y_train, y_test: rows of pixels in [0, 1], and digits. A fifth is held out."""
    if path is None:
        samples = load_digits(flat=True, unit=True)
    elif path.is_dir():
        parts = load_mnist(path, flat=True, unit=True)
        if parts.train and parts.test:
            return parts.train.x, parts.test.x, parts.train.y, parts.test.y
        samples = parts.train or parts.test
    else:
        samples = load_kaggle(path, flat=True, unit=True)
        if samples.y is None:
            raise ValueError(f"{path}: expected digits to learn from, the file has no column 'label'")
    return train_test_split(samples.x, samples.y, 0.2, rng=seed, stratify=samples.y)


def make_net(kind, pixels, hidden, rate, seed):
    """One of the two networks, compiled."""
    if kind == "sigmoid":
        # Nielsen starts with a variance of 1, and in chapter 3 with 1 / inputs, so that no unit saturates.
        layers = [Dense(n, "sigmoid", kernel_initializer="scaled_normal") for n in (*hidden, 10)]
        loss = MeanSquaredError(half=True)
    else:
        layers = [*(Dense(n, "relu", kernel_initializer="he_uniform") for n in hidden), Dense(10, "softmax")]
        loss = "categorical_crossentropy"
    model = Sequential([Input(shape=(pixels,)), *layers], rng=seed)
    model.compile(SGD(rate), loss, ["accuracy"])
    return model


def show_history(history):
    """A line for each number that was measured, from the first epoch to the last."""
    print()
    for name, values in history.history.items():
        low, high = min(values), max(values)
        curve = "".join("▁▂▃▄▅▆▇█"[round(7 * (x - low) / (high - low or 1))] for x in values)
        print(f"{name:12} {values[0]:.4f} {curve} {values[-1]:.4f}")


def show_confusion(digits, read):
    """Rows: the digit that is written; columns: the digit that was read."""
    matrix = confusion_matrix(digits, read, 10)
    print("\nread as " + "".join(f"{digit:5}" for digit in range(10)) + "   right")
    for digit, (row, right) in enumerate(zip(matrix, recall_of_classes(matrix), strict=True)):
        print(f"{digit:7} " + "".join(f"{n or '.':>5}" for n in row) + f"  {right:6.1%}")


def show_misreadings(images, digits, outputs, most=3):
    """The wrong answers that the net was surest of, as pictures side by side."""
    read = outputs.argmax(axis=1)
    wrong = np.flatnonzero(read != digits)
    wrong = wrong[np.argsort(-outputs[wrong].max(axis=1))][:most]
    if not len(wrong):
        print("\nNot one is misread.")
        return
    side = round(images.shape[1] ** 0.5)
    square = side * side == images.shape[1]
    pictures = images[wrong].reshape(-1, side, side) if square else images[wrong, :0, None]
    if square and side > 16:
        even = pictures[:, : side // 2 * 2, : side // 2 * 2]
        pictures = np.mean([even[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=0)  # four pixels as one
    print("\nThe worst misreadings, with the output for the digit that was read:")
    print("".join(f"{digits[i]}, read as {read[i]} ({outputs[i].max():.2f})".ljust(30) for i in wrong).rstrip())
    for row in zip(*pictures, strict=True):
        print("".join("".join(" .:*#"[min(4, int(5 * p))] * 2 for p in line).ljust(30) for line in row).rstrip())


def check_saving(model, images, path):
    """Save the model, load it again, and compare what the two read."""
    model.save(path)
    same = np.array_equal(load_model(path).predict(images), model.predict(images))
    print(f"\nSaved and loaded again: the outputs are {'equal' if same else 'NOT EQUAL'}, bit for bit.")


def read_options(argv):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=RATES, default="relu")
    parser.add_argument("--data", type=Path, help="a folder with MNIST's files, or Kaggle's train.csv")
    parser.add_argument("--hidden", type=int, nargs="+", default=[64], help="units of each hidden layer")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, help="otherwise 0.2 for relu, 3 for sigmoid")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="where the trained model goes, a .npz or .safetensors file")
    options = parser.parse_args(argv)
    if options.save and not (options.save.suffix in (".npz", ".safetensors") and options.save.parent.is_dir()):
        parser.error(f"--save: expected a .npz or .safetensors file in a folder that exists, got {options.save}")
    return options


def run(options):
    """Learn, and show what was learned."""
    x_train, x_test, y_train, y_test = load_data(options.data, options.seed)
    rate = RATES[options.net] if options.learning_rate is None else options.learning_rate
    model = make_net(options.net, x_train.shape[1], options.hidden, rate, options.seed)
    model.summary()
    print(f"{len(x_train)} images to learn from, {len(x_test)} held out\n")

    start = time.perf_counter()
    held_out = x_test, one_hot(y_test, 10)
    history = model.fit(
        x_train, one_hot(y_train, 10), options.batch_size, options.epochs, validation_data=held_out, verbose=2
    )
    seconds = time.perf_counter() - start

    outputs = model.predict(x_test)
    show_history(history)
    show_confusion(y_test, outputs.argmax(axis=1))
    show_misreadings(x_test, y_test, outputs)
    with tempfile.TemporaryDirectory() as folder:
        check_saving(model, x_test, options.save or Path(folder, "digits.npz"))
    print(f"Held out: {history.history['val_accuracy'][-1]:.2%} read correctly, after {seconds:.1f} s of training.")


def main(argv=None):
    options = read_options(argv)
    try:
        run(options)
    except (OSError, ImportError, ValueError, ArithmeticError) as error:
        raise SystemExit(f"train_digits: {error}") from None


if __name__ == "__main__":
    main()

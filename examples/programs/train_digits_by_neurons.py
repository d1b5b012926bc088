"""Handwritten digits, read by a net in which every number is a node of its own.

64 pixels -> 16 relu units -> 10 logits, one for each digit: 1,210 weights and biases, each a Value.
`fit` finds the matrices behind the numbers (autograd.vectorize) and shows what that saves.
After the training we take a digit that the net misreads and ask one weight for its share in the error.

    python examples/programs/train_digits_by_neurons.py --epochs 5
"""

import argparse
import copy
import time

import numpy as np

import nn
from autograd import derive, no_grad, softmax_cross_entropy
from autograd.formulas.notation import as_printable
from nn import MLP, SGD


def load_data(samples, rng):
    """The 8x8 digits, scaled to [0, 1], as training and test rows: a fifth is held out."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("the digits come with scikit-learn: pip install scikit-learn") from None
    images, digits = load_digits(return_X_y=True)
    order = rng.permutation(len(images))[:samples]
    held_out = len(order) // 5
    return [(images[part] / 16, digits[part]) for part in (order[held_out:], order[:held_out])]


def read(net, image):
    """The digit with the largest logit."""
    with no_grad():
        return int(np.argmax([z.data for z in net(image)]))


def seconds_of_an_epoch(net, images, digits, batch_size):
    """How long an epoch takes if every number of every image is a node, measured on a few batches and a copy."""
    some = copy.deepcopy(net)
    few = min(len(images), 4 * batch_size)
    start = time.perf_counter()
    some.fit(images[:few], digits[:few], batch_size, verbose=0, vectorize=False)
    return (time.perf_counter() - start) * len(images) / few


def explain_a_mistake(net, data):
    """Derive the loss of a misread image by the weight of the first layer that matters most."""
    images, digits = data
    mistakes = [
        (image, digit) for image, digit in zip(images.tolist(), digits, strict=True) if read(net, image) != digit
    ]
    if not mistakes:
        print("Not a single mistake to explain.")
        return
    image, digit = mistakes[0]
    print(f"\nThis {digit} was read as {read(net, image)}:")
    print("\n".join("".join(" .:*#"[int(4 * pixel)] * 2 for pixel in image[row : row + 8]) for row in range(0, 64, 8)))
    net.zero_grad()
    loss = softmax_cross_entropy(net(image), int(digit))
    loss.label = "L"
    loss.backward()
    weights = [w for neuron in net.layers[0].neurons for w in neuron.w]
    print("Units count from 1: the logit of digit d is unit d + 1 of layer 2.")
    print(as_printable(derive(loss, max(weights, key=lambda w: abs(w.grad)), top=5).text))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=0.2)
    parser.add_argument("--samples", type=int, default=1797, help="use only so many of the images")
    options = parser.parse_args(argv)
    for option, least in (("epochs", 1), ("seed", 0), ("batch_size", 1), ("samples", 10)):
        if getattr(options, option) < least:
            parser.error(f"--{option.replace('_', '-')}: expected at least {least}, got {getattr(options, option)}")

    rng = np.random.default_rng(options.seed)
    training, test = load_data(options.samples, rng)
    net = MLP(64, [16, 10], activation="relu", rng=rng)
    loss = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(SGD(learning_rate=options.learning_rate), loss, metrics=["accuracy"])
    print(f"{net}: {len(net.parameters())} parameters, {len(training[0])} images to learn, {len(test[0])} to test")
    one_by_one = seconds_of_an_epoch(net, *training, options.batch_size)
    start = time.perf_counter()
    history = net.fit(*training, options.batch_size, options.epochs, verbose=0).history
    vectorised = (time.perf_counter() - start) / options.epochs
    for epoch, (loss, accuracy) in enumerate(zip(history["loss"], history["accuracy"], strict=True), 1):
        print(f"epoch {epoch}/{options.epochs}: loss {loss:.4f}, accuracy {accuracy:.1%}")
    print(f"an epoch took {vectorised:.2f} s with matrices; number by number it takes {one_by_one:.2f} s")
    print(f"test accuracy: {net.evaluate(*test)['accuracy']:.1%}")
    explain_a_mistake(net, test)


if __name__ == "__main__":
    main()

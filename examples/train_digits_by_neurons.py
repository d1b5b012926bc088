"""Handwritten digits, read by a net in which every number is a node of its own.

64 pixels -> 16 relu units -> 10 logits, one for each digit: 1,210 weights and biases, each a Value.
After the training we take a digit that the net misreads and ask one weight for its share in the error.

    python examples/train_digits_by_neurons.py --epochs 5
"""

import argparse

import numpy as np

from autograd import derive, mean, no_grad, softmax_cross_entropy
from autograd.formulas.notation import as_printable
from nn import MLP, SGD


def load_data(samples, rng):
    """The 8x8 digits, scaled to [0, 1], as training and test rows: a fifth is held out."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit('the digits come with scikit-learn: pip install "gradpath[examples]"') from None
    images, digits = load_digits(return_X_y=True)
    order = rng.permutation(len(images))[:samples]
    data = [((images[i] / 16).tolist(), int(digits[i])) for i in order]
    held_out = len(data) // 5
    return data[held_out:], data[:held_out]


def train_epoch(net, optimizer, data, batch_size, rng):
    """One pass over the data in random order; returns the mean loss."""
    total = 0.0
    order = rng.permutation(len(data))
    for start in range(0, len(data), batch_size):
        batch = [data[i] for i in order[start : start + batch_size]]
        loss = mean([softmax_cross_entropy(net(image), digit) for image, digit in batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.data * len(batch)
    return total / len(data)


def read(net, image):
    """The digit with the largest logit."""
    with no_grad():
        return int(np.argmax([z.data for z in net(image)]))


def accuracy(net, data):
    """The share of the images that are read correctly."""
    return sum(read(net, image) == digit for image, digit in data) / len(data)


def explain_a_mistake(net, data):
    """Derive the loss of a misread image by the weight of the first layer that matters most."""
    mistakes = [(image, digit) for image, digit in data if read(net, image) != digit]
    if not mistakes:
        print("Not a single mistake to explain.")
        return
    image, digit = mistakes[0]
    print(f"\nThis {digit} was read as {read(net, image)}:")
    print("\n".join("".join(" .:*#"[int(4 * pixel)] * 2 for pixel in image[row : row + 8]) for row in range(0, 64, 8)))
    net.zero_grad()
    loss = softmax_cross_entropy(net(image), digit)
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
    optimizer = SGD(net.parameters(), options.learning_rate)
    print(f"{net}: {len(net.parameters())} parameters, {len(training)} images to learn, {len(test)} to test")
    for epoch in range(1, options.epochs + 1):
        loss = train_epoch(net, optimizer, training, options.batch_size, rng)
        print(f"epoch {epoch}/{options.epochs}: loss {loss:.4f}, accuracy {accuracy(net, training):.1%}", flush=True)
    print(f"test accuracy: {accuracy(net, test):.1%}")
    explain_a_mistake(net, test)


if __name__ == "__main__":
    main()

"""
12. A net reads digits
======================

Lecture 004 shuffles the training data, divides it into mini-batches and goes
downhill by one after the other; lecture 003 has the program. Here are real
digits, 8 × 8 pixels each, as 13 people wrote them.
"""

from autograd import check_work
from nn import SGD, Dense, Sequential
from nn.data import one_hot, train_test_split
from nn.datasets import load_digits
from viz import plot_history, plot_weights

images, digits = load_digits(flat=True, unit=True)
x, x_new, y, y_new = train_test_split(images, digits, 0.2, rng=0)
y, y_new = one_hot(y, 10), one_hot(y_new, 10)
print(f"{len(x)} to learn from, {len(x_new)} held out")


# %%
# Two hidden layers of 16, all sigmoid, squared error: the lecture's net.


def net(rate):
    model = Sequential([Dense(n, "sigmoid") for n in (16, 16, 10)], rng=0)
    model.compile(SGD(rate), loss="mse", metrics=["accuracy"])
    return model


model = net(30.0)
history = model.fit(
    x, y, batch_size=32, epochs=30, validation_data=(x_new, y_new), verbose=0
)
plot_history(history)

# %%
# For a good while nothing seems to happen; then the layers find each other.
# Held-out digits are what counts: the net has never seen them.

print(f"read correctly: {history.history['val_accuracy'][-1]:.3f}")

# %%
# A trap. The lecture's squared error is a sum over the ten outputs, halved.
# Keras' `mse` is their mean, five times smaller, and its gradient with it. So
# the rate 3 that suits the lecture crawls here, and 30 is right.

slow = net(3.0)
slow.fit(x, y, batch_size=32, epochs=30, verbose=0)
print(f"with rate 3: {slow.evaluate(x_new, y_new, verbose=0)[1]:.3f}")

# %%
# What does the first layer look for? Lecture 004 expects edges and strokes,
# and finds that weights "look random". Blue counts for a unit, orange
# against it.

plot_weights(model, columns=8)

# %%
# **Your turn.** One image, the squared error of Keras, the last delta. The
# two and the ten of the mean are there; what is not?

A, one = model(x[:1]), y[:1]
J = ((A - one) ** 2).mean()
work = 2 / 10 * (A.data - one)
print(check_work(J, {"dZ[3]": work.round(4)}))

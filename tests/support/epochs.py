"""A training as callbacks see it, made of the numbers of its epochs."""

import numpy as np

from nn.optimizers import SGD


class Model:
    """What a callback sees of a model; its one weight counts the epochs."""

    def __init__(self, rate=1.0):
        self.optimizer = SGD(rate)
        self.stop_training = False
        self.weight = np.array([0.0])
        self.saved = []

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        self.weight = weights[0]

    def save(self, path):
        self.saved.append(("all", path))

    def save_weights(self, path):
        self.saved.append(("weights", path))


def train(callbacks, epochs, model=None, batches=(), metrics=(), first=0):
    """A training whose epochs end with the given logs; returns its model and how many epochs it took."""
    model = model or Model()
    model.stop_training = False
    params = {"epochs": first + len(epochs), "steps": len(batches), "metrics": list(metrics)}
    for callback in callbacks:
        callback.model, callback.params = model, params
    taken = 0

    def call(name, *args):
        for callback in callbacks:
            getattr(callback, name)(*args)

    call("on_train_begin", {})
    for epoch, logs in enumerate(epochs, first):
        call("on_epoch_begin", epoch, {})
        for batch, loss in enumerate(batches):
            call("on_train_batch_begin", batch, {})
            call("on_train_batch_end", batch, {"loss": loss})
        model.weight += 1
        taken += 1
        logs = logs if isinstance(logs, dict) else {"loss": logs}
        call("on_epoch_end", epoch, logs)
        if model.stop_training:
            break
    call("on_train_end", logs)
    return model, taken

"""`fit` and `diagnose`: what all nets are told of training, be they of Values or of Tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from autograd.arguments import Rng

from ..attributes import advised
from ..callbacks.base import Callback
from ..callbacks.standard import History
from ..diagnosis import Diagnosis, diagnose
from . import loop
from .plan import Plan
from .samples import training_data

__all__ = ["Trained"]


class Trained:
    """A net that can be trained once it is compiled; see `MLP` and `Model`."""

    def _to_train(self, where: str, *, vectorize: bool) -> Any:
        """What the training loop sees of the net. RuntimeError that begins with `where` if it is not compiled."""
        raise NotImplementedError

    @advised
    def fit(
        self,
        x: ArrayLike | Iterable[object],
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str | None = None,
        callbacks: Callback | Iterable[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Sequence[ArrayLike] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        steps_per_epoch: int | None = None,
        *,
        vectorize: bool = True,
    ) -> History:
        """Train on x, (samples, ...), and y, and give the History: `history.history["loss"]`, one number an epoch.

        y: (samples, outputs); or labels, (samples,), for a cross-entropy of classes; for one output
        (samples,) becomes (samples, 1). batch_size: 32 if None; the last batch may be shorter.
        epochs: the number of the last epoch; initial_epoch: how many are done already.
        verbose: 0 prints nothing; None prints in a terminal only; else see `nn.callbacks.progress`.
        callbacks: objects of `nn.callbacks`. validation_split: the share of the samples, the last
        ones before shuffling, that is not trained on; validation_data: (x, y) or (x, y, weights) instead.
        shuffle: a new order in each epoch. class_weight: a dict from label to weight; sample_weight:
        (samples,); both multiply the loss, which is still divided by the number of samples.
        validation_batch_size: how many samples at a time; validation_freq: after every so many epochs.
        x and y are not copied unless they must be: nobody is to write to them while the training lasts. An x in a
        file (np.memmap) stays there: samples are read, and become numbers of the model's dtype, batch by batch.

        Without y, x gives the batches, (x, y) or (x, y, sample_weight), an epoch each time it is gone through: a list
        of them, `nn.data.batches(x, y)`, an object with __iter__; of an iterator, which is gone through once,
        steps_per_epoch batches are an epoch. Then batch_size, shuffle, validation_split and weights are its business.

        vectorize: of a net of Values, compute a batch with matrices, by `autograd.vectorize` of the loss of one sample;
        False makes a node for every number of every sample, with the same losses to rounding. Without callbacks,
        metrics and rates of your own, which might look, its Values get their numbers at the end; until then other
        threads see the old ones. Nets of Tensors always compute with matrices.

        The numbers are means over the samples of the epoch, while the weights moved; with "val_"
        after it. The loss contains what regularizers add.
        RuntimeError before `compile`; TypeError and ValueError for data that do not fit;
        ArithmeticError with epoch and batch if the loss becomes nan or infinite.
        """
        trained = self._to_train("fit", vectorize=vectorize)
        size = 32 if batch_size is None else batch_size
        plan = Plan(size, epochs, verbose, callbacks, shuffle, initial_epoch, validation_batch_size, validation_freq)
        weights = sample_weight, class_weight
        data = training_data(trained, x, y, *weights, validation_split, validation_data, batch_size, steps_per_epoch)
        return loop.fit(trained, *data, plan)

    def diagnose(self, x: ArrayLike, y: ArrayLike, *, batch_size: int = 32, steps: int = 30, rng: Rng = 0) -> Diagnosis:
        """Say why this net does not learn: faults and hints, causes first; see `nn.diagnose`. Nothing is changed."""
        return diagnose(self, x, y, batch_size=batch_size, steps=steps, rng=rng)

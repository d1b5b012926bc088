"""Our weights for the net of PyTorch that `to_code(model, "torch")` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import GRU, LSTM, BatchNormalization, Conv1D, Conv2D, LayerNormalization, MultiHeadAttention, SimpleRNN
from nn.code.flat import flat

__all__ = ["give_weights"]


def give_weights(torch: Any, theirs: Any, model: Any) -> None:
    """Our weights to the modules of the program, which are called as our layers are."""
    for name, layer in flat(model).layers.items():
        if not layer.parameters():
            continue
        module, w = getattr(theirs, name), {name: torch.tensor(p.numpy()) for name, p in layer.named_parameters()}
        state = dict(module.state_dict())
        if isinstance(layer, SimpleRNN | LSTM | GRU):
            order = np.arange(layer.gates * layer.units)
            if isinstance(layer, GRU):  # which has its gates in another order
                n = layer.units
                order = np.concatenate([order[n : 2 * n], order[:n], order[2 * n :]])
            new = [w["weight"][order], w["recurrent_weight"][order]]
            if "bias" in w:
                bias = w["bias"] if w["bias"].ndim == 2 else torch.stack([w["bias"], torch.zeros_like(w["bias"])])
                new += [bias[0][order], bias[1][order]]
            state = dict(zip(state, new, strict=True))
        elif isinstance(layer, MultiHeadAttention) and "in_proj_weight" in state:
            for kind in ("weight", "bias") if layer.use_bias else ("weight",):
                state[f"in_proj_{kind}"] = torch.cat([w[f"{part}_{kind}"] for part in ("query", "key", "value")])
                state[f"out_proj.{kind}"] = w[f"output_{kind}"]
        elif isinstance(layer, MultiHeadAttention):
            state = {key.replace("_", "."): x for key, x in w.items()}
        elif isinstance(layer, LayerNormalization | BatchNormalization):
            state["weight"], state["bias"] = w["gamma"], w["beta"]
            if isinstance(layer, BatchNormalization):
                state["running_mean"], state["running_var"] = map(
                    torch.tensor, (layer.moving_mean, layer.moving_variance)
                )
        else:
            state["weight"] = w["weight"].moveaxis(-1, 1) if isinstance(layer, Conv1D | Conv2D) else w["weight"]
            if "bias" in w:
                state["bias"] = w["bias"]
        module.load_state_dict(state)

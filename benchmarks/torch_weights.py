"""Our weights for the net of PyTorch that `to_code(model, "torch")` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import (
    GRU,
    LSTM,
    BatchNormalization,
    Conv1D,
    Conv2D,
    LayerNormalization,
    Model,
    MultiHeadAttention,
    SimpleRNN,
)

__all__ = ["give_weights"]


def give_weights(torch: Any, theirs: Any, model: Any) -> None:
    """Our weights to the modules of the program, which are called as our layers are."""
    flat = [layer for part in model.layers for layer in (part.layers if isinstance(part, Model) else [part])]
    used = iter(theirs.children())
    for layer in flat:
        if not layer.parameters():
            continue
        module, w = next(used), {name: torch.tensor(p.numpy()) for name, p in layer.named_parameters()}
        state = dict(module.state_dict())
        if isinstance(layer, SimpleRNN | LSTM | GRU):
            order = np.arange(layer.gates * layer.units)
            if isinstance(layer, GRU):  # which has its gates in another order
                n = layer.units
                order = np.concatenate([order[n : 2 * n], order[:n], order[2 * n :]])
            bias = w["bias"] if w["bias"].ndim == 2 else torch.stack([w["bias"], torch.zeros_like(w["bias"])])
            new = [w["weight"][order], w["recurrent_weight"][order], bias[0][order], bias[1][order]]
            state = dict(zip(state, new, strict=True))
        elif isinstance(layer, MultiHeadAttention):
            parts = ("query", "key", "value")
            state["in_proj_weight"], state["in_proj_bias"] = (
                torch.cat([w[f"{part}_{kind}"] for part in parts]) for kind in ("weight", "bias")
            )
            state["out_proj.weight"], state["out_proj.bias"] = w["output_weight"], w["output_bias"]
        elif isinstance(layer, LayerNormalization | BatchNormalization):
            state["weight"], state["bias"] = w["gamma"], w["beta"]
        else:
            kernel = w["weight"]
            if isinstance(layer, Conv1D | Conv2D):
                kernel = kernel.moveaxis(-1, 1)
            state["weight"] = kernel
            if "bias" in w:
                state["bias"] = w["bias"]
        module.load_state_dict(state)

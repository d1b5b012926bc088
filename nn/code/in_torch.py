"""The same net as a program in PyTorch, layer by layer, for those who go on there.

Channels are brought to where PyTorch has them and back, so that weights and numbers are those of the model;
`docs/coming-from.md` says how to take the weights along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autograd import linear, sigmoid, tanh
from autograd.ops.convolutions import pads_of

from ..layers.base import Add
from ..layers.basic import Concatenate
from ..models.model import Model
from .flat import Flat, Step, Variable, activation_of, array_code, check_kind, flat, loss_name, options_of, penalties_of

__all__ = ["torch_code"]

WHERE = "to_code"
ACTIVATIONS = {
    "relu": "torch.relu({})",
    "sigmoid": "torch.sigmoid({})",
    "tanh": "torch.tanh({})",
    "softmax": "torch.softmax({}, -1)",
    "log_softmax": "torch.log_softmax({}, -1)",
    "leaky_relu": "F.leaky_relu({}, 0.01)",
    "randomized_leaky_relu": "F.rrelu({}, LOWER, UPPER, self.training)",
    "elu": "F.elu({})",
    "selu": "F.selu({})",
    "gelu": "F.gelu({})",
    "silu": "F.silu({})",
    "mish": "F.mish({})",
    "softplus": "F.softplus({})",
    "softsign": "F.softsign({})",
    "hard_sigmoid": "F.hardsigmoid({})",
}
LOSSES = {
    "MeanSquaredError": "F.mse_loss",
    "MeanAbsoluteError": "F.l1_loss",
    "Huber": "F.huber_loss",
    "BinaryCrossentropy": "F.binary_cross_entropy",
    "CategoricalCrossentropy": "F.cross_entropy",
    "SparseCategoricalCrossentropy": "F.cross_entropy",
}
OPTIONS = {"rho": "alpha", "epsilon": "eps"}
FIRST, LAST = {1: "0, 2, 1", 2: "0, 3, 1, 2"}, {1: "0, 2, 1", 2: "0, 2, 3, 1"}

# What our parameters are called there; of a recurrent layer and of attention there are several for one of ours.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    **{
        kind: {"weight": ("weight_ih_l0",), "recurrent_weight": ("weight_hh_l0",)}
        for kind in ("SimpleRNN", "LSTM", "GRU")
    },
    "MultiHeadAttention": {
        "query_weight": ("in_proj_weight",),
        "output_weight": ("out_proj.weight",),
        "query_bias": ("in_proj_bias",),
        "output_bias": ("out_proj.bias",),
        **dict.fromkeys(("key_weight", "value_weight", "key_bias", "value_bias"), ()),  # a part of the query's
    },
}
OF_PARTS = {
    f"{part}_{kind}": (f"{part}.{kind}",) for part in ("query", "key", "value", "output") for kind in ("weight", "bias")
}

ATTENTION = '''class Attention(nn.Module):
    """Heads whose sizes are free, which nn.MultiheadAttention has not."""

    def __init__(self, query, key, value, heads, key_dim, value_dim, dropout, bias):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(query, heads * key_dim, bias)
        self.key = nn.Linear(key, heads * key_dim, bias)
        self.value = nn.Linear(value, heads * value_dim, bias)
        self.output = nn.Linear(heads * value_dim, query, bias)

    def forward(self, query, key, value, attn_mask=None):
        parts = (self.query(query), self.key(key), self.value(value))
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in parts)
        if attn_mask is not None and attn_mask.ndim == 3:
            attn_mask = attn_mask.unflatten(0, (-1, self.heads))
        o = F.scaled_dot_product_attention(q, k, v, attn_mask, self.dropout * self.training)
        return (self.output(o.transpose(1, 2).flatten(2)),)
'''


def _channels_first(axes: int, what: str) -> str:
    """A call with channels where PyTorch has them, and the result with channels last again."""
    return f"{what.format(f'{{}}.permute({FIRST[axes]})')}.permute({LAST[axes]})"


def _bias(layer: Any) -> str:
    return "" if layer.use_bias else ", bias=False"


def _dense(layer: Any, step: Step) -> tuple[str, str]:
    return f"nn.Linear({layer.built_for[-1]}, {layer.units}{_bias(layer)})", f"self.{step.name}({{}})"


def _around(layer: Any, size: tuple[int, ...]) -> tuple[str, Any]:
    """The zeros around, as F.pad takes them, of the last axis first; and how many each axis has before and behind."""
    pads = pads_of(str(layer), layer.padding, layer.built_for[:-1], size, layer.strides)
    return f"({', '.join(f'{a}, {b}' for a, b in reversed(pads))})", pads


def _conv(layer: Any, step: Step) -> tuple[str, str]:
    pads, each = _around(layer, layer.kernel_size)
    # for strides PyTorch has no "same", and for even windows it warns
    by_itself = any(a or b for a, b in each) and (set(layer.strides) != {1} or any(a != b for a, b in each))
    padding = "valid" if by_itself or set(layer.strides) != {1} else layer.padding
    sizes = f"{layer.built_for[-1]}, {layer.filters}, {layer.kernel_size}, {layer.strides}, padding={padding!r}"
    given = f"F.pad({{}}, {pads})" if by_itself else "{}"
    return f"nn.Conv{layer.axes}d({sizes}{_bias(layer)})", _channels_first(layer.axes, f"self.{step.name}({given})")


def _pool(layer: Any, step: Step) -> tuple[str, str]:
    pads, each = _around(layer, layer.pool_size)
    are_any = any(a or b for a, b in each)
    kind = "max" if type(layer).__name__.startswith("Max") else "avg"
    function = f"F.{kind}_pool{layer.axes}d({{}}, {layer.pool_size}, {layer.strides})"
    if are_any and kind == "max":
        function = function.format(f"F.pad({{}}, {pads}, value=-torch.inf)")
    elif are_any:  # means of what is inside
        ones = f"F.pad(torch.ones({(1, *layer.built_for[:-1])}).to({step.given[0]}), {pads})"
        function = f"({function.format(f'F.pad({{}}, {pads})')} / {function.format(ones)})"
    return "", _channels_first(layer.axes, function)


def _recurrent(layer: Any, step: Step) -> tuple[str, str]:
    kind = type(layer).__name__
    nonlinearity = ""
    if kind == "SimpleRNN":
        name = activation_of(WHERE, layer, dict.fromkeys(("tanh", "relu")))
        if name is None:
            raise ValueError(f"{WHERE}: {layer}: PyTorch's RNN has tanh or relu, got none")
        kind, nonlinearity = "RNN", ", nonlinearity='relu'" if name == "relu" else ""
    elif layer.activation is not tanh or layer.recurrent_activation is not sigmoid:
        raise ValueError(f"{WHERE}: {layer}: PyTorch's has tanh and sigmoid")
    end = "" if layer.return_sequences else "[:, -1]"
    made = f"nn.{kind}({layer.built_for[-1]}, {layer.units}{nonlinearity}{_bias(layer)}, batch_first=True)"
    return made, f"self.{step.name}({{}})[0]{end}"


def _is_torchs(layer: Any) -> bool:
    """True where nn.MultiheadAttention is the same: its heads share the features of query, key and value alike."""
    n, shown = layer.built_for[-1], layer.value_dim or layer.key_dim
    return isinstance(n, int) and layer.num_heads * layer.key_dim == n and shown == layer.key_dim


def _attention(layer: Any, step: Step) -> tuple[str, str]:
    if _is_torchs(layer):
        sizes = f"{layer.built_for[-1]}, {layer.num_heads}, dropout={layer.dropout:g}{_bias(layer)}"
        made = f"nn.MultiheadAttention({sizes}, batch_first=True)"
    else:
        asks, shows, answers = (*step.shapes, *step.shapes[-1:] * 2)[:3]
        sizes = f"{asks[-1]}, {answers[-1]}, {shows[-1]}, {layer.num_heads}, {layer.key_dim}"
        made = f"Attention({sizes}, {layer.value_dim or layer.key_dim}, {layer.dropout:g}, {layer.use_bias})"
    query, value, key = (*step.given, *step.given[-1:] * 2)[:3]
    return made, f"self.{step.name}({query}, {key}, {value}{_mask(layer, step)})[0]"


def _mask(layer: Any, step: Step) -> str:
    """What is added to the scores, far below all of them where a step may not look."""
    x, (t, *_), (s, *_) = step.given[0], step.shapes[0], step.shapes[-1]
    parts = []
    mask = step.options.get("attention_mask")
    if isinstance(mask, Variable):
        parts.append(f"(({mask} == 0).to({x}) * -1e9).expand(-1, {t}, -1).repeat_interleave({layer.num_heads}, 0)")
    elif mask is not None:
        parts.append(f"(torch.tensor({array_code(mask)}) == 0).to({x}).expand({t}, {s}) * -1e9")
    if step.options.get("use_causal_mask"):
        parts.append(f"torch.ones({t}, {s}).triu(1).to({x}) * -1e9")
    return f", attn_mask={' + '.join(parts)}" if parts else ""


def _layer_norm(layer: Any, step: Step) -> tuple[str, str]:
    return f"nn.LayerNorm({layer.built_for[-1]}, eps={layer.epsilon:g})", f"self.{step.name}({{}})"


def _batch_norm(layer: Any, step: Step) -> tuple[str, str]:
    n, axes = layer.built_for[-1], len(layer.built_for) - 1
    made = f"nn.BatchNorm{max(axes, 1)}d({n}, eps={layer.epsilon:g}, momentum={1 - layer.momentum:g})"
    call = f"self.{step.name}({{}})"
    return made, call if not axes else _channels_first(axes, call)


def _global(layer: Any, step: Step) -> tuple[str, str]:
    function = "amax" if "Max" in type(layer).__name__ else "mean"
    return "", f"{{}}.{function}({tuple(range(1, layer.axes + 1))})"


def _up(layer: Any, step: Step) -> tuple[str, str]:
    return "", "{}" + "".join(f".repeat_interleave({k}, {i})" for i, k in enumerate(layer.size, 1))


def _reshape(layer: Any, step: Step) -> tuple[str, str]:
    return "", f"{{}}.reshape(-1, {', '.join(map(str, step.shape))})"


def _embedding(layer: Any, step: Step) -> tuple[str, str]:
    return f"nn.Embedding({layer.input_dim}, {layer.output_dim})", f"self.{step.name}({{}}.long())"


def _dropout(layer: Any, step: Step) -> tuple[str, str]:
    return f"nn.Dropout({layer.rate:g})", f"self.{step.name}({{}})"


# For each layer what makes it, if anything does, and how it is called.
WRITERS: dict[str, Callable[[Any, Step], tuple[str, str]]] = {
    "Dense": _dense,
    **dict.fromkeys(("Conv1D", "Conv2D"), _conv),
    **{f"{kind}Pooling{n}D": _pool for kind in ("Max", "Average") for n in (1, 2)},
    **{f"Global{kind}Pooling{n}D": _global for kind in ("Max", "Average") for n in (1, 2)},
    **{f"UpSampling{n}D": _up for n in (1, 2)},
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batch_norm,
    "MultiHeadAttention": _attention,
    "Activation": lambda layer, step: ("", "{}"),
    "Dropout": _dropout,
    "Flatten": lambda layer, step: ("", "{}.flatten(1)"),
    "Reshape": _reshape,
    "Permute": lambda layer, step: ("", f"{{}}.permute(0, {', '.join(map(str, layer.dims))})"),
    "Embedding": _embedding,
    "Add": lambda layer, step: ("", " + ".join(step.given)),
    "Concatenate": lambda layer, step: ("", f"torch.cat([{', '.join(step.given)}], {layer.axis})"),
}


def torch_code(model: Model) -> str:
    """The program, as text."""
    net = flat(model)
    made: dict[str, str] = {}
    forward = []
    logits = _ends_with_logits(model)
    told = {step.name for step in net.steps if step.training is not None}
    for step in net.steps:
        layer = step.layer
        check_kind(WHERE, "PyTorch code", layer, WRITERS)
        constructor, call = WRITERS[type(layer).__name__](layer, step)
        if constructor:
            made[step.name] = f"self.{step.name} = {constructor}"
        text = call if isinstance(layer, Add | Concatenate) else call.format(*step.given)
        skips = logits and step.result == net.output
        name = None if hasattr(layer, "recurrent_weight") or skips else activation_of(WHERE, layer, ACTIVATIONS)
        if name is not None:
            text = ACTIVATIONS[name].format(text)
        if name == "randomized_leaky_relu":
            slopes = layer.activation
            text = text.replace("LOWER", f"{slopes.lower:g}").replace("UPPER", f"{slopes.upper:g}")
        if step.name in told:
            mode = "self.training" if step.training is None else str(step.training)
            text = text.replace("self.training", mode).replace(f"self.{step.name}(", f"self.{step.name}.train({mode})(")
        forward.append(f"{step.result} = {text}")
    if logits:
        forward[-1] += "  # the weighted sums, which the loss takes"
    lines = ["import torch", "import torch.nn.functional as F", "from torch import nn", "", ""]
    lines += [*ATTENTION.splitlines(), "", ""] if any("= Attention(" in line for line in made.values()) else []
    lines += ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += [f"        {line}" for line in made.values()]
    lines += ["", f"    def forward(self, {', '.join(net.inputs)}):", *(f"        {line}" for line in forward)]
    lines += [f"        return {net.output}", "", "", "model = Net()"]
    frozen = {id(layer) for layer in model.modules() if not getattr(layer, "trainable", True)}
    lines += [f"model.{name}.requires_grad_(False)" for name in made if id(net.layers[name]) in frozen]
    return "\n".join([*lines, *_training(model, net)]) + "\n"


def _ends_with_logits(model: Model) -> bool:
    """True where PyTorch's loss applies the last activation itself."""
    loss = model.loss
    return (
        loss is not None
        and loss.activation is not None
        and (model.last_activation is loss.activation or (loss.from_logits and model.last_activation is linear))
    )


def _penalties(net: Flat) -> list[str]:
    """What regularizers add to the loss, a term for each."""
    terms = []
    for name, layer in net.layers.items():
        kind = type(layer).__name__
        known: Mapping[str, tuple[str, ...]] = NAMES.get(kind, {"weight": ("weight",), "bias": ("bias",)})
        if kind == "MultiHeadAttention" and not _is_torchs(layer):
            known = OF_PARTS
        for ours, (option, first, second) in penalties_of(WHERE, layer).items():
            if ours not in known:
                raise ValueError(f"{WHERE}: {layer}: {option} is not written, for PyTorch has two biases there")
            for theirs in known[ours]:
                terms += [f"{first:g} * model.{name}.{theirs}.abs().sum()"] * bool(first)
                terms += [f"{second:g} * model.{name}.{theirs}.square().sum()"] * bool(second)
    return terms


def _optimizer(model: Model) -> tuple[str, list[str]]:
    """How it is made, and what it does to gradients before a step."""
    told = options_of(WHERE, model.optimizer)
    clips = {
        "clipvalue": "nn.utils.clip_grad_value_(model.parameters(), {:g})",
        "global_clipnorm": "nn.utils.clip_grad_norm_(model.parameters(), {:g})",
        "clipnorm": "for p in model.parameters():\n        nn.utils.clip_grad_norm_([p], {:g})",
    }
    before = [line.format(told.pop(name)) for name, line in clips.items() if name in told]
    if "beta_1" in told:
        told = {"betas": (told.pop("beta_1"), told.pop("beta_2")), **told}
    written = [f"{OPTIONS.get(name, name)}={x!r}" for name, x in told.items() if x]
    arguments = ["model.parameters()", f"lr={model.optimizer.learning_rate:g}", *written]
    return f"optimizer = torch.optim.{type(model.optimizer).__name__}({', '.join(arguments)})", before


def _training(model: Model, net: Flat) -> list[str]:
    if model.loss is None:
        return []
    loss = LOSSES[loss_name(WHERE, model.loss)]
    if loss == "F.binary_cross_entropy" and _ends_with_logits(model):
        loss += "_with_logits"
    elif loss == "F.cross_entropy" and not _ends_with_logits(model):
        raise ValueError(f"{WHERE}: PyTorch's cross_entropy takes weighted sums; end with a softmax, or with none")
    has_places = loss == "F.cross_entropy" and len(model.output_shape) > 1
    outputs = f"model({', '.join(net.inputs)}){'.flatten(0, -2)' * has_places}"
    is_of_rows = type(model.loss).__name__ == "CategoricalCrossentropy"
    y = f"y.flatten({'0, -2' * is_of_rows})" if has_places else "y"
    options = ""
    if getattr(model.loss, "ignore_class", None) is not None:
        options = f", ignore_index={model.loss.ignore_class}"
    elif getattr(model.loss, "delta", 1.0) != 1.0:
        options = f", delta={model.loss.delta:g}"
    made, before = _optimizer(model)
    terms = _penalties(net)
    return [
        made,
        "",
        "",
        f"def step({', '.join(net.inputs)}, y):",
        "    optimizer.zero_grad()",
        f"    loss = {loss}({outputs}, {y}{options})",
        *(f"    loss = loss + {term}" for term in terms),
        "    loss.backward()",
        *(f"    {line}" for line in before),
        "    optimizer.step()",
        "    return loss.item()",
    ]

"""What a function computes with besides its arguments: each kind of change is seen, or it is said that it is not."""

import builtins
import dis
import functools
import operator
import random
import time
import types

import numpy as np
import pytest
from trained import compiled, data, programs, recorded, same_bits

import autograd
import nn
from autograd import Tensor, no_grad, tanh
from autograd.fast.surroundings import Surroundings, Unclear
from nn.layers import BatchLayer, Dense

FACTOR = 1.0
FACTORS = [1.0, 2.0]
RNG = np.random.default_rng(0)
module = types.ModuleType("settings_for_this_test")
module.factor = 1.0


class Settings:
    factor = 1.0
    names = ("factor",)

    def __init__(self):
        self.array = np.ones(4, np.float32)
        self.table = {"factor": 1.0}
        self.unread = 0

    @property
    def third(self):
        return self.factor / 3

    def scaled(self, x):
        return x * self.third


def helper(x):
    return x * FACTOR


def of_global(x):
    return x * FACTOR


def of_helper(x):
    (y,) = [helper(u) for u in (x,)]
    return y


def of_list(x):
    return x * FACTORS[0]


def of_module(x):
    return x * module.factor


def of_default(x, factors=[1.0]):  # noqa: B006 (what a list in this place does is the point)
    return x * factors[0]


def of_attribute(x):
    return x * of_attribute.settings.factor


def of_array(x):
    return x * of_attribute.settings.array


def of_changed_array(x):
    return x * (of_attribute.settings.array * 2)


def of_dict(x):
    return x * of_attribute.settings.table["factor"]


def of_method(x):
    return of_attribute.settings.scaled(x)


def of_partial(x):
    return partial(x=x)


def scaled(x, factor):
    return x * factor[0]


partial = functools.partial(scaled, factor=[1.0])


class Child(Settings):
    pass


class Sibling(Settings):
    factor = 0.5


def of_inherited(x):
    return x * of_attribute.child.factor


def hide(new):
    if new != 1.0:
        Child.factor = new
    elif "factor" in vars(Child):
        del Child.factor


def of_keyword(x, *, factor=1.0):
    return x * factor


def of_builtin(x):
    return x * float(abs(-1.0))


def hide_builtin(new):
    if new == 1.0:
        globals().pop("abs", None)
    else:
        globals()["abs"] = lambda x: new


def closure():
    factor = 1.0

    def of_closure(x):
        return x * factor

    def change(new):
        nonlocal factor
        factor = new

    return of_closure, change


of_closure, change_closure = closure()


def set_global(new):
    globals()["FACTOR"] = new


def set_code(new):
    functions = {0.5: lambda x: x * 0.5, 1.0: lambda x: x * 1.0}
    helper.__code__ = functions[new].__code__


def set_method(new):
    Settings.scaled = (lambda self, x: x * 0.5) if new != 1.0 else (lambda self, x: x * self.third)


CHANGES = {
    "a variable of the module": (of_global, set_global),
    "a variable that a helper reads": (of_helper, set_global),
    "the code of a helper": (of_helper, set_code),
    "a member of a list": (of_list, lambda new: FACTORS.__setitem__(0, new)),
    "a variable of another module": (of_module, lambda new: setattr(module, "factor", new)),
    "a variable of a function around it": (of_closure, change_closure),
    "a list as a default": (of_default, lambda new: of_default.__defaults__[0].__setitem__(0, new)),
    "an attribute of a class": (of_attribute, lambda new: setattr(Settings, "factor", new)),
    "an attribute of an object": (of_attribute, lambda new: setattr(of_attribute.settings, "factor", new)),
    "an array, written to": (of_array, lambda new: of_attribute.settings.array.fill(new)),
    "an array from which another is made": (of_changed_array, lambda new: of_attribute.settings.array.fill(new)),
    "a member of a dict": (of_dict, lambda new: of_attribute.settings.table.update(factor=new)),
    "what a property reads": (of_method, lambda new: setattr(of_attribute.settings, "factor", new)),
    "an attribute that a subclass hides later": (of_inherited, hide),
    "the class of an object": (
        of_inherited,
        lambda new: setattr(of_attribute.child, "__class__", Child if new == 1.0 else Sibling),
    ),
    "a default of an option": (of_keyword, lambda new: of_keyword.__kwdefaults__.update(factor=new)),
    "a built-in function that the module hides later": (of_builtin, hide_builtin),
    "a method": (of_method, set_method),
    "what a partial function holds": (of_partial, lambda new: partial.keywords["factor"].__setitem__(0, new)),
}


@pytest.fixture(autouse=True)
def fresh():
    of_attribute.settings, of_attribute.child = Settings(), Child()
    yield
    for _, change in CHANGES.values():
        change(1.0)


class At(nn.callbacks.Callback):
    """Changes something before the ninth batch of each epoch but the first, and back after it."""

    def __init__(self, change):
        self.change = change

    def on_epoch_begin(self, epoch, logs):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs):
        if self.epoch and batch == 8:
            self.change(0.5)

    def on_train_batch_end(self, batch, logs):
        if self.epoch and batch == 8:
            self.change(1.0)


class Applied(BatchLayer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_what_a_layer_reads_counts_at_once(name):
    function, change = CHANGES[name]
    x, y = data(60)
    models = [compiled([Dense(4, "tanh"), Applied(function), Dense(3)]) for _ in "12"]
    histories = [m.fit(x, y, 5, 3, shuffle=False, callbacks=[At(change)], verbose=0).history for m in models[:1]]
    histories.append(recorded(models[1]).fit(x, y, 5, 3, shuffle=False, callbacks=[At(change)], verbose=0).history)
    assert histories[0] == histories[1]
    same_bits(*models)
    assert programs(models[0]) == 1


class OfGlobal(BatchLayer):
    def forward(self, x):
        return x * FACTOR


class OfConstant(BatchLayer):
    factor = 1.0

    def forward(self, x):
        return x * self.factor


class OfSteps(BatchLayer):
    def steps(self):
        return [(lambda x: x * FACTORS[0], (), None)]


class OfProperty(BatchLayer):
    @property
    def factor(self):
        return module.factor

    def forward(self, x):
        return x * self.factor


class OfLoss(nn.losses.MeanSquaredError):
    def of_batch(self, y_pred, target, weight, from_logits):
        return super().of_batch(y_pred * FACTOR, target, weight, from_logits)


CLASSES = [
    (OfGlobal, set_global),
    (OfConstant, lambda new: setattr(OfConstant, "factor", new)),
    (OfSteps, lambda new: FACTORS.__setitem__(0, new)),
    (OfProperty, lambda new: setattr(module, "factor", new)),
    (OfLoss, set_global),
]


@pytest.mark.parametrize(("kind", "change"), CLASSES)
def test_methods_that_only_the_library_calls_are_read_too(kind, change):
    x, y = data(60)
    is_loss = kind is OfLoss
    models = [
        compiled([Dense(4), *([] if is_loss else [kind()]), Dense(3)], kind() if is_loss else "mse") for _ in "12"
    ]
    histories = [
        m.fit(x, y, 5, 3, shuffle=False, callbacks=[At(change)], verbose=0).history
        for m in (models[0], recorded(models[1]))
    ]
    assert histories[0] == histories[1]
    same_bits(*models)
    assert programs(models[0]) == 1
    for new in [1.0] * 5 + [0.5, 1.0]:  # the outputs alone have programs too
        change(new)
        with no_grad():
            found = models[0](x).numpy()
        assert found.tobytes() == models[0](x).numpy().tobytes()


def test_what_is_not_read_may_change():
    def f(x):
        return x * of_attribute.settings.factor

    found = Surroundings([f])
    of_attribute.settings.unread = 5
    assert found.are_the_same()
    of_attribute.settings.factor = 2.0
    assert not found.are_the_same()


class Counting(BatchLayer):
    def __init__(self):
        super().__init__()
        self.calls = 0
        self.seen = []

    def forward(self, x):
        self.calls += 1
        return x * (1.0 / self.calls)


class Remembering(Counting):
    def forward(self, x):
        self.seen.append(1)
        return x * (1.0 / len(self.seen))


class Telling(BatchLayer):
    """Leaves its inputs where others find them."""

    told = types.SimpleNamespace()

    def forward(self, x):
        self.told.latest = x
        return x


class TellingAll(BatchLayer):
    def forward(self, x):
        global LATEST
        LATEST = x
        return x


class Noisy(BatchLayer):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        return x + self.rng.normal(size=x.shape).astype(np.float32)


class Looking(BatchLayer):
    """Goes another way where the largest number is large, which it seldom is."""

    def forward(self, x):
        return x * 2.0 if x.numpy().max() > 2.5 else x


class Branching(BatchLayer):
    def forward(self, x):
        return x * (1.0 if x.item() > 0 else -1.0) if x.size == 1 else x * float(x.numpy()[0, 0] > 0)


class Detached(BatchLayer):
    """A constant that is computed from the batch."""

    def forward(self, x):
        with no_grad():
            scale = (x * x).mean() ** 0.5
        return x / (scale.numpy() + 0.1) + 0.01 * x.numpy()


@pytest.mark.parametrize("layer", [Counting, Remembering, Telling, TellingAll, Noisy, Looking, Branching, Detached])
def test_layers_that_do_more_give_what_the_graph_gives(layer):
    x, y = data(60)
    one, other = (compiled([Dense(4, "tanh"), layer(), Dense(3)]) for _ in "12")
    histories = [m.fit(x, y, 5, 3, verbose=0).history for m in (one, recorded(other))]
    assert histories[0] == histories[1]
    same_bits(one, other)
    assert (programs(one) == 1) == (layer in (Looking, Detached))


def uses_time(x):
    return x * time.perf_counter()


def uses_random(x):
    return x * random.random()


def uses_numpys_random(x):
    return x * np.random.rand()  # noqa: NPY002


def uses_a_generator(x):
    return x * RNG.random()


def uses_a_name_made_up(x):
    return x * getattr(Settings, "fac" + "tor")


def prints(x):
    print("x")
    return x


def imports(x):
    import math

    return x * math.pi


def reads_a_file(x):
    return x * np.loadtxt("factor.txt")


def maps_a_file(x):
    return x * np.memmap("factor.bin")


read = np.load


def reads_by_another_name(x):
    return x * read("factor.npy")


def reads_a_gradient(x):
    return x * WEIGHT.grad


WEIGHT = Tensor([1.0])
NUMBERS = iter([1.0, 2.0])


def uses_an_iterator(x):
    return x * next(NUMBERS)


ask = getattr


def uses_a_name_made_up_elsewhere(x):
    return x * builtins.getattr(Settings, "fac" + "tor")


def uses_a_name_by_another_name(x):
    return x * ask(Settings, "factor")


def uses_a_name_in_an_object(x):
    return x * sum(map(operator.attrgetter("factor"), [Settings]))


def uses_a_name_in_a_text(x):
    return x * float("{.factor}".format(Settings))  # noqa: UP032


def uses_a_name_of_object(x):
    return x * object.__getattribute__(of_attribute.settings, "factor")


def matches_an_attribute(x):
    match of_attribute.settings:
        case Settings(factor=factor):
            return x * factor


RESULT = Tensor([1.0]) * 2.0


def uses_a_result(x):
    return x * RESULT


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (uses_time, "time.perf_counter"),
        (uses_random, "random"),
        (uses_numpys_random, "random"),
        (uses_a_generator, "random"),
        (uses_a_name_made_up, "getattr"),
        (uses_a_name_made_up_elsewhere, "getattr"),
        (uses_a_name_by_another_name, "getattr"),
        (uses_a_name_in_an_object, "attrgetter"),
        (uses_a_name_in_a_text, "format"),
        (uses_a_name_of_object, "__getattribute__"),
        (matches_an_attribute, "MATCH_CLASS"),
        (prints, "print"),
        (imports, "imports"),
        (uses_an_iterator, "list_iterator"),
        (reads_a_file, "files"),
        (maps_a_file, "files"),
        (reads_by_another_name, "files"),
        (lambda x: x * np.lib.format.open_memmap("factor.npy"), "files"),
        (uses_a_result, "result of mul"),
        (lambda x: eval("x * FACTOR"), "eval"),
    ],
)
def test_what_cannot_be_followed_is_said(function, reason):
    with pytest.raises(Unclear, match=reason):
        Surroundings([function])


def test_who_looks_at_a_gradient_is_said():
    assert Surroundings([reads_a_gradient]).looks == "reads_a_gradient"


def test_an_instruction_that_nobody_has_read_about_is_refused(monkeypatch):
    def steps(code):
        found = dis.Bytecode(code)
        return [step._replace(opname=step.opname.replace("BINARY_OP", "LOAD_ELSEWHERE")) for step in found]

    Surroundings([of_global])
    monkeypatch.setattr("autograd.fast.surroundings.dis.get_instructions", steps)
    with pytest.raises(Unclear, match="of_global has an instruction LOAD_ELSEWHERE"):
        Surroundings([of_global])


def test_a_function_that_differentiates_may_be_called_grad():
    assert Surroundings([lambda x: autograd.grad(x * WEIGHT, WEIGHT)]).looks is None


def test_what_a_function_assigns_to_is_seen_to_change():
    def counting(x):
        global FACTOR
        FACTOR = FACTOR_OF_THE_NEXT
        return x

    def marking(x):
        of_attribute.settings.unread = x
        return x

    for function in (counting, marking):
        found = Surroundings([function])
        assert found.are_the_same()
        function(2.5)
        assert not found.are_the_same()


FACTOR_OF_THE_NEXT = 1.5


def test_a_value_is_not_followed():
    v = autograd.Value(2.0)
    with pytest.raises(Unclear, match="Value"):
        Surroundings([lambda x: x * v.data])


def test_a_label_that_is_read_is_looked_at_again():
    w = Tensor([1.0], label="w")
    found = Surroundings([lambda x: x * 2 if w.label == "w" else x])
    assert found.are_the_same()
    w.label = "v"
    assert not found.are_the_same()


def test_tensors_are_found_where_they_are():
    inside = {"a": [Tensor([1.0]), (Tensor([2.0]),)]}

    def f(x):
        return tanh(x * inside["a"][0] + autograd.exp(inside["a"][1][0]))

    assert [t.tolist() for t in Surroundings([f]).tensors] == [[2.0], [1.0]]

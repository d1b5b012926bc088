"""PathShares: what each path carries of a gradient over a training, and its plot."""

import math

import numpy as np
import pytest
from drawings import lecture_net
from figures import matplotlib, no_figure_stays_open, plt  # noqa: F401

import viz
from autograd import Value, derive, squared_error
from nn import inputs


def recorded(n=4, **options):
    net, x, y = lecture_net(), inputs([0.05, 0.10]), inputs([0.01, 0.99], "y")
    shares = viz.PathShares(lambda: squared_error(net(x), y), "w[1]_1,1", **options)
    products = []
    for _ in range(n):
        shares.record()
        loss = squared_error(net(x), y)
        products.append([path.value for path in derive(loss, net.layers[0].neurons[0].w[0]).paths])
        net.zero_grad()
        loss.backward()
        for p in net.parameters():
            p.data -= 2.0 * p.grad
    return shares, products


def test_products_are_those_of_derive_at_each_time():
    shares, products = recorded()
    assert len(shares) == 4
    found = np.array(list(shares.values.values())).T
    assert np.sort(found, axis=1) == pytest.approx(np.sort(products, axis=1), rel=1e-12)
    assert shares.total == pytest.approx([sum(map(abs, p)) for p in products], rel=1e-12)
    assert shares.gradient == pytest.approx([sum(p) for p in products], rel=1e-12)
    assert list(shares.values) == [
        "L → a[2]₁ → z[2]₁ → a[1]₁ → z[1]₁ → w[1]₁₁",
        "L → a[2]₂ → z[2]₂ → a[1]₁ → z[1]₁ → w[1]₁₁",
    ]


def test_only_so_many_paths_are_noted_as_are_asked_for():
    shares, products = recorded(top=1)
    strongest = [max(p, key=abs) for p in products]
    noted = [next(v[i] for v in shares.values.values() if not math.isnan(v[i])) for i in range(4)]
    assert noted == pytest.approx(strongest)


def test_as_a_callback_it_notes_each_epoch():
    net = lecture_net()
    x, y = inputs([0.05, 0.10]), inputs([0.01, 0.99], "y")
    shares = viz.PathShares(lambda: squared_error(net(x), y), net.layers[0].neurons[0].w[0])
    shares.on_train_begin()
    for epoch in range(3):
        shares.on_epoch_end(epoch)
    assert len(shares) == 4


def test_the_plot_has_a_line_for_each_path_and_dashes_for_what_lowers_the_gradient():
    shares, _ = recorded(6)
    ax = viz.plot_path_shares(shares)
    solid, dashed = ([y.get_ydata() for y in ax.get_lines() if y.get_linestyle() == line] for line in ("-", "--"))
    products = np.array(list(shares.values.values()))
    assert np.isnan(solid).tolist() == (products < 0).tolist()
    assert np.isnan(dashed).tolist() == (products >= 0).tolist()
    assert np.nansum([*solid, *dashed], axis=0) == pytest.approx(np.ones(6))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: viz.PathShares(3, "w"), TypeError, "expected a function that records the loss, got int"),
        (lambda: viz.PathShares(lambda: 3.0, "w").record(), TypeError, "to record a loss of Values, got float"),
        (
            lambda: viz.PathShares(lambda: Value(2.0, "v") * 2, "w").record(),
            ValueError,
            "not depend on a node called 'w'",
        ),
        (lambda: viz.PathShares(lambda: Value(2.0, "v") * 2, 3).record(), TypeError, "a Value or its name, got int"),
        (lambda: viz.plot_path_shares([1.0]), TypeError, "expected a PathShares, got list"),
        (lambda: viz.plot_path_shares(viz.PathShares(lambda: 0, "w")), ValueError, "at least 2 records, got 0"),
    ],
)
def test_what_cannot_be_noted_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()

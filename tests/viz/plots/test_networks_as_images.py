"""Images, codes and attention as plots, and the windows of convolutions."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import viz
from autograd import Tensor
from nn import Sequential
from nn.layers import Conv1D, Conv2D, Dense


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def shown(ax):
    return np.asarray(ax.images[0].get_array())


# ---------------------------------------------------------------- images


def test_each_image_is_drawn_once_on_one_scale_with_its_label():
    images = np.arange(24.0).reshape(2, 3, 4)
    found = viz.plot_images(images, labels=[7, "one"])
    assert [shown(ax).tolist() for ax in found] == images.tolist()
    assert {ax.images[0].get_clim() for ax in found} == {(0.0, 23.0)}
    assert [ax.get_title() for ax in found] == ["7", "one"]
    assert viz.plot_images(images[0]).shape == (1,)


def test_rows_stand_below_each_other_with_their_names():
    first, second = np.zeros((3, 2, 2)), np.ones((3, 2, 2))
    found = viz.plot_images([first, second], rows=["data", "copy"])
    assert [float(shown(ax).mean()) for ax in found] == [0.0] * 3 + [1.0] * 3
    assert [ax.get_ylabel() for ax in found] == ["data", "", "", "copy", "", ""]


@pytest.mark.slow
def test_maps_of_a_layer_are_a_row_for_each_sample():
    model = Sequential([Conv2D(5, 3, input_shape=(6, 6, 1))], rng=0)
    maps = model.layers[0](np.ones((2, 6, 6, 1)))
    found = viz.plot_images(maps)
    assert found.shape == (10,)
    assert np.array_equal(shown(found[6]), maps.numpy()[1, :, :, 1])
    assert found[6].get_subplotspec().colspan.start == 1


@pytest.mark.slow
def test_three_channels_from_0_to_1_are_colours_and_others_maps():
    colors = np.random.default_rng(0).random((2, 4, 4, 3))
    assert shown(viz.plot_images(colors)[0]).shape == (4, 4, 3)
    assert shown(viz.plot_images((255 * colors).astype(np.uint8))[0]).max() <= 1
    assert viz.plot_images(colors - 0.5).shape == (6,)
    assert shown(viz.plot_images(colors[..., :1])[1]).tolist() == colors[1, ..., 0].tolist()


def test_negative_numbers_are_told_by_a_scale_about_zero_and_a_minus():
    (ax,) = viz.plot_images([[-3.0, 1.0], [2.0, 0.0]])
    assert ax.images[0].get_clim() == (-3.0, 3.0)
    assert len(ax.collections[0].get_segments()) == 1


@pytest.mark.slow
def test_no_more_images_than_asked_for():
    assert viz.plot_images(np.zeros((30, 2, 2)), max_images=12, columns=6).shape == (12,)


@pytest.mark.parametrize(
    ("images", "options", "error", "message"),
    [
        ("digits", {}, TypeError, "an array of images"),
        (np.zeros(4), {}, ValueError, r"got shape \(4,\); rows of pixels become images by"),
        ([np.zeros((2, 3, 3)), np.zeros((3, 3, 3))], {}, ValueError, "rows of equal length, got 2, 3"),
        (np.zeros((3, 2, 2)), {"labels": [1]}, ValueError, "labels for 3 of them, got 1"),
        (np.zeros((2, 2, 2)), {"columns": 0}, ValueError, "columns to be a positive integer"),
    ],
)
def test_what_is_no_image_is_refused_before_a_figure_is_made(images, options, error, message):
    with pytest.raises(error, match=message):
        viz.plot_images(images, **options)
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- windows of convolutions


def test_the_windows_of_a_convolution_are_images_one_for_each_channel():
    model = Sequential([Conv2D(2, (3, 2), input_shape=(5, 5, 1)), Conv2D(3, 2)], rng=0)
    found = viz.plot_weights(model)
    assert [shown(ax).tolist() for ax in found] == model.layers[0].weight.data[..., 0].tolist()
    second = viz.plot_weights(model.layers[1], max_units=2)
    assert np.array_equal(shown(second[3]), model.layers[1].weight.data[1, :, :, 1])
    assert [ax.get_title() for ax in second] == ["1, channel 1", "1, channel 2", "2, channel 1", "2, channel 2"]
    assert "2 of 3 units, 2×2" in second[0].figure.get_suptitle()
    assert shown(viz.plot_weights(Sequential([Conv1D(2, 3, input_shape=(5, 1))]))[0]).shape == (1, 3)
    assert len(viz.plot_weights(Sequential([Dense(3, input_shape=(4,))]).layers[0])) == 3


# ---------------------------------------------------------------- codes


def test_codes_are_points_with_a_marker_and_a_name_for_each_class():
    codes = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    ax = viz.plot_latent(Tensor(codes), [1, 0, 1], classes=["cat", "dog"])
    assert [np.asarray(c.get_offsets()).tolist() for c in ax.collections] == [[[2.0, 3.0]], [[0.0, 1.0], [4.0, 5.0]]]
    assert sorted(t.get_text() for t in ax.texts)[-2:] == ["cat", "dog"]
    paths = [c.get_paths()[0].vertices.shape for c in ax.collections]
    assert paths[0] != paths[1]


def test_codes_of_more_numbers_are_shown_along_the_two_axes_in_which_they_differ_most():
    # (t, 2 t, 0, s): all variance lies in the directions (1, 2, 0, 0)/√5 and (0, 0, 0, 1)
    t, s = np.array([-3.0, -1.0, 1.0, 3.0]), np.array([1.0, -1.0, -1.0, 1.0])
    ax = viz.plot_latent(np.stack([t, 2 * t, 0 * t, s], axis=1))
    points = np.asarray(ax.collections[0].get_offsets())
    assert np.abs(points) == pytest.approx(np.stack([np.sqrt(5) * np.abs(t), np.abs(s)], axis=1), abs=1e-12)
    assert any("100 % of the variance" in text.get_text() for text in ax.texts)


@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (np.zeros((3, 1)), None, "codes of two numbers or more"),
        (np.zeros((3, 2)), [0, 1], "a label for each of 3 samples"),
        (np.zeros((0, 2)), None, "at least one sample"),
    ],
)
def test_what_is_no_plane_of_codes_is_refused(codes, labels, message):
    with pytest.raises(ValueError, match=message):
        viz.plot_latent(codes, labels)
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- attention


def test_each_head_is_a_panel_with_rows_that_look_and_columns_that_are_looked_at():
    p = np.array([[[1.0, 0.0], [0.25, 0.75]], [[1.0, 0.0], [0.5, 0.5]]])
    found = viz.plot_attention(p, "ab")
    assert [shown(ax).tolist() for ax in found] == p.tolist()
    assert [t.get_text() for t in found[0].get_yticklabels()] == ["a", "b"]
    assert [t.get_text() for t in found[0].get_xticklabels()] == ["a", "b"]
    assert [t.get_text() for t in found[0].texts] == ["1.00", ".25", ".75"]
    assert [ax.get_title() for ax in found] == ["head 1", "head 2"]


def test_one_sample_of_a_batch_will_do_and_steps_without_words_are_counted():
    (ax,) = viz.plot_attention(np.full((1, 1, 2, 3), 1 / 3))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("weights", "words", "error", "message"),
    [
        ([[2.0, -1.0]], None, ValueError, "they are softmax"),
        (np.zeros((2, 2, 3, 3)), None, ValueError, r"of a batch give one sample, P\[0\]"),
        (np.ones((2, 2)) / 2, "abc", ValueError, "queries for 2 steps, got 3"),
        ("weights", None, TypeError, "an array of weights"),
    ],
)
def test_what_is_no_attention_is_refused(weights, words, error, message):
    with pytest.raises(error, match=message):
        viz.plot_attention(weights, words)
    assert plt.get_fignums() == []

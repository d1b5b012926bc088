"""The nets of the lectures on real data: each example reaches its figure, and shows the derivation that is its own."""

import re
from pathlib import Path

import numpy as np
import pytest
from idx_files import idx
from scripts import EXAMPLES, load

OURS = (
    "cnn_digits",
    "autoencoder_digits",
    "gan_digits",
    "rnn_digits",
    "transformer_adds",
    "names_by_characters",
)


def shown(name, arguments, capsys):
    load(name).main(arguments)
    return capsys.readouterr().out


def held_out(text):
    return float(re.search(r"Held out: (\d+\.\d\d)% of", text)[1])


@pytest.mark.parametrize("name", OURS)
def test_an_example_is_short_enough_to_be_read(name):
    assert len(Path(EXAMPLES, f"{name}.py").read_text(encoding="utf-8").splitlines()) < 100


# ---------------------------------------------------------------- convolution


@pytest.mark.slow
def test_a_convolutional_net_reads_98_percent_of_the_digits(capsys):
    pytest.importorskip("sklearn")
    assert held_out(shown("cnn_digits", [], capsys)) >= 98


def mnist(folder, n=60):
    """Images of 28 x 28 bytes with a bar at one of ten heights."""
    rng = np.random.default_rng(0)
    digits = np.arange(n) % 10
    pixels = rng.integers(0, 60, (n, 28, 28), dtype=np.uint8)
    for picture, digit in zip(pixels, digits, strict=True):
        picture[2 * digit + 3 : 2 * digit + 7, 4:24] = 250
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(pixels))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(digits.astype(np.uint8)))
    return str(folder)


@pytest.mark.slow
def test_it_reads_the_files_of_mnist_and_shows_a_path_for_each_place_of_its_window(capsys, tmp_path):
    folder = tmp_path / "new"
    text = shown("cnn_digits", ["--data", mnist(tmp_path), "--epochs", "1", "--pictures", str(folder)], capsys)
    assert {path.name for path in folder.iterdir()} == {"net.png", "windows.png", "maps.png"}
    assert "(None, 28, 28, 16)" in text
    assert "9 paths, one for each place where it lies" in text
    assert re.search(r"k?w\[1\].*\(9 paths\)", text)
    assert "of 12 read correctly" in text


def test_images_are_moved_and_keep_their_pixels():
    module = load("cnn_digits")
    x = np.zeros((6, 5, 5, 1))
    x[:, 2, 2] = np.arange(1.0, 7.0)[:, None]
    for moved, y in module.Shifted(x, np.arange(6), 1, 4, np.random.default_rng(0)):
        assert moved.shape[1:] == (5, 5, 1)
        assert (moved.sum(axis=(1, 2, 3)) == y + 1).all()
        assert (moved[:, 1:4, 1:4].sum(axis=(1, 2, 3)) == y + 1).all()


# ---------------------------------------------------------------- autoencoder


@pytest.mark.slow
def test_an_autoencoder_is_better_than_principal_axes_and_digits_of_a_kind_lie_together(capsys, tmp_path):
    pytest.importorskip("sklearn")
    text = shown("autoencoder_digits", ["--pictures", str(tmp_path / "new")], capsys)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"autoencoder.png", "images.png", "plane.png"}
    figures = re.findall(r"error (0\.\d{4}), (\d+\.\d)% lie among digits of their kind", text)
    (ours, together), (straight, _) = ((float(a), float(b)) for a, b in figures)
    assert ours < 0.042 < 0.05 < straight
    assert together >= 72
    assert "dW[3] = (1/m) dZ[3]ᵀ A[2]" in text
    assert text.index("dZ[4] =") < text.index("dZ[3] =") < text.index("dW[3] =")


def test_its_measures_are_what_they_say():
    module = load("autoencoder_digits")
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(80, 2)) @ rng.normal(size=(2, 6)) + 3
    back, codes = module.principal(plane[:60], plane[60:], 2)
    np.testing.assert_allclose(back, plane[60:], atol=1e-12)
    assert codes.shape == (20, 2)
    digits = np.repeat([0, 1], 10)
    apart = digits[:, None] * 10 + rng.normal(size=(20, 2))
    assert module.neighbours(apart, digits) == 1.0
    assert module.neighbours(rng.permutation(apart), digits) < 0.9


# ---------------------------------------------------------------- adversaries


@pytest.mark.slow
def test_made_digits_come_near_the_real_ones_and_none_is_left_out(capsys):
    pytest.importorskip("sklearn")
    text = shown("gan_digits", ["--rounds", "2000"], capsys)
    distance, between_real = map(
        float, re.search(r"distance (.+?); of two halves of the real ones (.+)", text).groups()
    )
    assert between_real < distance < 1.2
    assert between_real < 0.3
    shares = [int(share) for share in re.findall(r"\d: (\d+)%", text)]
    assert len(shares) == 10
    assert min(shares) >= 2


@pytest.mark.slow
def test_both_losses_of_the_adversaries_are_derived(capsys, tmp_path):
    pytest.importorskip("sklearn")
    text = shown("gan_digits", ["--rounds", "20", "--pictures", str(tmp_path)], capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"adversary.png", "made.png"}
    text = " ".join(text.split())
    own, other = text.index("∂L/∂W[6]"), text.index("∂L/∂W[3]")
    assert "dW[6] = " in text[own:other]
    assert "dZ[6] = A[6] − Y" in text[other:]
    assert "dW[3] = " in text[other:]  # through W[6], W[5] and W[4] into the generator


def test_the_distance_is_that_of_normal_distributions_worked_out_by_hand():
    module = load("gan_digits")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))
    x = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T  # covariance 1, mean 0
    assert module.distance(x, x) == pytest.approx(0, abs=1e-9)
    assert module.distance(x, x + np.array([3, 0, 4])) == pytest.approx(25)
    assert module.distance(x, x * np.array([2, 1, 1])) == pytest.approx(1)  # (2 - 1)²


# ---------------------------------------------------------------- time


@pytest.mark.slow
@pytest.mark.parametrize("net", ["simple", pytest.param("lstm", marks=pytest.mark.slow)])
def test_a_recurrent_net_reads_95_percent_of_the_digits_row_by_row(net, capsys, tmp_path):
    pytest.importorskip("sklearn")
    text = shown("rnn_digits", ["--net", net, "--pictures", str(tmp_path)], capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"net.png", "states.png"}
    assert held_out(text) >= 95
    assert len(re.findall(r"^[ .:*#]{16}   \d \(\d+%\)$", text, re.MULTILINE)) == 8
    assert "(2 paths)" in text


# ---------------------------------------------------------------- attention


@pytest.mark.slow
def test_a_transformer_adds_numbers_that_it_has_not_seen(capsys, tmp_path):
    text = shown("transformer_adds", ["--pictures", str(tmp_path)], capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"net.png", "attention.png"}
    assert held_out(text) >= 99
    for a, b, total in re.findall(r"^(\d\d)\+(\d\d)=(\d{3})$", text, re.MULTILINE):
        assert int(a) + int(b) == int(total)
    assert "dS[1] = P[1] ⊙ " in " ".join(text.split())
    assert len(re.findall(r"the heads look at ('.' at \d \(\d+%\)(, )?){4}", text)) == 3


def test_a_sum_is_written_backwards_and_only_its_answer_is_learned():
    module = load("transformer_adds")
    assert "".join(module.SIGNS[i] for i in module.write(47, 85)) == "47+85=231"
    x, y = module.make_data(np.random.default_rng(0))
    assert x.shape == y.shape == (10_000, 8)
    assert (y[:, :5] == -1).all()
    model, _ = module.make_net(10, 0)
    written = module.answers(model, x[:4, :6])
    assert written.shape == (4, 3)


# ---------------------------------------------------------------- characters


@pytest.mark.slow
def test_names_of_ones_own_are_learned_better_than_by_counting_pairs(capsys, tmp_path):
    rng = np.random.default_rng(0)  # a name repeats its first syllable, which pairs of characters cannot know
    syllables = [a + b for a in "bdgklmn" for b in "aeiou"]
    names = {s + t + s for s in rng.permutation(syllables)[:20] for t in rng.permutation(syllables)[:20]}
    (tmp_path / "names.txt").write_text("\n".join(sorted(names)), encoding="utf-8")
    text = shown("names_by_characters", [str(tmp_path / "names.txt"), "--epochs", "25"], capsys)
    ours, counted = map(float, re.search(r"Held out: (.+) nats a character, counted pairs (.+?),", text).groups())
    assert ours < counted - 0.1
    assert re.search(r"Made up: \w+(, \w+){5,}", text)


def test_a_file_without_names_is_refused(tmp_path):
    (tmp_path / "few.txt").write_text("ada\nbob\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected at least 20 names, one a line; got 2"):
        load("names_by_characters").main([str(tmp_path / "few.txt")])

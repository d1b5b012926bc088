"""Whatever a file holds, it gives exactly what was saved or is refused by its name, in little memory.

Files are changed at random, always by the same numbers: bits, bytes, pieces; the members of an archive whose own
checksums are right; the header of an array; the description of a model, with checksums that are right.
"""

import gzip
import io
import json
import random
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from idx_files import IMAGES, idx, pack

from nn import Dense, Dropout, Sequential, load_model
from nn.datasets import load_idx, load_kaggle
from nn.files.arrays import load_arrays, save_arrays

MOST_MEMORY = 8 << 20  # bytes
CSV = b"label,pixel0,pixel1,pixel2,pixel3\n" + b"7,0,255,12,100\n" * 5

PIECES = (b"\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b"9" * 30, b"1e999", b"-" * 60, b"[" * 60, b"True", b"null", b"NaN")
PIECES += (b"'", b'"', b",", b")", b"{", b"\n", b"PK\1\2", b"PK\3\4", b"\x93NUMPY", b"|O", b"\x1f\x8b")

TYPES = (
    "'<f8'",
    "'|O'",
    "'<U1000000000'",
    "'<c16'",
    "[('a', 'O')]",
    "'f8,f8'",
    "'(9,)f8'",
    "'a5'",
    "'V0'",
    "None",
    "7",
)
SHAPES = ("(3,)", "()", "(True,)", "(-1,)", f"(0, {10**30})", f"({10**9},)", "(1.0,)", "[3]", "None", "(3L,)")
SHAPES += (f"({'1,' * 65})", "-" * 8000 + "1", "(" * 5000, f"({'9' * 5000},)")

ODD = (None, True, -1, 0, 10**9, 10**30, 10**400, 1e308, -0.5, "", "sgd", [], {}, [[]], [1, 2], {"class": "Popen"})
ODD += ({"function": "tanh"}, {"generator": 9}, {"array": [1], "type": "U900000000"}, json.loads("[" * 500 + "]" * 500))


def changed(data, rng):
    """The bytes with a few of them changed, taken out or put in."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        i = rng.randrange(len(data) + 1)
        piece, way = rng.choice(PIECES), rng.random()
        if way < 0.4 and i < len(data):
            data[i] ^= 1 << rng.randrange(8)
        elif way < 0.6:
            del data[i : i + rng.choice([1, 2, 4, 64])]
        elif way < 0.75:
            data[i:i] = piece
        elif way < 0.95:
            data[i : i + len(piece)] = piece
        else:
            del data[i:]
    return bytes(data)


def changed_inside(data, rng):
    """An .npz of which one member is another, and all checksums of the archive are right."""
    file = io.BytesIO()
    kind = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", kind) as new:
        victim = rng.choice(old.namelist())
        for name in old.namelist():
            member = old.read(name)
            if name == victim:
                ways = [changed(member, rng), other_header(rng) + member[128:], bytes(2_000_000), b"[" * 100_000]
                member = rng.choice(ways)
            elif name == "settings.json":
                member = json.dumps({key: x for key, x in json.loads(member).items() if key != "checksums"}).encode()
            new.writestr(name, member)
    return file.getvalue()


def other_header(rng):
    order = rng.choice(["False", "True", "None"])
    text = f"{{'descr': {rng.choice(TYPES)}, 'fortran_order': {order}, 'shape': {rng.choice(SHAPES)}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def changed_header(data, rng):
    """A .safetensors without checksums, in whose header an array is another."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    settings = json.loads(header["__metadata__"]["settings"])
    del settings["checksums"]
    header["__metadata__"]["settings"] = rng.choice([json.dumps(settings), "[" * 100_000, "5", "{"])
    array = header[rng.choice([name for name in header if name != "__metadata__"])]
    array[rng.choice(list(array))] = rng.choice(["F64", "BF16", "C64", "I32", [], [3], [10**18], [-1], [0, 8], None])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def described_otherwise(settings, rng):
    """The settings of a model with something else in one or two places."""
    settings = json.loads(json.dumps(settings))
    for _ in range(rng.choice([1, 1, 2])):
        places = list(within(settings))
        holder, key = rng.choice(places)
        holder[key] = json.loads(json.dumps(rng.choice(ODD)))  # a copy, which may be changed in turn
    return settings


def within(x):
    for key, inner in list(x.items() if isinstance(x, dict) else enumerate(x)):
        yield x, key
        if isinstance(inner, dict | list):
            yield from within(inner)


def outcome(path, load):
    """What a file gives, or "refused"; fails if it takes much memory or the refusal does not name the file."""
    tracemalloc.start()
    try:
        found, refusal = load(path), None
    except (ValueError, OSError) as error:
        found, refusal = "refused", str(error)
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < MOST_MEMORY
    assert refusal is None or str(path) in refusal
    return found


def net():
    return Sequential([Dense(4, "tanh", input_shape=(3,)), Dropout(0.25), Dense(1, "sigmoid")], rng=5)


def trained():
    model = net()
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    model.fit(np.arange(12.0).reshape(4, 3), [0, 1, 1, 0], epochs=1)
    return model


def numbers(model):
    return [array.tobytes() for array in model.get_weights()]


def weights(path):
    """The numbers of a net with the weights in the file; they stay what they were if it is refused."""
    model = net()
    before = numbers(model)
    try:
        model.load_weights(path)
    except ValueError:
        assert numbers(model) == before
        raise
    return numbers(model)


@pytest.fixture(params=[".npz", ".safetensors"])
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"m{request.param}"


@pytest.mark.parametrize("load", [weights, lambda path: numbers(load_model(path))], ids=["weights", "model"])
def test_a_model_comes_back_exactly_or_is_refused(path, load):
    rng, model = random.Random(1), trained()
    model.save(path)
    data, outcomes = path.read_bytes(), []
    for _ in range(80):
        path.write_bytes(changed(data, rng))
        outcomes.append(outcome(path, load))
    assert outcomes.count("refused") > 40
    assert all(found in ("refused", numbers(model)) for found in outcomes)


def test_what_has_no_checksums_loads_or_is_refused(path):
    rng, model = random.Random(2), trained()
    model.save(path)
    data = path.read_bytes()
    change = changed_inside if path.suffix == ".npz" else changed_header
    outcomes = []
    for _ in range(80):
        path.write_bytes(change(data, rng))
        outcomes.append(outcome(path, rng.choice([weights, load_model, load_arrays])))
    assert outcomes.count("refused") > 40


def test_what_a_file_says_of_a_model_makes_one_or_is_refused(path):
    rng = random.Random(3)
    trained().save(path)
    arrays, settings = load_arrays(path)
    outcomes = []
    for _ in range(120):
        save_arrays(path, arrays, described_otherwise(settings, rng))
        outcomes.append(outcome(path, load_model))
    assert outcomes.count("refused") > 60


DATA = {
    "idx": (idx(IMAGES), load_idx),
    "csv": (CSV, load_kaggle),
    "flat csv": (CSV, lambda p: load_kaggle(p, flat=True)),
}


@pytest.mark.parametrize("packed", [bytes, pack])
@pytest.mark.parametrize("kind", DATA)
def test_data_are_read_or_refused(tmp_path, kind, packed):
    rng, (data, load) = random.Random(4), DATA[kind]
    path, outcomes = tmp_path / "data", []
    for _ in range(100):
        path.write_bytes(changed(packed(data), rng))
        outcomes.append(outcome(path, load))
    assert sum(isinstance(found, str) for found in outcomes) > 50


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_idx, load_kaggle])
def test_a_bomb_is_given_up(tmp_path, load):
    for start in (b"", idx(IMAGES), CSV, b"\0\0\x08\x01\0\0\0\x09"):
        (tmp_path / "data").write_bytes(gzip.compress(start + bytes(32 << 20), mtime=0))
        assert outcome(tmp_path / "data", load) == "refused"

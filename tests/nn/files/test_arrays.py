"""Arrays with settings are written whole or not at all, come back as they were, and nothing is unpickled."""

import contextlib
import io
import json
import os
import struct
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from idx_files import pack, put

from nn.files.arrays import load_arrays, open_arrays, save_arrays

ARRAYS = {
    "layers.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a number": np.array(2.5),
    "nothing": np.empty((0, 4)),
    "turned": np.arange(6.0).reshape(2, 3).T,
    "part": np.arange(12, dtype=np.int64)[::5],
    "other bytes": np.array([1, 258], ">u2"),
    "yes or no": np.array([True, False]),
    "odd numbers": np.array([np.nan, -0.0, np.inf, 5e-324]),
}
SETTINGS = {"format": "ours", "list": [1, 2.5, None], "ü": 2**128 - 1}
KINDS = [".npz", ".safetensors"]


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"m{request.param}"


def npz(path, **members):
    """A zip file with these members, bytes or arrays."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(f"{name}.npy", member if isinstance(member, bytes) else npy(member))
    return path


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def test_all_comes_back_bit_for_bit(path):
    save_arrays(path, ARRAYS, SETTINGS)
    arrays, settings = load_arrays(path)
    assert settings == SETTINGS
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype.newbyteorder("=")
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


def test_what_was_loaded_can_be_written_to(path):
    save_arrays(path, ARRAYS, {})
    for array in load_arrays(path)[0].values():
        array[...] = 0


def test_numpy_reads_our_npz(tmp_path):
    save_arrays(tmp_path / "m.npz", ARRAYS, SETTINGS)
    with np.load(tmp_path / "m.npz", allow_pickle=False) as found:
        assert found["layers.0.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert json.loads(found["settings.json"]).items() >= SETTINGS.items()


def test_their_library_reads_our_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors")
    save_arrays(tmp_path / "m.safetensors", ARRAYS, SETTINGS)
    with safetensors.safe_open(tmp_path / "m.safetensors", "numpy") as found:
        assert found.get_tensor("turned").tolist() == [[0, 3], [1, 4], [2, 5]]
        assert json.loads(found.metadata()["settings"]).items() >= SETTINGS.items()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_we_read_an_npz_that_numpy_wrote(tmp_path, save):
    save(tmp_path / "m.npz", p0=ARRAYS["turned"], p1=np.array([1, 2], ">i4"))
    arrays, settings = load_arrays(tmp_path / "m.npz")
    assert settings == {}
    assert arrays["p0"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert arrays["p1"].tolist() == [1, 2]


def test_we_read_safetensors_from_elsewhere(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy")
    theirs.save_file({"p0": np.arange(3.0)}, tmp_path / "m.safetensors")
    arrays, settings = load_arrays(tmp_path / "m.safetensors")
    assert arrays["p0"].tolist() == [0, 1, 2]
    assert settings == {}


def test_the_same_contents_give_the_same_bytes(path):
    save_arrays(path, ARRAYS, SETTINGS)
    first = path.read_bytes()
    save_arrays(path, ARRAYS, SETTINGS)
    assert path.read_bytes() == first


def test_an_interrupted_save_leaves_the_old_file(path, monkeypatch):
    save_arrays(path, {"w": np.ones(3)}, {})

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_arrays(path, {"w": np.zeros(3)}, {})
    assert load_arrays(path)[0]["w"].tolist() == [1, 1, 1]
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("arrays", "settings", "error"),
    [({"w": np.array([None])}, {}, TypeError), ({}, {"x": float("nan")}, ValueError), ({}, {"x": {1}}, TypeError)],
)
def test_what_cannot_be_saved_leaves_the_old_file(path, arrays, settings, error):
    save_arrays(path, {"w": np.ones(3)}, {})
    with pytest.raises(error):
        save_arrays(path, arrays, settings)
    assert load_arrays(path)[0]["w"].tolist() == [1, 1, 1]


def test_an_npz_with_python_objects_is_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    np.savez(tmp_path / "m.npz", p0=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match=r"m\.npz: member 'p0' holds Python objects; refusing to unpickle"):
        load_arrays(tmp_path / "m.npz")
    assert not (tmp_path / "exploded").exists()


def test_objects_inside_records_are_refused(tmp_path):
    np.savez(tmp_path / "m.npz", p0=np.array([(1, None)], dtype=[("a", int), ("b", object)]))
    with pytest.raises(ValueError, match="member 'p0' holds Python objects"):
        load_arrays(tmp_path / "m.npz")


@pytest.mark.slow
def test_a_truncated_file_is_refused_wherever_it_ends(path):
    save_arrays(path, {"w": np.arange(4.0)}, SETTINGS)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"m\.(npz|safetensors): "):
            load_arrays(path)


def test_a_damaged_npz_is_refused(tmp_path):
    path = tmp_path / "m.npz"
    save_arrays(path, {"w": np.arange(4.0)}, {})
    data = path.read_bytes()
    place = data.index(np.arange(4.0).tobytes()) + 9
    path.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
    with pytest.raises(ValueError, match=r"m\.npz: the \.npz file is truncated or damaged"):
        load_arrays(path)


def test_a_header_that_lies_is_refused(tmp_path):
    short = npy(np.arange(4.0))[:-8]
    with pytest.raises(ValueError, match=r"member 'w': header promises 32 bytes of data, the file has 24"):
        load_arrays(npz(tmp_path / "m.npz", w=short))
    huge = npy(np.arange(4.0)).replace(b"(4,), }      ", b"(2000000000,)}")
    with pytest.raises(ValueError, match=r"header promises 16000000000 bytes of data, the file has 3\d"):
        load_arrays(npz(tmp_path / "m.npz", w=huge))


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (np.array(["a"]), r"member 'w': expected real numbers, got <U1"),
        (np.array([1j]), r"member 'w': expected real numbers, got complex128"),
        (b"not an array", r"member 'w' is no array in NumPy's format"),
        (b"\x93NUMPY\x09\x00rest", r"member 'w' is no array in NumPy's format"),
    ],
)
def test_a_member_of_another_kind_is_refused(tmp_path, member, message):
    with pytest.raises(ValueError, match=message):
        load_arrays(npz(tmp_path / "m.npz", w=member))


def test_another_file_under_the_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected an \.npz file, which starts with the bytes 50 4b; got 61 2c"):
        load_arrays(put(tmp_path / "m.npz", b"a,b,c\n"))
    pytest.importorskip("safetensors")
    for data in (b"a,b,c\n1,2,3\n", struct.pack("<Q", 2) + b"{}x"):
        with pytest.raises(ValueError, match=r"m\.safetensors: expected a \.safetensors file"):
            load_arrays(put(tmp_path / "m.safetensors", data))


def test_settings_that_are_no_json_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("settings.json", "import os")
    with pytest.raises(ValueError, match=r"m\.npz: expected the settings as JSON, got 'import os'"):
        load_arrays(tmp_path / "m.npz")


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_packed_in_a_way_that_unpacks_without_measure_are_refused(tmp_path, kind):
    with zipfile.ZipFile(tmp_path / "m.npz", "w", kind) as archive:
        archive.writestr("w.npy", npy(np.zeros(10)))
    with pytest.raises(ValueError, match=r"m\.npz: expected an \.npz file as NumPy writes it"):
        load_arrays(tmp_path / "m.npz")


def test_two_members_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("w.npy", npy(np.zeros(3)))
        archive.writestr("w", npy(np.ones(3)))
    with pytest.raises(ValueError, match=r"m\.npz: two members are called 'w'"):
        load_arrays(tmp_path / "m.npz")


def header(descr, shape, order="False"):
    """The start of an .npy that says this of itself, with the numbers of nine bytes after it."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(9)


@pytest.mark.parametrize(
    ("descr", "shape", "order"),
    [
        ("'|u1'", "(True, 9)", "False"),
        ("'|u1'", "(-3, -3)", "False"),
        ("'|u1'", "(9.0,)", "False"),
        ("'|u1'", f"(0, {10**30})", "False"),
        ("'|u1'", f"({'9' * 5000},)", "False"),
        ("'|u1'", "-" * 8999 + "9", "False"),
        ("'|u1'", "(" * 4000, "False"),
        ("'|u1'", "(9,)", "None"),
        ("['|u1', " * 900, "(9,)", "False"),
        ("'a9'", "(1,)", "False"),
        ("5", "(9,)", "False"),
    ],
    ids=lambda text: text[:12],
)
def test_the_header_of_no_array_is_refused_with_the_names_of_file_and_member(tmp_path, descr, shape, order):
    path = npz(tmp_path / "m.npz", w=header(descr, shape, order))
    with pytest.raises(ValueError, match=r"m\.npz: member 'w'"):
        load_arrays(path)


@pytest.mark.parametrize("text", ["[" * 200_000, "{" * 1000, '{"a": ' * 5000, "9" * 5000, "nan", "5", "[]", "\x00", ""])
def test_settings_that_are_no_settings_are_refused_with_the_name_of_the_file(path, text):
    if path.suffix == ".npz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("settings.json", text)
    else:
        pytest.importorskip("safetensors.numpy").save_file({"w": np.ones(1)}, path, {"settings": text})
    with pytest.raises(ValueError, match=r"m\.(npz|safetensors): expected the settings as JSON, got "):
        load_arrays(path)


# ---------------------------------------------------------------- checksums


def flipped(data, place, bit=0):
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def exactly(arrays, expected):
    return arrays.keys() == expected.keys() and all(
        (found := arrays[name]).dtype == array.dtype
        and found.shape == array.shape
        and found.tobytes() == array.tobytes()
        for name, array in expected.items()
    )


@pytest.mark.slow
def test_a_file_with_a_flipped_bit_is_refused_or_gives_what_was_saved(path):
    expected = {"w": np.arange(3, dtype="f4"), "v": np.arange(3, dtype="f4") + 1, "n": np.array([7, 9], np.int16)}
    save_arrays(path, expected, {"rate": 0.125, "names": ["w"]})
    data, refusals = path.read_bytes(), []
    for place in range(len(data)):
        path.write_bytes(flipped(data, place, place % 8))
        try:
            arrays, settings = load_arrays(path)
        except ValueError as error:
            refusals.append(str(error))
        else:
            assert exactly(arrays, expected)
            assert settings == {} or settings.items() >= {"rate": 0.125, "names": ["w"]}.items()
    assert len(refusals) > len(data) // 2
    assert all(str(path) in refusal for refusal in refusals)


def test_an_array_with_other_numbers_is_named(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "m.safetensors"
    save_arrays(path, {"w": np.arange(4.0), "v": np.zeros(2)}, {})
    path.write_bytes(flipped(path.read_bytes(), -9))
    with open_arrays(path) as file:
        assert exactly(file.read(["v"]), {"v": np.zeros(2)})
        with pytest.raises(
            ValueError, match=r"m\.safetensors: 'w' does not have the numbers that were saved; the file"
        ):
            file.read(["w"])


def test_settings_that_were_changed_are_refused(tmp_path):
    path = tmp_path / "m.npz"
    save_arrays(path, {}, {"rate": 0.5})
    with zipfile.ZipFile(path) as archive:
        text = archive.read("settings.json").decode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("settings.json", text.replace("0.5", "0.6"))
    with pytest.raises(ValueError, match=r"m\.npz: the settings or the names are not those that were saved"):
        load_arrays(path)


def test_an_array_that_is_missing_or_has_another_name_is_noticed(tmp_path):
    path = tmp_path / "m.npz"
    save_arrays(path, {"v": np.zeros(2), "w": np.ones(2)}, {})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for names in ({"v.npy": "v.npy"}, {"v.npy": "w.npy", "w.npy": "v.npy"}, {"v.npy": "v.npy", "w.npy": "x.npy"}):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("settings.json", members["settings.json"])
            for name, other in names.items():
                archive.writestr(other, members[name])
        with pytest.raises(ValueError, match=r"m\.npz: .* that were saved; the file was changed or damaged"):
            load_arrays(path)


# ---------------------------------------------------------------- sizes


@contextlib.contextmanager
def at_most(size):
    """Python and NumPy allocate no more than this many bytes meanwhile."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_what_is_in_a_file_is_said_before_any_of_it_is_read(tmp_path):
    path = tmp_path / "m.npz"
    np.savez_compressed(path, w=np.zeros((1 << 10, 1 << 11)), v=np.zeros(3))  # 16 MB in a file of less than 1 MB
    assert path.stat().st_size < 1 << 20
    with at_most(4 << 20), open_arrays(path) as file:
        assert file.shapes == {"w": (1024, 2048), "v": (3,)}
        assert exactly(file.read(["v"]), {"v": np.zeros(3)})


@pytest.mark.slow
def test_what_a_header_promises_costs_nothing(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", header("'<f8'", "(100000000,)") + bytes(64 << 20))
    with (
        at_most(4 << 20),
        pytest.raises(ValueError, match="header promises 800000000 bytes of data, the file has 67108873"),
    ):
        load_arrays(tmp_path / "m.npz")


@pytest.mark.slow
def test_settings_that_unpack_to_more_than_the_file_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("settings.json", "[" + "[]," * (8 << 20) + "[]]")
    with (
        at_most(4 << 20),
        pytest.raises(ValueError, match=r"m\.npz: settings\.json promises 25165828 bytes in a file of \d+"),
    ):
        load_arrays(tmp_path / "m.npz")


def test_a_packed_file_of_arrays_is_not_unpacked(tmp_path):
    save_arrays(tmp_path / "m.npz", {"w": np.zeros(3)}, {})
    data = (tmp_path / "m.npz").read_bytes()
    with pytest.raises(ValueError, match=r"starts with the bytes 50 4b; got 1f 8b"):
        load_arrays(put(tmp_path / "m.npz", pack(data)))


@pytest.mark.parametrize("name", ["m", "m.h5", "m.keras", "m.pt"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"expected a name that ends in \.npz or \.safetensors"):
        save_arrays(tmp_path / name, {}, {})
    with pytest.raises(ValueError, match=r"expected a name that ends in \.npz or \.safetensors"):
        load_arrays(tmp_path / name)


def test_what_is_no_path_is_refused(tmp_path):
    with pytest.raises(TypeError, match="expected the path of a file, got NoneType"):
        load_arrays(None)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        load_arrays(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save_arrays(tmp_path / "none" / "m.npz", {}, {})


def test_safetensors_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        save_arrays(tmp_path / "m.safetensors", {}, {})
    assert os.listdir(tmp_path) == []

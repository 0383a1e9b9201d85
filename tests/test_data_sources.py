import gzip
import re

import numpy as np
import pytest
from PIL import Image

from keras_gen import data
from keras_gen.data import files, images, sources


def numbered(n):
    """(n, 4, 4, 1) uint8 images, image i filled with i, and labels i % 3."""
    pictures = np.arange(n, dtype=np.uint8)[:, None, None, None]
    return np.tile(pictures, (1, 4, 4, 1)), np.arange(n, dtype=np.int64) % 3


def write_idx(path, array, code=8):
    header = bytes([0, 0, code, array.ndim])
    header += np.array(array.shape, ">u4").tobytes()
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wb") as file:
        file.write(header + array.tobytes())


def write_folder(root, names, size=(8, 6)):
    for i, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (i, 0, 0)).save(path)


# Image options


def test_fit_crops_the_centre_then_resizes():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200  # what the crop keeps
    np.testing.assert_array_equal(images.fit(wide, (5, 5)), 200)
    tall = images.fit(wide.transpose(1, 0, 2), (10, 10))
    np.testing.assert_array_equal(tall, 200)


def test_fit_is_antialiased():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    small = images.fit(stripes, (16, 16))
    assert small.dtype == np.uint8
    assert abs(small.astype(int) - 127.5).max() < 25


def test_fit_keeps_floats_and_channels():
    grey = np.full((4, 4, 1), 0.25, np.float32)
    colour = images.fit(grey, (8, 8), channels=3)
    assert colour.dtype == np.float32
    assert colour.shape == (8, 8, 3)
    np.testing.assert_allclose(colour, 0.25, atol=1e-6)
    green = np.zeros((1, 1, 3), np.uint8) + np.array([0, 255, 0], np.uint8)
    assert images.fit(green, channels=1).item() == 150  # 0.587 * 255
    with pytest.raises(ValueError, match=r"Received: an image of shape \(1, 1, 2\)"):
        images.fit(green[..., :2], channels=1)


def test_decode_lays_transparency_on_white_and_scales_16_bits(tmp_path):
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    np.testing.assert_array_equal(images.decode(tmp_path / "clear.png"), 255)
    deep = Image.fromarray(np.full((2, 2), 65535, np.uint16))
    deep.save(tmp_path / "deep.png")
    got = images.decode(tmp_path / "deep.png")
    assert got.shape == (2, 2, 1)
    assert (got == 255).all()


# IDX, npz, folders


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_folder(tmp_path, suffix):
    pictures, labels = numbered(5)
    for split, prefix in (("train", "train"), ("test", "t10k")):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte{suffix}", pictures[..., 0])
        stored = labels.astype(np.uint8)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte{suffix}", stored)
        got = data.load(tmp_path, split)
        np.testing.assert_array_equal(got[0], pictures)
        np.testing.assert_array_equal(got[1], labels)
        assert got[0].dtype == np.uint8
        assert got[1].dtype == np.int64
    with pytest.raises(FileNotFoundError, match=r"split 'valid' as IDX.*Received"):
        data.load(tmp_path, "valid")


def test_idx_is_mapped_big_endian_and_checked(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    values = np.arange(8, dtype=">i4").reshape(2, 2, 2)
    write_idx(path, values, code=12)
    got = files.read_idx(path)
    assert isinstance(got, np.memmap)
    np.testing.assert_array_equal(got, values)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"whole IDX file. Received: .*train-images"):
        data.load(tmp_path)
    path.write_bytes(b"\0")
    with pytest.raises(ValueError, match="whole IDX file"):
        data.load(tmp_path)
    with gzip.open(f"{path}.gz", "wb") as file:
        file.write(bytes(1000))
    path.unlink()
    zipped = tmp_path / f"{path.name}.gz"
    zipped.write_bytes(zipped.read_bytes()[:-9])
    with pytest.raises(ValueError, match="whole IDX file"):
        data.load(tmp_path)


def test_idx_without_labels(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", numbered(4)[0][..., 0])
    pictures, labels = data.load(tmp_path)
    assert pictures.shape == (4, 4, 4, 1)
    assert labels is None
    made = data.pipeline((pictures, labels), batch_size=2)
    assert made.first_batch().shape == (2, 4, 4, 1)


def test_fashion_mnist_is_found_in_shared_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SHARED_FOLDERS", (tmp_path / "share",))
    monkeypatch.setenv("KERAS_GEN_DATA", str(tmp_path / "mine"))
    assert not data.available("fashion_mnist")
    with pytest.raises(FileNotFoundError, match=r"dataset-fashion-mnist.*Received"):
        data.load("fashion_mnist")
    for root, n in (("share", 3), ("mine", 2)):  # one's own folder goes first
        folder = tmp_path / root / "fashion-mnist"
        folder.mkdir(parents=True)
        write_idx(folder / "train-images-idx3-ubyte", numbered(n)[0][..., 0])
        assert data.available("fashion_mnist")
        assert len(data.load("fashion_mnist")[0]) == n


@pytest.mark.parametrize("names", ["{}_images {}_labels", "x_{} y_{}"])
def test_npz_with_splits(tmp_path, names):
    pictures, labels = numbered(6)
    arrays = {}
    for split, part in (("train", slice(0, 4)), ("test", slice(4, 6))):
        image, label = names.format(split, split).split()
        # Grey images without an axis of channels, labels in a column.
        arrays |= {image: pictures[part, ..., 0], label: labels[part, None]}
    np.savez(tmp_path / "set.npz", **arrays)
    got = data.load(tmp_path / "set.npz", "test")
    np.testing.assert_array_equal(got[0], pictures[4:])
    np.testing.assert_array_equal(got[1], labels[4:])
    with pytest.raises(ValueError, match=r"Expected a split .* Received: 'valid'"):
        data.load(tmp_path / "set.npz", "valid")


def test_npz_without_splits_holds_a_tenth_out(tmp_path):
    pictures, labels = numbered(100)
    np.savez(tmp_path / "set.npz", images=pictures, labels=labels, other=labels + 7)
    parts = {s: data.load(tmp_path / "set.npz", s) for s in ("train", "test", "all")}
    rows = {split: part[0][:, 0, 0, 0].tolist() for split, part in parts.items()}
    assert len(rows["test"]) == 10
    assert rows["all"] == list(range(100))
    assert sorted(rows["train"] + rows["test"]) == rows["all"]
    label, other = data.load(tmp_path / "set.npz", fields=("label", "other"))
    np.testing.assert_array_equal(label, np.array(rows["train"]) % 3)
    np.testing.assert_array_equal(other, label + 7)


def test_npz_never_unpickles(tmp_path):
    np.savez(tmp_path / "set.npz", images=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match=r"pickled objects are never loaded.*Received"):
        data.load(tmp_path / "set.npz", "all")
    (tmp_path / "bad.npz").write_bytes(b"not a zip")
    with pytest.raises(ValueError, match=r"Expected an .npz archive. Received"):
        data.load(tmp_path / "bad.npz")
    (tmp_path / "a.csv").write_text("1")
    with pytest.raises(ValueError, match=r"Expected an .npz file, a folder"):
        data.load(tmp_path / "a.csv")


def test_flat_folder_splits_by_hashed_name(tmp_path):
    names = [f"{i:03}.png" for i in range(40)]
    write_folder(tmp_path, names)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    train, labels = data.load(tmp_path)
    assert train.shape == (36, 6, 8, 3)
    assert train.dtype == np.uint8
    assert labels is None
    test = data.load(tmp_path, "test", fields=("image", "name"))
    whole = data.load(tmp_path, "all", fields="name").tolist()
    assert whole == names
    assert len(test[1]) == 4
    assert [f"{i:03}.png" for i in test[0][:, 0, 0, 0]] == test[1].tolist()
    # A file more must not deal the others anew: at most one changes sides.
    write_folder(tmp_path, ["zzz.png"])
    after = data.load(tmp_path, "test", fields="name").tolist()
    assert len(set(test[1]) - set(after)) <= 1
    with pytest.raises(ValueError, match=r"'train', 'test' or 'all'.*Received: 'x'"):
        data.load(tmp_path, "x")


def test_class_folders_and_split_folders(tmp_path):
    write_folder(tmp_path, ["train/cat/1.png", "train/dog/2.png", "train/dog/3.png"])
    write_folder(tmp_path, ["test/dog/1.png"])
    assert data.load(tmp_path)[1].tolist() == [0, 1, 1]
    # "dog" keeps its number in a split that has no cats.
    assert data.load(tmp_path, "test")[1].tolist() == [1]
    assert data.class_names(tmp_path, "test") == ("cat", "dog")
    with pytest.raises(FileNotFoundError, match=r"test, train. Received: split='val'"):
        data.load(tmp_path, "val")
    write_folder(tmp_path, ["train/4.png"])
    with pytest.raises(ValueError, match=r"one a class. Received: both"):
        data.load(tmp_path)


def test_folder_streams_what_a_batch_needs(tmp_path, monkeypatch):
    write_folder(tmp_path / "train", [f"{i:02}.png" for i in range(30)])
    opened = []
    real = files.decode
    monkeypatch.setattr(
        files, "decode", lambda path, *a: opened.append(path.name) or real(path, *a)
    )
    made = data.pipeline(tmp_path, batch_size=5, shuffle=False, image_size=4)
    assert opened == []
    batches = made._produce(0, 2)  # no thread, which would run ahead
    assert next(batches).shape == (5, 4, 4, 3)
    # The first file is read besides: it decides the number of channels.
    assert set(opened) == {"00.png", "10.png", "11.png", "12.png", "13.png", "14.png"}


def test_folder_of_unequal_sizes_wants_image_size(tmp_path):
    write_folder(tmp_path / "train", ["a.png"], size=(8, 8))
    write_folder(tmp_path / "train", ["b.png"], size=(6, 8))
    with pytest.raises(ValueError, match=r"image_size=.*Received: \(8, 8\) in 'a.png'"):
        data.load(tmp_path)
    assert data.load(tmp_path, image_size=(4, 2))[0].shape == (2, 4, 2, 3)
    (tmp_path / "train" / "c.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"readable image file. Received: .*c.png"):
        data.load(tmp_path, image_size=4)


def test_missing_sources_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GEN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"download=True.*Received.*'cifar10'"):
        data.load("cifar10")
    with pytest.raises(FileNotFoundError, match=r"fashion_mnist_mini, emoji.*Received"):
        data.load(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"Expected images .*Received: .*empty"):
        data.load(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"split must be a name.*Received: None"):
        data.load("emoji", None)
    present = {"cifar10": False, "emoji": True, "fashion_mnist_mini": True}
    present |= {"../no_such_set": False, "cycle_gan/horse2zebra": False, "": False}
    assert {name: data.available(name) for name in present} == present
    assert data.available(tmp_path / "empty")
    assert not data.available(tmp_path / "no")


# Embedded sets


@pytest.mark.parametrize(("split", "each"), [("train", 600), ("test", 100)])
def test_mini_is_balanced(split, each):
    pictures, labels = data.load("fashion_mnist_mini", split)
    assert pictures.shape == (10 * each, 28, 28, 1)
    assert pictures.dtype == np.uint8
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [each] * 10
    assert pictures.min() == 0
    assert pictures.max() == 255
    assert len({p.tobytes() for p in pictures}) == len(pictures)
    assert data.class_names("fashion_mnist_mini")[9] == "Ankle boot"
    pictures[:] = 0  # a caller's copy: the next one is not affected
    assert data.load("fashion_mnist_mini", split)[0].max() == 255


def test_embedded_sets_know_their_splits():
    for name in ("fashion_mnist_mini", "emoji"):
        with pytest.raises(ValueError, match=r"'train', 'test'.*Received: 'all'"):
            data.load(name, "all")


EMOJI_FIELDS = ("noto", "twemoji", "category", "name", "group", "code")


@pytest.fixture(scope="module")
def emoji():
    return {s: data.load("emoji", s, fields=EMOJI_FIELDS) for s in ("train", "test")}


def test_emoji_pairs(emoji):
    sizes = {split: len(columns[0]) for split, columns in emoji.items()}
    assert sum(sizes.values()) == 1911
    assert 0.08 < sizes["test"] / 1911 < 0.12
    for noto, twemoji, category, *_ in emoji.values():
        assert noto.shape == twemoji.shape == (len(category), 64, 64, 3)
        assert noto.dtype == twemoji.dtype == np.uint8
        for style in (noto, twemoji):
            corners = style[:, :: 64 - 1, :: 64 - 1].reshape(len(style), -1)
            assert (corners == 255).all(axis=1).mean() > 0.9
            assert (style != 255).any(axis=(1, 2, 3)).all()
    names = data.class_names("emoji")
    assert len(names) == 9 + 1
    assert "Flags" in names
    categories = np.concatenate([emoji[s][2] for s in emoji])
    assert set(categories) == set(range(10))


def test_emoji_pairs_show_the_same_thing(emoji):
    # Paired pictures are nearer to each other than to a neighbour's partner.
    noto, twemoji = (style.astype(np.float32) for style in emoji["test"][:2])
    matched = np.abs(noto - twemoji).mean()
    shifted = np.abs(noto - np.roll(twemoji, 20, axis=0)).mean()
    assert matched < 0.6 * shifted


def test_emoji_splits_share_no_twins(emoji):
    train, test = emoji["train"], emoji["test"]
    assert not set(train[4]) & set(test[4])
    # A rule of another kind than the builder's: names without the words for gender.
    person = re.compile(r"\b(WO)?MAN\b|\b(FE)?MALE\b|\bPERSON\b|FACING RIGHT|\W")
    names = [
        {person.sub("", name) for name in part[3]} - {""} for part in (train, test)
    ]
    assert not names[0] & names[1]
    bases = [{code.split("-200D")[0] for code in part[5]} for part in (train, test)]
    # These only say: a person, a flag, a face (that gapes, or exhales).
    generic = {"1F9D1", "1F468", "1F469", "1F3F4", "1F3F3-FE0F", "1F62E"}
    assert not (bases[0] & bases[1]) - generic
    for style in (0, 1):
        pictures = [{p.tobytes() for p in part[style]} for part in (train, test)]
        assert not pictures[0] & pictures[1]


def test_emoji_pipeline_yields_pairs(emoji):
    made = data.pipeline(
        "emoji", batch_size=8, fields=("noto", "twemoji"), image_size=32, rows=64
    )
    assert made.element_spec == (((32, 32, 3), "uint8"),) * 2
    assert len(made) == 8
    default = data.load("emoji", "test")
    np.testing.assert_array_equal(default[0], emoji["test"][0])
    np.testing.assert_array_equal(default[1], emoji["test"][2])


def test_emoji_halves_share_nothing_not_even_twins():
    options = {"fields": ("name", "group")}
    whole, *halves = (
        data.load("emoji", split, **options)
        for split in ("train", "train_a", "train_b")
    )
    names = [set(half[0]) for half in halves]
    assert not names[0] & names[1]
    assert names[0] | names[1] == set(whole[0])
    assert 0.4 < len(names[0]) / len(whole[0]) < 0.6
    assert not set(halves[0][1]) & set(halves[1][1])


def test_folders_of_pairs_side_by_side(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (5, 6, 16, 3), dtype=np.uint8)
    for k, picture in enumerate(values):
        Image.fromarray(picture).save(tmp_path / f"{k}.png")
    left, right = data.load(tmp_path, "all", fields=("left", "right"))
    np.testing.assert_array_equal(left, values[:, :, :8])
    np.testing.assert_array_equal(right, values[:, :, 8:])
    small = data.load(tmp_path, "all", fields=("right", "left"), image_size=4)
    assert [half.shape for half in small] == [(5, 4, 4, 3)] * 2
    Image.fromarray(values[0, :, :15]).save(tmp_path / "odd.png")
    with pytest.raises(ValueError, match="an even width. Received: 15 in 'odd.png'"):
        data.load(tmp_path, "all", fields=("left", "right"))

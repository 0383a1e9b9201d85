import gc
import itertools
import logging
import subprocess
import sys
import threading

import numpy as np
import pytest

from keras_gen import data


def numbered(n):
    """(n, 4, 4, 1) uint8 images, image i filled with i, and labels i % 3."""
    pictures = np.arange(n, dtype=np.uint8)[:, None, None, None]
    return np.tile(pictures, (1, 4, 4, 1)), np.arange(n, dtype=np.int64) % 3


def order(batches):
    """The row numbers that batches of `numbered` images hold."""
    return np.concatenate([b[0][:, 0, 0, 0] for b in batches]).tolist()


def prefetch_threads():
    return [t for t in threading.enumerate() if t.name == "keras_gen-prefetch"]


# Pipelines


def test_order_is_a_function_of_seed_and_epoch():
    first = data.pipeline(numbered(50), batch_size=10, seed=3)
    second = data.pipeline(numbered(50), batch_size=10, seed=3)
    assert order(first.batches(2)) == order(second.batches(2))
    assert order(first.batches(2)) == order(first.batches(2))
    assert order(first.batches(0)) != order(first.batches(1))
    other = data.pipeline(numbered(50), batch_size=10, seed=4)
    assert order(first.batches(0)) != order(other.batches(0))
    # Were the key a mere sum, (3, 1) and (4, 0) would agree.
    assert order(first.batches(1)) != order(other.batches(0))


def test_order_is_pinned():
    # Resumed and published runs depend on it from release to release.
    made = data.pipeline(numbered(8), batch_size=8, seed=1)
    rng = np.random.Generator(np.random.Philox(key=np.array([1, 5], np.uint64)))
    assert order(made.batches(5)) == rng.permutation(8).tolist()


def test_each_epoch_is_a_permutation_with_its_labels():
    made = data.pipeline(numbered(48), batch_size=16)
    for epoch in range(3):
        batches = list(made.batches(epoch))
        assert sorted(order(batches)) == list(range(48))
        for pictures, labels in batches:
            np.testing.assert_array_equal(pictures[:, 0, 0, 0] % 3, labels)


def test_unshuffled_keeps_order_and_ragged_batch():
    made = data.pipeline(numbered(10), batch_size=4, shuffle=False)
    batches = list(made.batches(7))
    assert order(batches) == list(range(10))
    assert [len(b[0]) for b in batches] == [4, 4, 2]
    assert len(made) == 3


def test_dropped_ragged_batch_is_said_once(caplog):
    with caplog.at_level(logging.INFO, "keras_gen"):
        made = data.pipeline(numbered(10), batch_size=4)
        assert len(made) == 2
        assert [len(order(made.batches(e))) for e in range(3)] == [8, 8, 8]
        made.shard(0, 2)
    assert [r.getMessage() for r in caplog.records] == [
        "Each epoch leaves out its last 2 of 10 examples (batch_size=4)."
    ]


def test_resume_computes_nothing_of_earlier_steps():
    seen = []

    def record(batch):
        seen.append(batch[0][:, 0, 0, 0].tolist())
        return batch

    made = data.pipeline(numbered(60), batch_size=10, transform=record)
    whole = [b[0][:, 0, 0, 0].tolist() for b in made.batches(1)]
    seen.clear()
    rest = [b[0][:, 0, 0, 0].tolist() for b in made.batches(1, start=4)]
    assert rest == whole[4:] == seen
    assert list(made.batches(1, start=6)) == []
    with pytest.raises(ValueError, match=r"at most 6.*Received: 7"):
        made.batches(1, start=7)


def test_shards_are_blocks_of_the_global_batch():
    made = data.pipeline(numbered(40), batch_size=8, seed=5)
    shards = [made.shard(i, 4) for i in range(4)]
    assert all(len(s) == 5 and s.batch_size == 2 for s in shards)
    assert all(s.global_batch_size == 8 and s.num_examples == 40 for s in shards)
    for whole, *parts in zip(
        made.batches(3), *(s.batches(3) for s in shards), strict=True
    ):
        np.testing.assert_array_equal(whole[0], np.concatenate([p[0] for p in parts]))


def test_shards_must_divide():
    made = data.pipeline(numbered(40), batch_size=8)
    with pytest.raises(ValueError, match=r"3 shards. Received: batch_size=8"):
        made.shard(0, 3)
    with pytest.raises(ValueError, match=r"below count=2. Received: 2"):
        made.shard(2, 2)
    with pytest.raises(ValueError, match="not a shard already"):
        made.shard(0, 2).shard(0, 2)
    ragged = data.pipeline(numbered(11), batch_size=8, drop_remainder=False)
    with pytest.raises(ValueError, match=r"last batch of 3"):
        ragged.shard(0, 2)


def test_spec_first_batch_and_single_fields():
    made = data.pipeline(numbered(12), batch_size=4)
    assert made.element_spec == (((4, 4, 1), "uint8"), ((), "int64"))
    for got, expected in zip(made.first_batch(), next(made.batches(0)), strict=True):
        np.testing.assert_array_equal(got, expected)
    bare = data.pipeline(numbered(12), batch_size=4, fields="image", channels=3)
    assert bare.first_batch().shape == (4, 4, 4, 3)
    assert bare.element_spec == (((4, 4, 3), "uint8"),)
    assert data.pipeline(numbered(12)[0], batch_size=4).first_batch().ndim == 4


def test_transform_shapes_the_spec():
    made = data.pipeline(
        numbered(12), batch_size=4, transform=lambda b: (b[0] / np.float32(255),)
    )
    assert made.element_spec == (((4, 4, 1), "float32"),)


def test_dict_of_arrays_pairs_fields():
    pictures, labels = numbered(12)
    pair = {"a": pictures, "b": pictures + 100, "label": labels}
    made = data.pipeline(pair, batch_size=4, fields=("b", "a"))
    for b, a in made.batches(0):
        np.testing.assert_array_equal(b, a + 100)
    assert len(data.pipeline(pair, batch_size=4).first_batch()) == 3


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (numbered(3), {"batch_size": 4}, "whole batch of 4 examples. Received: 3"),
        (numbered(0), {"batch_size": 4}, "at least one example"),
        (numbered(3), {"batch_size": 0}, "batch_size must be an int from 1"),
        (numbered(3), {"batch_size": 2, "seed": -1}, "seed must be .* Received: -1"),
        (numbered(3), {"batch_size": 2, "rows": 4}, "at most 3 rows. Received: 4"),
        (numbered(3), {"batch_size": 2, "rows": (2, 2)}, r"Received: \(2, 2\)"),
        (numbered(3), {"batch_size": 2, "fields": "x"}, "image, label. Received"),
        (numbered(3), {"batch_size": 2, "image_size": 0}, "image_size .*Received: 0"),
        (numbered(3), {"batch_size": 2, "channels": 2}, "channels .*Received: 2"),
        ([[1, 2]], {"batch_size": 1}, "Received: list"),
        ((np.zeros(3), np.zeros(4)), {"batch_size": 1}, "same length. Received"),
    ],
)
def test_bad_input_is_refused(source, options, message):
    with pytest.raises(ValueError, match=message):
        data.pipeline(source, **options)


def test_errors_of_the_thread_reach_the_consumer():
    def fail(batch):
        if batch[0][0, 0, 0, 0] == 4:
            raise RuntimeError("bad row")
        return batch

    made = data.pipeline(numbered(8), batch_size=2, shuffle=False, transform=fail)
    batches = made.batches(0)
    assert order([next(batches), next(batches)]) == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="bad row"):
        next(batches)
    assert prefetch_threads() == []


@pytest.mark.parametrize("how", ["close", "forget", "never start", "exhaust"])
def test_no_thread_is_left(how):
    batches = data.pipeline(numbered(200), batch_size=2).batches(0)
    if how == "exhaust":
        assert len(list(batches)) == 100
    elif how != "never start":
        next(batches)
        assert len(prefetch_threads()) == 1
    if how == "close":
        batches.close()
    del batches
    gc.collect()
    assert prefetch_threads() == []


def test_prefetch_is_bounded():
    made = []
    pipeline = data.pipeline(
        numbered(200), batch_size=2, transform=lambda b: made.append(0) or b
    )
    batches = pipeline.batches(0)
    next(batches)
    threading.Event().wait(0.2)
    assert 2 <= len(made) <= 4
    batches.close()


# TensorFlow Datasets

GRID = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    """Two small sets prepared offline: TFRecords of three files, and array_record."""
    tfds = pytest.importorskip("tensorflow_datasets")

    class TinyShapes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "label": tfds.features.ClassLabel(names=["even", "odd"]),
                    "title": tfds.features.Text(),
                    "boxes": tfds.features.Sequence({"x": np.float32}),
                    "grid": tfds.features.Image(shape=(None, None, 1)),
                    "again": tfds.features.Image(shape=(None, None, 1)),
                }
            )
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            sizes = {"train": 60, "test": 6}
            return {split: self._generate_examples(n) for split, n in sizes.items()}

        def _generate_examples(self, n):
            for i in range(n):
                image = np.full((4, 6, 3), i, np.uint8)
                boxes = [{"x": 0.5}] * (i % 3)
                words = {"label": i % 2, "title": f"t{i}", "boxes": boxes}
                yield i, {"image": image, "grid": GRID, "again": GRID, **words}

    class TinyRecords(TinyShapes):
        VERSION = tfds.core.Version("1.0.0")

    folder = tmp_path_factory.mktemp("tfds")
    config = tfds.download.DownloadConfig(num_shards=3)
    TinyShapes(data_dir=folder).download_and_prepare(download_config=config)
    try:
        records = TinyRecords(data_dir=folder, file_format="array_record")
        records.download_and_prepare()
    except ImportError:  # array_record is not built for every platform
        pass
    return folder


@pytest.fixture(params=["memory", "stream", "random access"])
def tfds_set(request, tfds_folder, monkeypatch):
    monkeypatch.setenv("KERAS_GEN_DATA", str(tfds_folder))
    from keras_gen.data import tfds

    if request.param == "stream":
        monkeypatch.setattr(tfds, "MEMORY_LIMIT", 0)
        monkeypatch.setattr(tfds, "SHUFFLE_BYTES", 2000)
    if request.param != "random access":
        return "tiny_shapes"
    if not data.available("tiny_records"):
        pytest.skip("array_record is absent")
    return "tiny_records"


def test_tfds_load(tfds_set):
    assert data.available(tfds_set)
    assert data.available(f"{tfds_set}:1.0.0")
    assert not data.available(f"{tfds_set}:2.0.0")
    pictures, labels = data.load(tfds_set)
    assert pictures.shape == (60, 4, 6, 3)
    assert pictures.dtype == np.uint8
    assert labels.dtype == np.int64
    assert data.class_names(tfds_set) == ("even", "odd")
    np.testing.assert_array_equal(pictures[:, 0, 0, 0] % 2, labels)
    assert sorted(pictures[:, 0, 0, 0]) == list(range(60))
    titles, small = data.load(
        tfds_set, "test", fields=("title", "image"), image_size=2, channels=1
    )
    assert small.shape == (6, 2, 2, 1)
    assert titles.tolist() == [f"t{i}" for i in small[:, 0, 0, 0]]
    part = data.load(tfds_set, rows=(10, 25))[0]
    np.testing.assert_array_equal(part, pictures[10:25])


def test_tfds_pipeline(tfds_set):
    made = data.pipeline(tfds_set, batch_size=10, seed=7)
    assert made.element_spec == (((4, 6, 3), "uint8"), ((), "int64"))
    epochs = [order(made.batches(epoch)) for epoch in range(3)]
    assert all(sorted(epoch) == list(range(60)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    again = data.pipeline(tfds_set, batch_size=10, seed=7)
    assert order(again.batches(2)) == epochs[2]
    assert order(again.batches(2, start=4)) == epochs[2][40:]
    blocks = [order(again.shard(i, 2).batches(2, start=1)) for i in range(2)]
    steps = [blocks[i][5 * s : 5 * s + 5] for s in range(5) for i in range(2)]
    assert np.concatenate(steps).tolist() == epochs[2][10:]
    still = data.pipeline(tfds_set, batch_size=25, shuffle=False)
    np.testing.assert_array_equal(
        np.concatenate([b[0] for b in still.batches(0)]), data.load(tfds_set)[0]
    )


def test_parts_are_cut_out_alike_and_anew_each_epoch(tfds_set):
    options = {"batch_size": 10, "fields": ("grid", "image", "again"), "crop": (2, 3)}
    made = data.pipeline(tfds_set, seed=7, **options)
    assert made.element_spec[0] == ((2, 3, 1), "uint8")
    epochs = [list(made.batches(epoch)) for epoch in range(2)]
    corners = []
    for grids, pictures, again in itertools.chain(*epochs):
        np.testing.assert_array_equal(grids, again)
        for grid, picture in zip(grids[..., 0], pictures, strict=True):
            top, left = divmod(int(grid[0, 0]), 6)
            np.testing.assert_array_equal(grid, GRID[top : top + 2, left : left + 3, 0])
            corners.append((picture[0, 0, 0], top, left))
    every = set(itertools.product(range(3), range(4)))
    assert {corner[1:] for corner in corners} == every
    assert len(set(corners)) > 90  # of 60 pictures, twice
    resumed = next(made.batches(1, start=4))
    np.testing.assert_array_equal(resumed[0], epochs[1][4][0])
    shards = [next(made.shard(k, 2).batches(1, start=4))[0] for k in range(2)]
    np.testing.assert_array_equal(np.concatenate(shards), resumed[0])
    still = next(data.pipeline(tfds_set, shuffle=False, **options).batches(0))[0]
    np.testing.assert_array_equal(still, [GRID[1:3, 2:5]] * 10)
    np.testing.assert_array_equal(
        data.load(tfds_set, fields="grid", crop=(2, 3), image_size=(4, 6)).shape,
        (60, 4, 6, 1),
    )


def test_parts_of_arrays_and_what_is_too_small():
    grids = np.stack([GRID] * 200)
    made = data.pipeline(grids, batch_size=200, crop=2)
    found = {tuple(part.ravel()) for part in next(made.batches(0))}
    assert len(found) == 15
    assert data.load(grids, crop=(4, 6))[0].shape == (200, 4, 6, 1)
    with pytest.raises(ValueError, match=r"at least \(5, 5\).*Received: .*\(4, 6, 1\)"):
        data.load(grids, crop=5)
    with pytest.raises(ValueError, match="crop must be .*Received: 0"):
        data.load(grids, crop=0)
    with pytest.raises(ValueError, match="crop"):
        data.load("fashion_mnist_mini_rows", crop=4)


def test_tfds_errors(tfds_set):
    with pytest.raises(ValueError, match=r"train.*Received: 'valid'"):
        data.load(tfds_set, "valid")
    with pytest.raises(ValueError, match=r"image, label, title.*Received"):
        data.load(tfds_set, fields="mask")
    with pytest.raises(ValueError, match=r"one array each. Received: 'boxes'"):
        data.load(tfds_set, fields="boxes")
    with pytest.raises(ValueError, match=r"at most 60 rows. Received: 61"):
        data.load(tfds_set, rows=61)
    with pytest.raises(ValueError, match=r"Expected the name of a TFDS set.*Received"):
        data.load("no_such_set_anywhere", download=True)


def test_works_without_tensorflow(tmp_path):
    code = """
import sys
sys.modules["tensorflow"] = sys.modules["tensorflow_datasets"] = None
from keras_gen import data
import keras_gen.data.sources
assert data.pipeline("fashion_mnist_mini", batch_size=8).first_batch()[0].shape[0] == 8
assert not data.available("tiny")
try:
    data.load("tiny")
except FileNotFoundError as error:
    assert "pip install tensorflow tensorflow-datasets" in str(error), error
else:
    raise SystemExit("loaded")
"""
    folder = tmp_path / "tiny" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{}")
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={"KERAS_GEN_DATA": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
        | {"KERAS_BACKEND": "jax"},
    )

"""Sequences: utterances, rows of pictures and lines of text."""

import re

import numpy as np
import pytest

from keras_gen import data


def lengths(sequences):
    """Steps before the padding, (n,); fails unless padding is at the ends alone."""
    flat = sequences.reshape(*sequences.shape[:2], -1)
    real = (flat != 0).any(axis=-1)
    assert not (real[:, 1:] & ~real[:, :-1]).any()
    return real.sum(axis=1)


@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("train", [30] * 9),
        # As the archive's description lists them.
        ("test", [31, 35, 88, 44, 29, 24, 40, 50, 29]),
    ],
)
def test_japanese_vowels_are_those_of_the_archive(split, counts):
    sequences, speakers = data.load("japanese_vowels", split)
    assert sequences.shape == (sum(counts), 29, 12)
    assert sequences.dtype == "float32"
    assert speakers.dtype == "int64"
    np.testing.assert_array_equal(np.bincount(speakers), counts)
    steps = lengths(sequences)
    assert steps.min() == 7
    assert steps.max() <= 29
    assert np.abs(sequences).max() < 3
    assert len(data.class_names("japanese_vowels", split)) == 9


def test_the_longest_utterance_fills_the_steps():
    steps = [lengths(data.load("japanese_vowels", s)[0]) for s in ("train", "test")]
    assert max(map(np.max, steps)) == 29


def test_the_first_utterance_is_as_published():
    sequences, speakers = data.load("japanese_vowels")
    assert speakers[0] == 0
    assert lengths(sequences[:1]) == [20]
    first = [1.860936, -0.207383, 0.261557, -0.214562, -0.171253, -0.118167]
    np.testing.assert_array_equal(sequences[0, 0, :6], np.float32(first))
    np.testing.assert_array_equal(
        sequences[0, :3, 0], np.float32([1.860936, 1.891651, 1.939205])
    )


def test_pipelines_give_batches_of_sequences():
    batches = data.pipeline("japanese_vowels", batch_size=30)
    assert batches.fields == ("sequence", "label")
    sequences, speakers = batches.first_batch()
    assert sequences.shape == (30, 29, 12)
    assert speakers.shape == (30,)
    alone = data.pipeline("kjv_lines", batch_size=16).first_batch()
    assert alone.shape == (16, 40)


@pytest.mark.parametrize("split", ["train", "test"])
def test_rows_are_the_pictures_as_sequences(split):
    pictures, labels = data.load("fashion_mnist_mini", split, rows=(10, 50))
    sequences, again = data.load("fashion_mnist_mini_rows", split, rows=(10, 50))
    assert sequences.dtype == "float32"
    np.testing.assert_array_equal(sequences, pictures[..., 0].astype("float32") / 255)
    np.testing.assert_array_equal(labels, again)
    only = data.load("fashion_mnist_mini_rows", split, fields="label", rows=5)
    assert only.shape == (5,)


def test_rows_of_the_whole_set_are_there_where_it_is():
    assert data.available("fashion_mnist_rows") == data.available("fashion_mnist")
    if data.available("fashion_mnist_rows"):
        sequences, labels = data.load("fashion_mnist_rows", rows=3)
        assert sequences.shape == (3, 28, 28)
        assert sequences.max() <= 1
        assert data.class_names("fashion_mnist_rows")[labels[0]]


def test_rows_have_no_size_of_their_own():
    with pytest.raises(ValueError, match="Expected no image_size.*Received: "):
        data.load("fashion_mnist_mini_rows", image_size=14)
    with pytest.raises(ValueError, match="Received: .*noto"):
        data.load("fashion_mnist_mini_rows", fields="noto")


@pytest.mark.parametrize("source", ["japanese_vowels", "kjv_lines"])
def test_other_splits_are_refused(source):
    assert data.available(source)
    with pytest.raises(ValueError, match=f"{source} has the splits.*Received: 'all'"):
        data.load(source, "all")


def letters(line):
    return re.sub("[^a-z]", "", line)


def test_lines_are_short_and_no_test_line_is_in_training():
    kept = {}
    for split in ("train", "test"):
        codes = data.load("kjv_lines", split)
        assert codes.dtype == "uint8"
        steps = lengths(codes)
        assert steps.min() == 12
        assert steps.max() == 40 == codes.shape[1]
        lines = data.decode_text(codes)
        assert max(map(len, lines)) == 40
        kept[split] = [letters(line) for line in lines]
        assert len(set(kept[split])) == len(lines)
    assert not set(kept["train"]) & set(kept["test"])
    assert len(kept["train"]) > 9 * 0.95 * len(kept["test"])
    text = data.decode_text(data.load("kjv_lines"))
    assert "jesus wept" not in text  # too short
    assert "and god said, let there be light" in text + data.decode_text(
        data.load("kjv_lines", "test")
    )


def test_text_and_symbols_lead_to_each_other():
    lines = ["let there be light", "and, lo", "moses' rod"]
    codes = data.encode_text(lines, steps=20)
    assert codes.shape == (3, 20)
    assert codes[1].tolist() == [2, 15, 5, 28, 1, 13, 16] + [0] * 13
    assert data.decode_text(codes) == lines
    both = data.encode_text(["ba"], alphabet="ab")
    assert both.tolist() == [[2, 1]]
    assert data.decode_text(np.array([[2, 0, 1, 0]]), alphabet="ab") == ["b_a"]


@pytest.mark.parametrize(
    ("lines", "steps"), [(["Ab"], None), (["abc"], 2), ([], None), (["a", ""], None)]
)
def test_other_text_is_refused(lines, steps):
    with pytest.raises(ValueError, match="Expected .*Received: "):
        data.encode_text(lines, steps=steps)


def test_pictures_of_text_show_different_lines_differently():
    pictures = data.text_pictures(["light", "night", ""], steps=8)
    assert pictures.shape == (3, 16, 56, 1)
    assert pictures.dtype == "uint8"
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[2] == 255).all()
    assert pictures[0].min() < 64

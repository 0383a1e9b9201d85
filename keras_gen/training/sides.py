"""What a recipe's `data` table opens: pipelines and arrays of its splits."""

from keras_gen import data

KEYS = {"source", "split", "validation_split", "batch_size", "image_size", "channels"}
KEYS |= {"seed", "fields", "unpaired", "crop"}
SPLITS = {"train": ("split", "train"), "validation": ("validation_split", "test")}


def pipeline(table, split, **options):
    """The pipeline of a table's "train" or "validation" split.

    A table with `unpaired`, which says what is otherwise of the second kind of
    pictures, opens both as `data.Unpaired`: for training in orders of their own, held
    out in one, for they may be pairs then.

    Args:
        table: a recipe's `data` table.
        options: as `data.pipeline` takes them.
    """
    made = [
        data.pipeline(
            side["source"],
            _split(side, split),
            seed=side.get("seed", 0) + (number if split == "train" else 0),
            **_image_options(side),
            **options,
        )
        for number, side in enumerate(_sides(table))
    ]
    return data.Unpaired(*made) if len(made) > 1 else made[0]


def load(table, split):
    """A split's examples, and what stands beside them, or None: two arrays."""
    found = [
        data.load(side["source"], _split(side, split), **_image_options(side))
        for side in _sides(table)
    ]
    if len(found) > 1:
        return tuple(found)
    return found[0] if isinstance(found[0], tuple) else (found[0], None)


def _sides(table):
    """The table of each kind of pictures: one, or two that are not paired."""
    others = table.get("unpaired")
    return (table,) if others is None else (table, {**table, **others})


def _split(table, split):
    key, default = SPLITS[split]
    return table.get(key, default)


def _image_options(table):
    """Options of `data.load` and `data.pipeline`, lists as tuples."""
    names = ("image_size", "channels", "crop", "fields")
    known = {name: table[name] for name in names if name in table}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in known.items()}

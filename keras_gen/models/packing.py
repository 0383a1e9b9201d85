"""Examples side by side, as a critic of packs judges them.

PacGAN: Lin et al. 2018 (arXiv:1712.04086), section 3.
"""

from keras import ops


def packs(tensors, packing):
    """Each of some tensors (batch, ..., c) as (batch / packing, ..., packing * c).

    The first rows fill the last pack up.
    """
    if packing == 1:
        return tensors[0], tensors[1:]

    def packed(x):
        rows, shape = ops.shape(x)[0], x.shape[1:]
        places = ops.arange(-(-rows // packing) * packing) % rows
        x = ops.reshape(ops.take(x, places, axis=0), (-1, packing, *shape))
        x = ops.moveaxis(x, 1, -2)  # (packs, ..., packing, c)
        return ops.reshape(x, (-1, *shape[:-1], packing * shape[-1]))

    first, *rest = (packed(x) for x in tensors)
    return first, rest


def joined(first, conditions):
    """What a network of examples and conditions is called on."""
    return [first, *conditions] if conditions else first

"""Networks of levels, each of twice the sides of the one before."""

import keras


class Pyramid(keras.Model):
    """A block for every level, and its layers to or from colours.

    Level k has pictures of 2^k times the sides of level 0. A subclass writes
    `_block(level)` and `_colour(level)`, which return networks.

    Args:
        image_shape: (height, width, channels) at the last level.
        filters: channels at every level, finest first.
        **own: what a subclass is configured by besides, its attributes.

    Raises:
        ValueError: sides that cannot be halved so often.
    """

    def __init__(self, image_shape, filters, *, name, **own):
        super().__init__(name=name)
        self.image_shape = tuple(image_shape)
        self.filters = tuple(filters)
        self.levels = len(self.filters)
        factor = 2 ** (self.levels - 1)
        height, width, _ = self.image_shape
        if height % factor or width % factor:
            raise ValueError(
                f"Expected sides that {factor} divides, for {self.levels} levels. "
                f"Received: image_shape={self.image_shape}"
            )
        self._own = tuple(own)
        for key, value in own.items():
            setattr(self, key, value)
        self.lay_out()
        self.built = True

    def lay_out(self):
        """Build the networks."""
        self.blocks = [self._block(k) for k in range(self.levels)]
        self.colours = [self._colour(k) for k in range(self.levels)]

    def shape_at(self, level):
        """(height, width, channels) of the pictures at a level."""
        factor = 2 ** (self.levels - 1 - level)
        height, width, channels = self.image_shape
        return (height // factor, width // factor, channels)

    def channels_at(self, level):
        """Channels of the features at a level."""
        return self.filters[-1 - level]

    def features_at(self, level):
        """(height, width, channels) of the features at a level."""
        return (*self.shape_at(level)[:2], self.channels_at(level))

    def get_config(self):
        config = {"name": self.name, "image_shape": self.image_shape}
        config["filters"] = self.filters
        return config | {key: getattr(self, key) for key in self._own}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

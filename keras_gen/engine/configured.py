"""Small objects of a model's configuration, saved with it."""

import inspect


class Configured:
    """An object that is its constructor's arguments, each kept as an attribute.

    Registered with Keras, it goes into the configuration of a model and comes back.
    """

    def get_config(self):
        """The constructor's arguments, a dict of plain values."""
        names = inspect.signature(type(self)).parameters
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        """The object that `get_config` described."""
        return cls(**config)

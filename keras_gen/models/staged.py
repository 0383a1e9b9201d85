"""Training in stages: what changes from one to the next, and what keeps it."""

import numpy as np


class Staged:
    """The half of a model that is trained in stages, one after another.

    A model with several overrides `num_stages` and reads `stage` in Python, in
    `update`, `validate` and its verbs. `keras_gen.callbacks.Stages` leads training from
    stage to stage; without it a model trains as it does in the last one. The stage is
    saved with the weights and comes back with them.
    """

    num_stages = 1

    @property
    def stage(self):
        """The stage now, an int in [0, num_stages); the last one in a new model."""
        return self.__dict__.get("_stage", self.num_stages - 1)

    def set_stage(self, stage):
        """Enter a stage: programs are traced anew where it is another one.

        Args:
            stage: int in [0, num_stages).

        Raises:
            ValueError: there is no such stage.
        """
        if isinstance(stage, bool) or stage not in range(self.num_stages):
            raise ValueError(
                f"Expected a stage of {type(self).__name__}, an int in [0, "
                f"{self.num_stages}). Received: {stage!r}"
            )
        if stage != self.stage:
            self._stage = int(stage)
            self.retrace()

    def enter_stage(self, stage):
        """Have training come to a stage; `set_stage`, and what it means to start one.

        Args:
            stage: as `set_stage` takes it.
        """
        self.set_stage(stage)

    def stand_as(self, other):
        """Enter another model's stage, and take over its own variables."""
        self.set_stage(other.stage)
        for own, theirs in zip(
            self._non_trainable_variables, other._non_trainable_variables, strict=True
        ):
            own.assign(theirs)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.num_stages > 1:
            store["stage"] = np.int32(self.stage)

    def load_own_variables(self, store):
        # Keras counts what is there, and would take the stage for a weight too many.
        weights = {key: store[key] for key in set(store.keys()) - {"stage"}}
        super().load_own_variables(weights)
        if self.num_stages > 1:
            self.set_stage(int(np.asarray(store["stage"])))

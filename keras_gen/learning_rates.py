"""Learning rates that Keras lacks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that stays, then falls linearly to zero.

    Zhu et al. 2017 (arXiv:1703.10593), section 4: each for half of the steps.

    Args:
        initial_learning_rate: until `constant_steps`.
        constant_steps: steps before it falls.
        decay_steps: steps of its fall, above 0; it is 0 after.
    """

    def __init__(self, initial_learning_rate, constant_steps, decay_steps):
        super().__init__()
        if constant_steps < 0 or decay_steps <= 0:
            raise ValueError(
                "Expected constant_steps from 0 on and decay_steps above 0. "
                f"Received: {constant_steps}, {decay_steps}"
            )
        self.initial_learning_rate = initial_learning_rate
        self.constant_steps = constant_steps
        self.decay_steps = decay_steps

    def __call__(self, step):
        past = ops.cast(step, "float32") - self.constant_steps
        return self.initial_learning_rate * ops.clip(1 - past / self.decay_steps, 0, 1)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
        }

"""How a critic sees examples in training, and what its slopes cost."""

import keras
from keras import ops

from keras_gen import losses
from keras_gen.engine import backend, random
from keras_gen.models.packing import joined, packs


class Judging:
    """The half of an adversarial model in which its critic judges."""

    def noise_level(self):
        """The standard deviation of the instance noise now, a float or a scalar."""
        level = self.instance_noise
        if isinstance(level, keras.optimizers.schedules.LearningRateSchedule):
            return level(self.optimizer.iterations)
        return level

    def judged(self, examples, conditions, training=True):
        """The critic's scores of examples, packed: (batch / packing, 1)."""
        return self.critic(self._packed(examples, conditions), training=training)

    def presented(self, examples, noise, training=True):
        """Examples as the critic sees them in training."""
        if not isinstance(noise, (int, float)) or noise:
            examples = examples + noise * random.normal(ops.shape(examples))
        if self.augmentation is None or not training:
            return examples
        return self.augmentation(examples, training=True)

    def penalty(self, penalty, real, fake, conditions=(), training=True):
        """One penalty of pairs of packs, before its weight: (batch / packing,)."""
        points, conditions = self.packs_at(penalty.points, real, fake, conditions)

        def cost():
            return every * penalty.penalty(self.slopes(points, conditions, training))

        every = penalty.every if training else 1
        free = ops.zeros_like(losses.sum_per_example(points))
        return self.lazily(every, cost, free)

    def lazily(self, every, cost, free):
        """A cost at one of `every` updates, at the others what is free.

        Args:
            cost: function that returns a nest of tensors and draws no noise.
            free: nest of tensors, as large.
        """
        if every == 1:
            return cost()
        now = ops.equal(ops.mod(self.optimizer.iterations.value, every), 0)
        return ops.cond(now, cost, lambda: free)

    def packs_at(self, points, real, fake, conditions):
        """Points of pairs of packs, and their conditions, (batch / packing, ...) each.

        `points` is a function of the real packs, the generated ones, and uniform
        numbers (batch / packing,).
        """
        (real, conditions) = packs((real, *conditions), self.packing)
        fake, _ = packs((fake,), self.packing)
        shares = random.uniform((ops.shape(real)[0],))
        return points(real, fake, shares), conditions

    def slopes(self, points, conditions, training):
        """The critic's gradients at packs, of their shape."""

        def scores(x):
            return self.critic(joined(x, conditions), training=training)

        return self.input_gradient(scores, points)

    def matching(self, real, fake, conditions, training):
        """`losses.feature_matching` of the chosen layer, as one example's."""
        seen = [
            self._features(self._packed(x, conditions), training=training)
            for x in (real, fake)
        ]
        return ops.expand_dims(losses.feature_matching(*map(backend.gather, seen)), 0)

    def _packed(self, examples, conditions):
        return joined(*packs((examples, *conditions), self.packing))

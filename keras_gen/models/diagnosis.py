"""How the game between a generator and a critic stands."""

import numpy as np
from keras import ops

from keras_gen import losses


class Diagnosis:
    """The half of an adversarial model that looks at its critic."""

    def diagnose(self, images, labels=None, *, seed=0):
        """How the game stands, on given examples and as many fresh samples.

        All is measured outside of training: without instance noise or dropout, with
        batch normalisation's moving statistics. Nothing changes.

        Args:
            images: held-out examples as `fit` takes them, some 100.
            labels: ints (n,) for models that take them.
            seed: of the samples.

        Returns:
            A dict of floats: `real_accuracy` and `fake_accuracy` (shares that the
            critic puts on the right side), `real_probability` and `fake_probability`
            (its mean D, towards 0.5 as samples get better), where the loss gives these
            a meaning; `divergence` (the loss's); `wasserstein` (the gap between mean
            scores over the steepest slope found between pairs, in units of distance
            between examples); `critic_gradient_norm` and `generator_gradient_norm`.
        """
        data = (self.check_inputs(images),)
        if self.takes_labels():
            data += (self.check_labels(labels, len(images)),)
        found = self.run_compiled(self._diagnose, np.int32(seed), data)
        return {name: float(value) for name, value in found.items()}

    def _diagnose(self, seed, data):
        loss = self.adversarial_loss
        with self.noise(seed):
            batch = self.prepare(data)
            fake = self.made(batch, training=False)
            real_scores, fake_scores = (
                self.judged(x, batch[1:], training=False) for x in (batch[0], fake)
            )
            between = losses.GradientPenalty().points
            points, conditions = self.packs_at(between, batch[0], fake, batch[1:])
            slopes = self.slopes(points, conditions, training=False)
            settled = (0.0, False)  # no instance noise, no training
            norms = {
                "critic": self.gradient_norm(
                    self.critic_loss, "critic", batch, fake, *settled
                ),
                "generator": self.gradient_norm(
                    self.generator_loss, "generator", batch, *settled
                ),
            }
        steepest = ops.sqrt(ops.max(losses.sum_per_example(ops.square(slopes))) + 1e-12)
        gap = ops.mean(real_scores) - ops.mean(fake_scores)
        found = {"wasserstein": gap / steepest}
        found["divergence"] = loss.divergence(
            ops.mean(loss.critic(real_scores, fake_scores))
        )
        found |= {f"{name}_gradient_norm": norm for name, norm in norms.items()}
        for name, scores, sign in (("real", real_scores, 1), ("fake", fake_scores, -1)):
            if loss.boundary is not None:
                right = sign * (scores - loss.boundary) > 0
                found[f"{name}_accuracy"] = ops.mean(ops.cast(right, "float32"))
            if loss.probability(scores) is not None:
                found[f"{name}_probability"] = ops.mean(loss.probability(scores))
        return found

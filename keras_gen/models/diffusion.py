"""What all diffusion models share: one denoiser, its training, and its samplers."""

import keras
import numpy as np
from keras import ops

from keras_gen import diffusion, losses, networks
from keras_gen.engine import random
from keras_gen.models import base
from keras_gen.models.denoising import Denoising
from keras_gen.models.labelled import Labelled


class DiffusionModel(Denoising, Labelled, base.GenerativeModel):
    """A denoiser D(x; sigma) of examples x = x_0 + sigma * n, and samples by it.

    Its parts are apart, as Karras et al. 2022 (arXiv:2206.00364, table 1) tell papers
    apart: the network, the `target` that it predicts, the `schedule` of noise levels
    that it is trained on and sampled by, and the sampler, an option of the verbs.
    Trains the network by the squared error of its target, and logs it as `loss`. The
    verbs use a moving average of the network.

    Args:
        image_shape: (height, width, channels).
        num_classes: labels are ints in [0, num_classes); 0 for a model without.
        unlabelled: share of training examples whose label is hidden, in [0, 1), by
            which a model with labels learns to go without, for `guidance`.
        guidance_interval: (low, high), the noise levels at which `guidance` acts; None
            for all. See `diffusion.denoisers.guided`.
        filters, blocks, shuffle, groups, heads, attention, dropout: of the default
            U-Net; see `networks.unet`.
        schedule: of `keras_gen.diffusion`; the paper's by default.
        target: of `keras_gen.diffusion`; the paper's by default.
        denoiser: any Keras model from [images (batch, h, w, c), times (batch,)], and
            one-hot labels (batch, num_classes), all 0 where hidden, of a model with
            labels, to `output_shape`.

    Raises:
        ValueError: a given network's shapes do not fit, sides do not divide,
            `unlabelled` is out of range, `guidance_interval` is none or the model's
            labels are, or the schedule's levels do not fall to 0.
    """

    networks = ("denoiser",)
    weight_bits = 8  # samplers add up the errors of many evaluations

    loss_meaning = "the squared error a pixel of the network's target at random noise"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        num_classes=0,
        unlabelled=0.1,
        guidance_interval=None,
        filters=(64, 128),
        blocks=1,
        shuffle=2,
        groups=8,
        heads=4,
        attention=(),
        dropout=0.0,
        schedule=None,
        target=None,
        denoiser=None,
        name=None,
    ):
        super().__init__(name=name)
        if not 0 <= unlabelled < 1:
            raise ValueError(
                f"Expected unlabelled in [0, 1). Received: unlabelled={unlabelled}"
            )
        self.guidance_interval = _check_interval(guidance_interval)
        if not num_classes and guidance_interval is not None:
            raise ValueError(
                "Expected no guidance_interval of a model without labels. "
                f"Received: guidance_interval={guidance_interval!r}"
            )
        self.schedule = schedule or self.default_schedule()
        levels = self.schedule.levels(self.schedule.steps)
        diffusion.schedules.check_falling(levels, self.schedule)
        self.target = target or self.default_target()
        output_shape = self.output_shape_of(tuple(image_shape))
        self.ready(
            denoiser=denoiser
            or networks.unet(
                image_shape,
                num_classes=num_classes,
                outputs=output_shape[-1],
                filters=filters,
                blocks=blocks,
                shuffle=shuffle,
                groups=groups,
                heads=heads,
                attention=attention,
                dropout=dropout,
            )
        )
        inputs = (tuple(image_shape), ())
        inputs += ((num_classes,),) if num_classes else ()
        base.check_network(self.denoiser, inputs, output_shape, "denoiser")

    def default_schedule(self):
        """The paper's noise levels."""
        raise NotImplementedError

    def default_target(self):
        """What the paper's network predicts."""
        raise NotImplementedError

    def output_shape_of(self, image_shape):
        """Shape of what the network returns, without the batch."""
        return image_shape

    def default_optimizers(self):
        """Adam at 2e-4 (Ho et al. 2020, section 4)."""
        return {"denoiser": keras.optimizers.Adam(2e-4)}

    def default_averages(self):
        """Decay 0.999: that of papers, 0.9999, is for 800,000 steps."""
        return {"denoiser": 0.999}

    # Training

    def prepare(self, data):
        """(images on the scale of [-1, 1], one-hot labels), or (images,)."""
        if not self.takes_labels():
            return (base.to_signed(base.first(data)),)
        images, labels = base.labelled(data)
        return base.to_signed(images), self.one_hot(labels)

    def update(self, batch):
        self.minimize(self.denoising_loss, "denoiser", batch)

    def validate(self, batch):
        return self.denoising_loss(batch, training=False)

    def denoising_loss(self, batch, training=True):
        """Squared error of the network's target at random noise levels, (batch,)."""
        images, *labels = batch
        rows = ops.shape(images)[0]
        sigma = self.schedule.draw(rows)
        noise = random.normal(ops.shape(images))
        if training and labels:
            shown = random.uniform((rows, 1)) >= self._config["unlabelled"]
            labels = [labels[0] * ops.cast(shown, "float32")]
        noisy = images + column(sigma) * noise
        output = self.output(noisy, sigma, labels, training)
        return self.losses_of(output, images, noisy, sigma)

    def losses_of(self, output, images, noisy, sigma):
        """The losses of a network's output, a dict of (batch,)."""
        skip, out, _ = self.target.scales(column(sigma))
        target = (images - skip * noisy) / out
        return {"loss": losses.squared_error(target, output)}

    # The denoiser

    def output(self, x, sigma, labels=(), training=False):
        """The network's output, float32, of x at levels (batch,) and shown labels."""
        _, _, into = self.target.scales(column(sigma))
        network = self.network("denoiser", training)
        inputs = [into * x, self.schedule.time(sigma), *labels]
        return ops.cast(network(inputs, training=training), "float32")

    def clean(self, output, x, sigma):
        """What the network's output of x at levels (batch,) means for x_0."""
        skip, out, _ = self.target.scales(column(sigma))
        return skip * x + out * output

    def estimate(self, x, sigma, labels=(), meaning=None):
        """D(x; sigma): estimates of clean examples on the scale of [-1, 1].

        Args:
            x: float32 (batch, h, w, c), clean examples plus sigma times noise.
            sigma: float32 (batch,) or a scalar, above 0.
            labels: one-hot labels (batch, num_classes) in a tuple; () for none.
            meaning: function in place of `clean`, of the same arguments.
        """
        rows = ops.shape(x)[0]
        sigma = ops.broadcast_to(ops.cast(sigma, "float32"), (rows,))
        output = self.output(x, sigma, labels or self.hidden_labels(rows))
        return (meaning or self.clean)(output, x, sigma)

    def meaning_for(self, sampler):
        """What a sampler makes of outputs: `clean`, or a function of its arguments."""
        return self.clean

    def hidden_labels(self, rows):
        """What the network is given of labels where there are none to show.

        Raises:
            ValueError: the model has always seen them.
        """
        if not self.takes_labels():
            return ()
        if not self._config["unlabelled"]:
            raise ValueError(
                "Expected labels of a model that has not learnt to go without them "
                "(unlabelled=0). Received: labels=None"
            )
        return (ops.zeros((rows, self.num_classes)),)

    def denoiser_of(self, sampler=None, labels=None, guidance=None):
        """The function denoise(x, sigma) that a sampler calls.

        Args:
            sampler: for which it is.
            labels: int32 (batch,), none below 0; None to go without.
            guidance: float32 (batch,); see `diffusion.denoisers.guided`.
        """
        meaning = self.meaning_for(sampler)
        shown = () if labels is None else (self.one_hot(labels),)

        def conditional(x, sigma):
            return self.estimate(x, sigma, shown, meaning)

        if guidance is None:
            return conditional
        weight, interval = column(guidance), self.guidance_interval
        return diffusion.denoisers.guided(conditional, self.estimate, weight, interval)

    # Verbs: `generate` here, those that start from pictures in `Denoising`

    def default_sampler(self):
        """What the verbs sample by where nothing is said."""
        return diffusion.DPMSolver(20, spacing=self.flow_levels())

    def check_conditions(self, n, labels=None, guidance=None, sampler=None):
        """Options of `generate`.

        Args:
            labels: ints (n,) or one for all, or None to draw them uniformly.
            guidance: number, or one for each sample: 1 for what the labels say, more
                for more of it (see `diffusion.denoisers.guided`), at up to twice the
                work.
            sampler: of `keras_gen.diffusion`; see `default_sampler`.

        Raises:
            ValueError: labels or guidance of a model without labels, guidance of one
                that never went without, labels out of range, guidance that is no finite
                number, no steps.
        """
        own, fixed = super().check_conditions(n, labels)
        if not self.takes_labels():
            self.refuse(guidance=guidance)
        elif guidance is not None:
            if not self._config["unlabelled"]:
                raise ValueError(
                    "Expected guidance of a model that has learnt to go without labels "
                    f"(unlabelled above 0). Received: guidance={guidance}"
                )
            own["guidance"] = _check_guidance(guidance, n)
        return own, {**fixed, "sampler": self.check_sampler(sampler)}

    def check_sampler(self, sampler):
        """The sampler, or the default one; ValueError where its steps do not fit."""
        sampler = sampler or self.default_sampler()
        if not isinstance(sampler, diffusion.Sampler):
            raise ValueError(
                "Expected a sampler of keras_gen.diffusion, as DDIM(50). "
                f"Received: {sampler!r}"
            )
        diffusion.schedules.check_falling(sampler.path(self.schedule), sampler)
        return sampler

    def condition_specs(self):
        """A label and, where it can be, a guidance for each sample."""
        specs = super().condition_specs()
        if specs and self._config["unlabelled"]:
            specs["guidance"] = ((None,), "float32")
        return specs

    def scalar_specs(self):
        """Number of a sampler's steps, an input of exported programs."""
        return {"steps": "int32"}

    def sample(self, n, labels=None, guidance=None, sampler=None, steps=None):
        """Images (n, h, w, c) in [0, 1] by a sampler.

        Args:
            labels: int32 (n,), those below 0 drawn uniformly.
            guidance: float32 (n,).
            steps: int32 scalar tensor in place of the sampler's own number.
        """
        sampler = sampler or self.default_sampler()
        noise = random.normal((n, *self.data_shape()))
        labels = self.drawn(labels) if self.takes_labels() else None
        denoise = self.denoiser_of(sampler, labels, guidance)
        levels = sampler.path(self.schedule, steps)
        return self.run_sampler(sampler, denoise, levels, levels[0] * noise)

    def run_sampler(self, sampler, denoise, levels, x):
        """Images in [0, 1], by estimates kept in that range."""
        return base.from_signed(
            sampler(diffusion.denoisers.clipped(denoise), levels, x)
        )

    def call(self, inputs):
        """Estimates of clean images in [0, 1] from [noisy images, levels(, labels)]."""
        return self.denoise(*inputs)

    def denoise(self, images, sigma, labels=None):
        """Estimates of clean images.

        Args:
            images: float32 (batch, h, w, c), clean ones on the scale of [-1, 1] plus
                sigma times standard normal noise.
            sigma: float32 (batch,), noise levels above 0.
            labels: int (batch,) of a model with labels.

        Returns:
            float32 (batch, h, w, c) in [0, 1].
        """
        return base.from_signed(self.denoiser_of(labels=labels)(images, sigma))

    def signatures(self):
        specs = {
            "images": ((None, *self.data_shape()), "float32"),
            "sigma": ((None,), "float32"),
        }
        if self.takes_labels():
            specs["labels"] = ((None,), "int32")
        return {"denoise": (self.denoise, specs)}


def column(values):
    """Values (batch,) as (batch, 1, 1, 1)."""
    return ops.reshape(values, (-1, 1, 1, 1))


def _check_interval(interval):
    """Two noise levels or None, or raise ValueError."""
    if interval is None:
        return None
    ends = np.asarray(interval, "float64")
    if ends.shape != (2,) or not 0 <= ends[0] < ends[1]:
        raise ValueError(
            "Expected guidance_interval as two noise levels, 0 <= low < high. "
            f"Received: guidance_interval={interval!r}"
        )
    return tuple(ends.tolist())


def _check_guidance(guidance, n):
    """Guidance float32 (n,), or raise ValueError."""
    values = np.asarray(guidance, "float32")
    if values.shape not in ((), (n,)) or not np.isfinite(values).all():
        raise ValueError(
            f"Expected guidance as a finite number, or {n} of them. "
            f"Received: {guidance!r}"
        )
    return np.broadcast_to(values, (n,)).copy()

"""Denoising diffusion: Ho, Jain and Abbeel 2020 (arXiv:2006.11239)."""

import keras
from keras import ops

from keras_gen import diffusion, losses, networks
from keras_gen.engine import random
from keras_gen.models import base


@keras.saving.register_keras_serializable("keras_gen")
class DDPM(base.GenerativeModel):
    """Denoising diffusion probabilistic model.

    Trains the denoiser by the simple loss (equation 14): at a step t drawn uniformly,
    the squared error of what `target` asks for, given x_t = a x_0 + s e. Samples from
    a moving average of the denoiser by the ancestral sampler of algorithm 2 or by DDIM.
    Logs `loss`, the squared error a pixel.

    Args:
        image_shape: (height, width, channels).
        filters, blocks, shuffle, dropout: size of the default U-Net; see
            `networks.unet`.
        schedule: `diffusion.LinearSchedule()`, the paper's and the default, or
            `diffusion.CosineSchedule()`.
        target: `diffusion.Epsilon()`, the paper's and the default, or
            `diffusion.Velocity()`.
        denoiser: any Keras model from [images (batch, h, w, c), steps (batch,)] to
            (batch, h, w, c).

    Raises:
        ValueError: a given network's shapes do not fit, or sides do not divide.
    """

    networks = ("denoiser",)

    loss_meaning = "the squared error of the target at random steps"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        filters=(64, 128),
        blocks=1,
        shuffle=2,
        dropout=0.0,
        schedule=None,
        target=None,
        denoiser=None,
        name="ddpm",
    ):
        super().__init__(name=name)
        self.schedule = schedule or diffusion.LinearSchedule()
        self.target = target or diffusion.Epsilon()
        self.ready(
            denoiser=denoiser
            or networks.unet(
                image_shape,
                filters=filters,
                blocks=blocks,
                shuffle=shuffle,
                dropout=dropout,
            )
        )
        base.check_network(self.denoiser, (image_shape, ()), image_shape, "denoiser")

    def default_optimizers(self):
        """Adam at 2e-4 (section 4)."""
        return {"denoiser": keras.optimizers.Adam(2e-4)}

    def default_averages(self):
        """Decay 0.999: the paper's 0.9999 is for 800,000 steps."""
        return {"denoiser": 0.999}

    def update(self, images):
        self.minimize(self.simple_loss, "denoiser", images)

    def validate(self, images):
        return self.simple_loss(images, training=False)

    def simple_loss(self, images, training=True):
        """Squared error of the target at random steps, (batch,)."""
        rows = ops.shape(images)[0]
        steps = self.schedule.steps
        t = ops.cast(random.uniform((rows,)) * steps, "int32")
        noise = random.normal(ops.shape(images))
        a, s = self.levels(t)
        network = self.network("denoiser", training)
        output = network([a * images + s * noise, t], training=training)
        target = self.target.target(images, noise, a, s)
        return {"loss": losses.squared_error(target, output)}

    def levels(self, t):
        """Square roots of signal and noise at steps (batch,), (batch, 1, 1, 1) each."""
        signal = self.schedule.signal()  # float64: 1 - signal is small at step 0
        tables = (
            (signal**0.5).astype("float32"),
            ((1 - signal) ** 0.5).astype("float32"),
        )
        return tuple(ops.reshape(ops.take(x, t), (-1, 1, 1, 1)) for x in tables)

    def denoise(self, x, t):
        """Estimate of x_0, float32 (batch, h, w, c), from x at steps t (batch,)."""
        a, s = self.levels(t)
        output = self.averaged("denoiser")([x, t], training=False)
        return self.target.clean(x, ops.cast(output, "float32"), a, s)

    def call(self, inputs):
        """Estimates of clean images in [0, 1] from [noisy images, steps]."""
        return self.clean(*inputs)

    def clean(self, images, steps):
        """Estimates of clean images.

        Args:
            images: float (batch, h, w, c), x_t on the scale of [-1, 1].
            steps: int (batch,), t in [0, schedule.steps).

        Returns:
            float32 (batch, h, w, c) in [0, 1].
        """
        return base.from_signed(self.denoise(images, steps))

    def sample(self, n, sampler=None):
        """Images (n, h, w, c) in [0, 1] by a sampler, `diffusion.DDIM(50)` by default.

        The paper's own, `diffusion.Ancestral()`, calls the denoiser once for every
        step of the schedule: twenty times the work.
        """
        sampler = sampler or diffusion.DDIM(min(50, self.schedule.steps))
        shape = (n, *self.data_shape())
        return base.from_signed(sampler(self.denoise, self.schedule, shape))

    def signatures(self):
        image = ((None, *self.data_shape()), "float32")
        steps = ((None,), "int32")
        return {"clean": (self.clean, {"images": image, "steps": steps})}

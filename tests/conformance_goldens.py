"""One tiny configuration of every model class, and what it takes and gives."""

import keras
import numpy as np
from conformance_data import (
    IMAGE_SHAPE,
    bad_sequences,
    bad_symbols,
    images,
    noise,
    sequences,
    symbols,
)
from conformance_parts import Golden, classifier, dense
from conformance_translation import TRANSLATION

import keras_gen


def _vae(cls=keras_gen.VAE, **defaults):
    sizes = {"latent_dim": 4, "filters": (4, 8), "hidden": 8, **defaults}
    return lambda **options: cls(image_shape=IMAGE_SHAPE, **sizes | options)


def _vq_vae(**options):
    sizes = {"codebook_size": 8, "code_channels": 3, "filters": (4,), "blocks": 1}
    return keras_gen.VQVAE(image_shape=IMAGE_SHAPE, **sizes | options)


def _adversarial(cls, **defaults):
    sizes = {"latent_dim": 4, "filters": (4, 8), "kernel_size": 3} | defaults
    return lambda **options: cls(image_shape=IMAGE_SHAPE, **sizes | options)


def _progressive_gan(**options):
    sizes = {"latent_dim": 4, "filters": (3, 4, 6), "fade": 20}
    return keras_gen.ProgressiveGAN(image_shape=IMAGE_SHAPE, **sizes | options)


def _styled(cls, **defaults):
    sizes = {"latent_dim": 4, "style_dim": 6, "depth": 2, "filters": (3, 4)}
    return lambda **options: cls(image_shape=IMAGE_SHAPE, **sizes | defaults | options)


def _given_styled(generator, **more):
    sizes = {"latent_dim": 4, "style_dim": 5, "depth": 1, "filters": (2, 4)}
    generator = generator(image_shape=IMAGE_SHAPE, **sizes)
    return {"generator": generator, "mixing": 0.0, **more}


def _diffusion(cls, **defaults):
    sizes = {"filters": (8,), "shuffle": 2, "dropout": 0.1} | defaults
    return lambda **options: cls(image_shape=IMAGE_SHAPE, **sizes | options)


def _noisy():
    return [noise(3, *IMAGE_SHAPE), np.array([0.05, 0.5, 7.0], "float32")]


def _plain(cls, **defaults):
    """A maker of tiny autoencoders of one dense layer each way, or one convolution."""
    sizes = {"image_shape": IMAGE_SHAPE, "latent_dim": 4} | defaults
    return lambda **options: cls(**sizes | options)


def _given_stacked_autoencoder():
    return {
        "encoder_1": dense(IMAGE_SHAPE, (8,), "encoder_1"),
        "decoder_2": dense((4,), (8,), "decoder_2"),
        "likelihood": keras_gen.losses.Bernoulli(),
    }


def _given_autoencoder(**more):
    return {
        "encoder": dense(IMAGE_SHAPE, (4,), "encoder"),
        "decoder": dense((4,), IMAGE_SHAPE, "decoder"),
        **more,
    }


def _lstm_autoencoder(**options):
    sizes = {"sequence_shape": (6, 3), "latent_dim": 4, "units": 5}
    sizes |= {"dropout": 0.2, "forcing": 0.5}
    return keras_gen.LSTMAutoencoder(**sizes | options)


def _gru_autoencoder(**options):
    sizes = {"sequence_shape": (6,), "alphabet": "abc", "latent_dim": 4, "units": 5}
    sizes |= {"embedding": 3, "forcing": 0.5}
    return keras_gen.GRUAutoencoder(**sizes | options)


def _given_recurrent(features, likelihood):
    sizes = {"features": features, "latent_dim": 4, "units": 3}
    sizes["cell"] = keras.layers.LSTMCell
    encoder = keras_gen.networks.recurrent_encoder(**sizes)
    decoder = keras_gen.networks.recurrent_decoder(**sizes, likelihood=likelihood)
    return {"encoder": encoder, "decoder": decoder}


def _given_classifier():
    return {
        "backbone": dense(IMAGE_SHAPE, (6,), "backbone"),
        "head": dense((6,), (3,), "head"),
    }


def _given_vae():
    logistic = keras_gen.losses.DiscretizedLogistic()
    encoder = dense(IMAGE_SHAPE, (8,), "encoder")
    decoder = dense((4,), (8, 8, 2), "decoder")
    return {"encoder": encoder, "decoder": decoder, "likelihood": logistic}


def _given_conditional_vae():
    return {
        "encoder": _beside_labels(dense((67,), (8,), "inner"), IMAGE_SHAPE, "encoder"),
        "decoder": _beside_labels(dense((7,), IMAGE_SHAPE, "inner"), (4,), "decoder"),
    }


def _beside_labels(network, inputs, name):
    """A network of vectors for inputs of a shape and three one-hot labels."""
    inputs = [keras.Input(inputs), keras.Input((3,))]
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(x) for x in inputs])
    return keras.Model(inputs, network(flat), name=name)


def _given_vq_vae():
    return {
        "encoder": dense(IMAGE_SHAPE, (4, 4, 3), "encoder"),
        "decoder": dense((4, 4, 3), IMAGE_SHAPE, "decoder"),
        "restart": 0.0,
    }


def _given_adversarial(**more):
    return {
        "critic": dense(IMAGE_SHAPE, (1,), "critic"),
        "generator": dense((4,), IMAGE_SHAPE, "generator"),
        **more,
    }


def _given_conditional_adversarial():
    return {
        "packing": 1,
        "critic": _beside_labels(dense((67,), (1,), "inner"), IMAGE_SHAPE, "critic"),
        "generator": _beside_labels(dense((7,), IMAGE_SHAPE, "inner"), (4,), "made"),
    }


def _given_diffusion(num_classes=0, **more):
    denoiser = keras_gen.networks.unet(
        IMAGE_SHAPE,
        num_classes=num_classes,
        filters=(4, 8),
        shuffle=1,
        groups=4,
        heads=2,
        attention=(0,),
    )
    target = keras_gen.diffusion.Velocity()
    return {
        "denoiser": denoiser,
        "target": target,
        "num_classes": num_classes,
        **more,
    }


GOLDENS = {
    "Autoencoder": Golden(
        _plain(
            keras_gen.Autoencoder,
            hidden=(8,),
            kernel_regularizer=keras.regularizers.L2(0.01),
        ),
        lambda: _given_autoencoder(likelihood=keras_gen.losses.Bernoulli()),
        lambda: images(3),
    ),
    "ConvolutionalAutoencoder": Golden(
        _plain(keras_gen.ConvolutionalAutoencoder, filters=(4,), hidden=8),
        _given_autoencoder,
        lambda: images(3),
    ),
    "DenoisingAutoencoder": Golden(
        _plain(keras_gen.DenoisingAutoencoder, filters=(4,)),
        lambda: _given_autoencoder(
            corruption=keras_gen.layers.SaltAndPepper(0.2),
            augmentation=keras_gen.layers.RandomShift(1),
        ),
        lambda: images(3),
    ),
    "InpaintingAutoencoder": Golden(
        _plain(
            keras_gen.InpaintingAutoencoder,
            filters=(4,),
            corruption=keras_gen.layers.BlockMask(2, 5),
        ),
        lambda: _given_autoencoder(
            encoder=dense((8, 8, 2), (4,), "encoder"),
            corruption=keras_gen.layers.BlockMask(3, 3),
        ),
        lambda: images(3),
    ),
    "SparseAutoencoder": Golden(
        _plain(keras_gen.SparseAutoencoder),
        lambda: _given_autoencoder(sparsity=keras_gen.losses.L1Sparsity(0.01)),
        lambda: images(3),
    ),
    "ContractiveAutoencoder": Golden(
        _plain(keras_gen.ContractiveAutoencoder, hidden=(6,)),
        _given_autoencoder,
        lambda: images(3),
    ),
    "StackedAutoencoder": Golden(
        _plain(
            keras_gen.StackedAutoencoder,
            hidden=(8,),
            activation="tanh",
            corruption=keras_gen.layers.MaskingNoise(0.25),
        ),
        _given_stacked_autoencoder,
        lambda: images(3),
        stages=(1, 2, 1),  # the run is cut within the second
    ),
    "VAE": Golden(_vae(), _given_vae, lambda: images(3)),
    "BetaVAE": Golden(
        _vae(keras_gen.BetaVAE, filters=(), hidden=(8, 6)),
        _given_vae,
        lambda: images(3),
    ),
    "ConditionalVAE": Golden(
        _vae(keras_gen.ConditionalVAE, num_classes=3),
        _given_conditional_vae,
        lambda: [images(3), np.array([0, 2, 1])],
        classes=3,
    ),
    "IWAE": Golden(
        _vae(keras_gen.IWAE, samples=3, activation="tanh"),
        _given_vae,
        lambda: images(3),
    ),
    "LSTMAutoencoder": Golden(
        _lstm_autoencoder,
        lambda: _given_recurrent(3, keras_gen.losses.SquaredError(bounded=False)),
        lambda: sequences(3),
        data=sequences,
        bad=bad_sequences,
        output_shape=(6, 3),
        output_range=(-np.inf, np.inf),
    ),
    "GRUAutoencoder": Golden(
        _gru_autoencoder,
        lambda: _given_recurrent(4, keras_gen.losses.Categorical()),
        lambda: symbols(3),
        data=symbols,
        bad=bad_symbols,
        output_shape=(6,),
        output_range=(0, 3),
        output_dtype="int32",
    ),
    "VQVAE": Golden(_vq_vae, _given_vq_vae, lambda: images(3)),
    "GAN": Golden(
        _adversarial(
            keras_gen.GAN,
            filters=(),
            hidden=(8, 6),
            tail=[keras_gen.layers.MinibatchDiscrimination(3, 2)],
            instance_noise=keras.optimizers.schedules.PolynomialDecay(0.1, 3, 0.0),
        ),
        lambda: _given_adversarial(loss=keras_gen.losses.Minimax(smoothing=0.1)),
        lambda: noise(3, 4),
    ),
    "DCGAN": Golden(
        _adversarial(keras_gen.DCGAN, matched_layer=-2),
        lambda: _given_adversarial(loss=keras_gen.losses.LeastSquares()),
        lambda: noise(3, 4),
    ),
    "ConditionalGAN": Golden(
        _adversarial(
            keras_gen.ConditionalGAN,
            num_classes=3,
            projection=True,
            features=6,
            critic_norm=False,
            spectral=True,
            loss=keras_gen.losses.Hinge(),
            tail=[keras_gen.layers.MinibatchStdDev(2)],
        ),
        _given_conditional_adversarial,
        lambda: [noise(3, 4), np.array([0, 2, 1])],
        classes=3,
    ),
    "WGAN": Golden(
        _adversarial(keras_gen.WGAN, critic_updates=2, clip=0.1),
        _given_adversarial,
        lambda: noise(3, 4),
    ),
    "WGANGP": Golden(
        _adversarial(keras_gen.WGANGP, critic_updates=2),
        lambda: _given_adversarial(
            loss=keras_gen.losses.RelativisticPairing(),
            penalties=[keras_gen.losses.R1(), keras_gen.losses.R2()],
        ),
        lambda: noise(3, 4),
    ),
    "ProgressiveGAN": Golden(
        _progressive_gan,
        lambda: {
            "critic": keras_gen.networks.GrowingCritic(IMAGE_SHAPE, (2, 4, 4), 0),
            "generator": keras_gen.networks.GrowingGenerator(4, IMAGE_SHAPE, (2, 4, 4)),
            "loss": keras_gen.losses.Hinge(),
            "fade": 0,
        },
        lambda: noise(3, 4),
        stages=(1, 2, 1),  # the run is cut within the second's fade
        moved=0.65,  # a level's first update shows nothing of it yet
    ),
    "StyleGAN": Golden(
        _styled(keras_gen.StyleGAN, fade=20),
        lambda: _given_styled(
            keras_gen.networks.GrowingStyleGenerator,
            critic=keras_gen.networks.GrowingCritic(IMAGE_SHAPE, (2, 4), 0),
        ),
        lambda: noise(3, 4),
        stages=(1, 3),
        moved=0.5,
    ),
    "StyleGAN2": Golden(
        _styled(
            keras_gen.StyleGAN2,
            augmentation=keras_gen.layers.AdaptiveAugmentation(start=0.5, pictures=500),
            penalty_every=2,
        ),
        lambda: _given_styled(
            keras_gen.networks.SkipStyleGenerator,
            critic=dense(IMAGE_SHAPE, (1,), "critic"),
            path_weight=0.0,
        ),
        lambda: noise(3, 4),
    ),
    "ConditionalWGANGP": Golden(
        _adversarial(
            keras_gen.ConditionalWGANGP, num_classes=3, critic_updates=2, packing=2
        ),
        _given_conditional_adversarial,
        lambda: [noise(3, 4), np.array([0, 2, 1])],
        classes=3,
    ),
    "Classifier": Golden(
        classifier,
        _given_classifier,
        lambda: images(3),
        classes=3,
        output_shape=(3,),
    ),
    "DDPM": Golden(
        _diffusion(
            keras_gen.DDPM, schedule=keras_gen.diffusion.LinearSchedule(steps=8)
        ),
        _given_diffusion,
        _noisy,
    ),
    "EDM": Golden(
        _diffusion(keras_gen.EDM, num_classes=3),
        lambda: _given_diffusion(num_classes=3, unlabelled=0.5),
        lambda: [*_noisy(), np.array([0, 2, 1])],
        classes=3,
    ),
    "ScoreModel": Golden(_diffusion(keras_gen.ScoreModel), _given_diffusion, _noisy),
    **TRANSLATION,
}

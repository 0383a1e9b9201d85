"""Evaluation of presets: figures with rivals, intervals, losses and the protocol."""

import json
import math

import conformance
import numpy as np
import pytest
import tiny

import keras_gen
from keras_gen import data, diffusion, metrics, presets, training

SAMPLES, TRAIN, TEST = 64, 120, 40
DISTANCES = {"frechet_distance", "kernel_distance", "precision", "recall"}
DISTANCES |= {"density", "coverage", "classifier_score", "class_balance"}
COPIES = {"memorisation", "duplicates"}
RECONSTRUCTIONS = {"mse", "psnr", "ssim"}
ROWS = {"model", "floor", "gaussian_mixture"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data, a judge, and presets with recipes that name both."""
    folder = tmp_path_factory.mktemp("evaluate")
    source = tiny.source(folder, train=TRAIN, test=TEST)
    tiny.judge().save_to_preset(folder / "judge")
    tiny.recipe(folder / "judge", source)
    shape = {"image_shape": tiny.IMAGE_SHAPE}
    gan = keras_gen.WGANGP(**shape, latent_dim=4, filters=(4, 8), kernel_size=3)
    schedule = diffusion.LinearSchedule(steps=8)
    ddpm = keras_gen.DDPM(**shape, filters=(8,), shuffle=2, schedule=schedule)
    logistic = tiny.vae(likelihood=keras_gen.losses.DiscretizedLogistic())
    models = {"vae": tiny.vae(), "gan": gan, "ddpm": ddpm, "logistic": logistic}
    for name, model in models.items():
        if name in ("gan", "ddpm"):
            conformance.randomize(model)
        model.save_to_preset(folder / name)
        tiny.recipe(folder / name, source, evaluate=protocol(folder))
    return folder


def protocol(place, *more):
    judge = json.dumps(str(place / "judge"))
    if not any(line.startswith("headline") for line in more):
        more = ('headline = "frechet_distance"', *more)
    return "\n".join([f"samples = {SAMPLES}", f"extractor = {judge}", *more])


@pytest.fixture(scope="module")
def measured(place):
    return training.evaluate(place / "vae")


@pytest.fixture(scope="module")
def gan(place):
    return keras_gen.from_preset(place / "gan")


@pytest.fixture(scope="module")
def gan_measured(place, gan):
    return training.evaluate(gan, training.load_recipe(place / "gan"))


def short(value):
    return float(f"{value:.6g}")


def images(place, split):
    return data.load(place / "data.npz", split, fields="image")


def values(measured):
    """Figure's name and row's name to value."""
    return {
        (name, row): figure["value"]
        for name, rows in measured["figures"].items()
        for row, figure in rows.items()
    }


def test_a_report_is_whole_and_plain_json(measured):
    assert list(measured) == [
        *("headline", "figures", "losses", "meaning", "protocol", "seconds")
    ]
    assert measured["headline"] == "frechet_distance"
    assert measured["seconds"] > 0
    assert measured["meaning"] == keras_gen.VAE.loss_meaning
    assert json.loads(json.dumps(measured)) == measured
    assert set(measured["figures"]) <= set(metrics.CATALOGUE)


def test_the_protocol_says_what_was_compared_with_what(place, measured):
    found = measured["protocol"]
    expected = {
        "source": str(place / "data.npz"),
        "split": "test",
        "seed": 0,
        "loss_batch_size": 250,
        "samples": SAMPLES,
        "references": TEST,
        "generate": {},
        "gaussian_mixture": None,
        "weights": presets.file_hash(place / "vae" / presets.WEIGHTS),
        "extractor": {
            "name": "judge",
            "sha256": presets.file_hash(place / "judge" / presets.WEIGHTS),
        },
        "keras-gen": keras_gen.__version__,
    }
    assert expected.items() <= found.items()


def test_which_figures_and_rows_a_vae_has(measured):
    expected = DISTANCES | COPIES | RECONSTRUCTIONS | {"elbo", "log_likelihood"}
    assert set(measured["figures"]) == expected | {"noise_error", "probe_accuracy"}
    for name, rows in measured["figures"].items():
        beside = {"pca"} if name in RECONSTRUCTIONS | {"probe_accuracy"} else set()
        beside = ROWS | {"mixture_prior"} if name in DISTANCES else beside
        assert set(rows) == {"model"} | beside


def test_a_gan_has_no_reconstructions_and_no_likelihood(gan_measured):
    assert gan_measured["headline"] == "frechet_distance"
    assert set(gan_measured["figures"]) == DISTANCES | COPIES
    assert "loss" in gan_measured["losses"]
    assert gan_measured["meaning"] == keras_gen.WGANGP().loss_meaning


def test_intervals_hold_their_values(measured):
    shares = {"precision", "recall", "coverage", *COPIES}
    for name, rows in measured["figures"].items():
        for row, figure in rows.items():
            assert list(figure) == ["value", "low", "high"]
            value, low, high = figure.values()
            assert low <= value <= high, (name, row)
            assert all(map(math.isfinite, figure.values()))
            assert all(short(v) == v for v in figure.values())
            if name in shares:
                assert low >= 0
                assert high <= 1
            if name in ("kernel_distance", "classifier_score"):
                assert value - low == pytest.approx(high - value, rel=1e-2, abs=2e-5)
    assert measured["figures"]["frechet_distance"]["model"]["low"] >= 0
    score = measured["figures"]["classifier_score"]
    assert all(1 <= figure["value"] <= 3 for figure in score.values())


def test_real_pictures_beat_a_model_that_has_not_learned(measured):
    distances = measured["figures"]["frechet_distance"]
    assert distances["floor"]["high"] < distances["model"]["low"]
    assert distances["gaussian_mixture"]["high"] < distances["model"]["low"]


def test_losses_are_those_of_the_whole_split(place, measured):
    losses = measured["losses"]
    assert set(losses) == {"loss", "reconstruction", "kl"}
    assert losses["loss"] == pytest.approx(losses["reconstruction"] + losses["kl"])
    model = keras_gen.from_preset(place / "vae")
    mean, log_variance = np.split(
        model.encoder.predict(images(place, "test") / 255, verbose=0), 2, axis=1
    )
    kl = (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1) / 2
    assert losses["kl"] == pytest.approx(kl.mean(), rel=1e-5)


def test_one_seed_gives_one_report(place, measured):
    again = training.evaluate(place / "vae")
    del again["seconds"]
    assert again.items() <= measured.items()


def test_another_seed_changes_the_figures_alone(place, measured):
    other = training.evaluate(place / "vae", seed=1)
    assert other["protocol"] == measured["protocol"] | {"seed": 1}
    assert other["losses"] == measured["losses"]
    first, second = values(measured), values(other)
    for name in ("frechet_distance", "kernel_distance", "classifier_score"):
        for row in ROWS:
            assert first[name, row] != second[name, row]
    assert first["elbo", "model"] != second["elbo", "model"]
    # Nothing is drawn for reconstructions but the resamples of the interval.
    for name in RECONSTRUCTIONS:
        assert first[name, "model"] == second[name, "model"]


def test_distances_are_the_metrics_of_the_same_arrays(place, measured):
    model, judge = (keras_gen.from_preset(place / name) for name in ("vae", "judge"))
    mixture, _ = metrics.gaussian_mixture(str(place / "data.npz"), None)
    real = judge.features(images(place, "test"))
    rows = {
        "model": model.generate(SAMPLES, seed=0, verbose=False),
        "gaussian_mixture": mixture.sample(SAMPLES, seed=0),
    }
    for row, samples in rows.items():
        fake = judge.features(samples)
        precision, recall = metrics.precision_recall(real, fake, resamples=200)
        density, coverage = metrics.density_coverage(real, fake, resamples=200)
        expected = {
            "frechet_distance": metrics.frechet_distance(real, fake, resamples=50),
            "kernel_distance": metrics.kernel_distance(
                real, fake, subsets=None, resamples=50
            ),
            "precision": precision,
            "recall": recall,
            "density": density,
            "coverage": coverage,
        }
        for name, estimate in expected.items():
            found = measured["figures"][name][row]
            ends = [estimate, estimate.low, estimate.high]
            assert list(found.values()) == [short(end) for end in ends], (name, row)
        score, _ = metrics.inception_score(judge.classify(samples))
        assert measured["figures"]["classifier_score"][row]["value"] == short(score)


def test_copies_and_reconstructions_are_the_metrics_of_the_same_arrays(place, measured):
    model = keras_gen.from_preset(place / "vae")
    fake = model.generate(SAMPLES, seed=0, verbose=False).reshape(SAMPLES, -1)
    held_out = images(place, "test")
    real, train = (
        (x.reshape(len(x), -1) / 255).astype("float32")
        for x in (held_out, images(place, "train"))
    )
    again = model.reconstruct(held_out)
    weights = model.log_weights(held_out, samples=500, seed=0)
    expected = {
        "memorisation": metrics.memorisation(fake, train, real),
        "duplicates": metrics.duplicates(fake, reference=train),
        "mse": metrics.mean_squared_error(held_out, again).mean(),
        "psnr": metrics.psnr(held_out, again).mean(),
        "ssim": metrics.ssim(held_out, again).mean(),
        "elbo": weights.mean(),
        "log_likelihood": metrics.importance_weighted(weights).mean(),
    }
    for name, value in expected.items():
        assert measured["figures"][name]["model"]["value"] == short(value), name


def test_the_headline_alone(place, measured):
    found = training.evaluate(place / "vae", headline_only=True)
    assert list(found) == ["headline", "figures", "protocol", "seconds"]
    rows = dict(measured["figures"]["frechet_distance"])
    del rows["gaussian_mixture"], rows["mixture_prior"]
    assert found["figures"] == {"frechet_distance": rows}
    expected = dict(measured["protocol"])
    del expected["gaussian_mixture"], expected["rows"]
    assert found["protocol"] == expected


def test_the_floor_is_all_training_pictures_where_those_are_few(place):
    judge = keras_gen.from_preset(place / "judge")
    found = training.evaluate(place / "vae", samples=TRAIN, headline_only=True)
    assert found["protocol"]["samples"] == TRAIN
    assert found["protocol"]["references"] == TEST
    real, train = (judge.features(images(place, split)) for split in ("test", "train"))
    floor = found["figures"]["frechet_distance"]["floor"]["value"]
    assert floor == short(metrics.frechet_distance(real, train))
    fewer = training.evaluate(place / "vae", samples=30, headline_only=True)
    assert fewer["protocol"]["references"] == 30


def test_a_recipe_chooses_its_headline(place, tmp_path):
    recipe = tiny.recipe(
        tmp_path,
        place / "data.npz",
        evaluate=protocol(place, 'headline = "classifier_score"'),
    )
    found = training.evaluate(place / "vae", recipe, headline_only=True)
    assert found["headline"] == "classifier_score"
    assert set(found["figures"]) == {"classifier_score"}


def test_a_model_is_measured_by_a_recipe_given_with_it(place, measured):
    model = keras_gen.from_preset(place / "vae")
    recipe = training.load_recipe(place / "vae")
    found = training.evaluate(model, recipe, headline_only=True)
    assert found["protocol"]["weights"] is None
    row = found["figures"]["frechet_distance"]["model"]
    assert row == measured["figures"]["frechet_distance"]["model"]
    with pytest.raises(ValueError, match="Expected a recipe with a model"):
        training.evaluate(model)


def test_names_that_lead_nowhere_are_refused(place, tmp_path):
    with pytest.raises(ValueError, match="Expected the name of a preset"):
        training.evaluate("no_such")
    tiny.judge().save_to_preset(tmp_path / "bare")
    with pytest.raises(ValueError, match="Expected a recipe's name"):
        training.evaluate(tmp_path / "bare")


def test_bounds_lie_in_order(measured):
    bounds = [measured["figures"][k]["model"] for k in ("elbo", "log_likelihood")]
    assert bounds[0]["value"] < bounds[1]["value"] <= 0
    assert -measured["losses"]["loss"] == pytest.approx(bounds[0]["value"], rel=0.02)


def test_a_headline_that_is_not_measured_is_refused(place, tmp_path):
    options = protocol(place, 'headline = "bits_per_dim"')
    recipe = tiny.recipe(tmp_path, place / "data.npz", evaluate=options)
    with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
        training.evaluate(place / "vae", recipe, headline_only=True)


def test_eight_bit_likelihoods_have_bits_per_dimension(place, tmp_path):
    recipe = tiny.recipe(
        tmp_path,
        place / "data.npz",
        evaluate=protocol(place, 'headline = "bits_per_dim"'),
    )
    figures = training.evaluate(place / "logistic", recipe, headline_only=True)
    rows = {name: rows["model"] for name, rows in figures["figures"].items()}
    assert rows["elbo"]["value"] < rows["log_likelihood"]["value"] < 0
    bits = -rows["log_likelihood"]["value"] / (144 * math.log(2))
    assert rows["bits_per_dim"]["value"] == pytest.approx(bits, rel=2e-6)
    assert rows["bits_per_dim"]["low"] < bits < rows["bits_per_dim"]["high"]


def test_accuracy_is_that_of_all_held_out_pictures(place):
    model = keras_gen.from_preset(place / "judge")
    pictures, labels = data.load(place / "data.npz", "test")
    expected = np.mean(model.classify(pictures).argmax(axis=1) == labels)
    assert 0 < expected < 1
    measured = training.evaluate(place / "judge", samples=10)
    assert measured["headline"] == "accuracy"
    assert set(measured["figures"]) == {"accuracy"}
    assert measured["figures"]["accuracy"]["model"]["value"] == short(expected)
    assert measured["losses"]["accuracy"] == pytest.approx(expected)
    assert {"samples", "extractor"}.isdisjoint(measured["protocol"])


def test_conditions_reach_the_verb(place, tmp_path):
    table = '{ class_name = "DDIM", steps = 2 }'
    options = protocol(place, f"generate = {{ sampler = {table} }}")
    recipe = tiny.recipe(tmp_path, place / "data.npz", evaluate=options)
    model, judge = (keras_gen.from_preset(place / name) for name in ("ddpm", "judge"))
    found = training.evaluate(model, recipe, headline_only=True)
    generate = {"sampler": {"class_name": "DDIM", "steps": 2}}
    assert found["protocol"]["generate"] == generate
    fake = model.generate(SAMPLES, seed=0, sampler=diffusion.DDIM(2))
    real = judge.features(images(place, "test"))
    expected = metrics.frechet_distance(real, judge.features(fake))
    assert found["figures"]["frechet_distance"]["model"]["value"] == short(expected)


BAD = {
    "unknown key": "rounds = 3",
    "unknown sampler": 'generate = { sampler = { class_name = "Magic" } }',
    "not a sampler": 'generate = { sampler = { class_name = "CosineSchedule" } }',
    "unknown option": 'generate = { sampler = { class_name = "DDIM", steep = 2 } }',
    "no class name": "generate = { sampler = { steps = 2 } }",
    "unknown condition": "generate = { temperature = 2 }",
    "unknown headline": 'headline = "beauty"',
    "headline of other models": 'headline = "elbo"',
    "unknown extractor": 'extractor = "no_such_classifier"',
}


@pytest.mark.parametrize("case", BAD)
def test_bad_protocols_are_refused(case, place, gan, tmp_path):
    with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
        training.evaluate(
            gan,
            tiny.recipe(tmp_path, place / "data.npz", evaluate=BAD[case]),
            samples=16,
            headline_only=True,
        )


def test_without_an_extractor_the_default_one_judges(place, tmp_path, gan, monkeypatch):
    recipe = tiny.recipe(tmp_path, place / "data.npz", evaluate="samples = 20")
    asked, find = [], metrics.find_extractor

    def note(name):
        asked.append(name)
        return find(str(place / "judge") if isinstance(name, str) else name)

    monkeypatch.setattr(metrics, "find_extractor", note)
    training.evaluate(gan, recipe, headline_only=True)
    assert asked[0] == "classifier_fashion_mnist"


def test_more_samples_than_training_pictures(place, gan, tmp_path):
    source = tiny.source(tmp_path, train=30, test=20)
    recipe = tiny.recipe(tmp_path, source, evaluate=protocol(place))
    measured = training.evaluate(gan, recipe)
    assert measured["protocol"]["samples"] == SAMPLES
    assert set(measured["figures"]) >= DISTANCES | {"memorisation"}


def test_image_size_may_be_a_pair(place, gan, gan_measured, tmp_path):
    size = "image_size = [12, 12]"
    source, options = place / "data.npz", protocol(place)
    recipe = tiny.recipe(tmp_path, source, data=size, evaluate=options)
    assert values(training.evaluate(gan, recipe)) == values(gan_measured)

"""Recipes: how an entry of the zoo is trained, as data."""

import copy
import dataclasses
import pathlib
import tomllib

import keras

from keras_gen import data, diffusion, engine, learning_rates, presets
from keras_gen.training import sides

TABLES = {"model", "data", "compile", "fit", "stages", "quick", "evaluate", "source"}
TABLES |= {"card", "start"}
# Tables that do not decide what a run gives.
WORDS = {"card", "evaluate", "source"}
# What a table of `generate` may name: samplers, and what their keywords take.
NAMED = {cls.__name__: cls for cls in (*diffusion.SAMPLERS, diffusion.KarrasLevels)}
MODEL_KEYS = {"class_name", "config", "dtype_policy"}
EVALUATE_KEYS = {"samples", "extractor", "headline", "generate", "rival", "twin"}
EVALUATE_KEYS |= {"truncation", "guidance", "pairs"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One `recipe.toml`.

    Tables: `model` (class_name, config and, where training is to run in another
    precision than presets do, `dtype_policy`; see `precision`), `data` (source,
    splits, batch_size, options of `keras_gen.data.pipeline`, and `unpaired`, what is
    otherwise of a second kind of pictures), `compile` (optimizer,
    averages, seed), `start` (network's name to the preset whose network of that name
    training begins with), `fit` (epochs, steps_per_epoch, samples_every), `stages`
    (epochs, a list with those of each stage, in place of the ones in `fit`), `quick`
    (overrides of the former for a short run), `evaluate` (samples, extractor, headline,
    `generate`, what the verb is called with, `rival`, a preset to measure beside,
    `twin`, what to change of the model's config for another one to train and measure
    beside, `truncation` and `guidance`, with which to measure samples too, and `pairs`,
    whether held-out pictures of unpaired kinds are pairs), `source` (the paper) and
    `card` (words for the entry's card).
    """

    name: str
    tables: dict

    def quick(self):
        """The short run of this recipe: every table updated by `quick`'s.

        It takes the presets' precision, whatever the recipe trains in, so that its
        figure is held against the same interval on all hardware.
        """
        tables = copy.deepcopy(self.tables)
        tables["model"].pop("dtype_policy", None)
        for table, overrides in tables.pop("quick", {}).items():
            tables.setdefault(table, {}).update(overrides)
        return Recipe(self.name, tables)

    def as_run(self):
        """What decides a run's result, a dict: all tables but those of words."""
        kept = {k: v for k, v in self.tables.items() if k not in WORDS}
        return {"name": self.name, **kept}

    def precision(self):
        """The dtype policy to train under, a name: the recipe's, or the global one.

        "mixed_bfloat16" is taken on hardware that multiplies in bfloat16 alone. The
        others emulate it, for float32's result some six times later.
        """
        policy = self.tables["model"].get("dtype_policy")
        if policy == "mixed_bfloat16" and not engine.multiplies_in_bfloat16():
            policy = None
        return policy or keras.config.dtype_policy().name

    def model(self):
        """A new model, compiled as the recipe says."""
        table = self.tables["model"]
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.precision())
        try:
            model = presets.build(table)
        finally:
            keras.config.set_dtype_policy(before)
        options = dict(self.tables.get("compile", {}))
        if "optimizer" in options:
            options["optimizer"] = read_optimizer(options["optimizer"])
        model.compile(**options)
        return model

    def begin(self, model):
        """Give a new model's networks the weights that training begins with.

        Raises:
            ValueError: no such network or preset, or weights of other shapes.
        """
        for name, preset in self.tables.get("start", {}).items():
            if name not in model.networks:
                raise ValueError(
                    f"Expected in [start] the networks {', '.join(model.networks)}. "
                    f"Received: {name!r}"
                )
            found = presets.from_preset(preset).averaged(name).get_weights()
            for network in (getattr(model, name), model.averaged(name)):
                expected = [w.shape for w in network.get_weights()]
                if [w.shape for w in found] != expected:
                    raise ValueError(
                        f"Expected a preset whose {name} is as large as the model's. "
                        f"Received: start={{{name!r}: {preset!r}}}"
                    )
                network.set_weights(found)

    def epochs(self):
        """How many epochs a run has: [fit]'s, or those of all stages."""
        stages = self.stages()
        return sum(stages) if stages else self.tables["fit"]["epochs"]

    def stages(self):
        """Epochs of each stage, a list; [] where training has no stages."""
        return list(self.tables.get("stages", {}).get("epochs", []))

    def available(self):
        """Whether the recipe's data can be had without a download."""
        return data.available(self.tables["data"]["source"])

    def pipeline(self, split="train", *, download=False):
        """The pipeline of "train" or "validation" batches."""
        table = self.tables["data"]
        options = {"batch_size": table["batch_size"], "download": download}
        if split == "validation":
            # The ragged last batch goes: every batch then has the rows replicas share.
            options |= {"shuffle": False, "drop_remainder": True}
        return sides.pipeline(table, split, **options)

    def held_out(self, rows):
        """At most so many held-out images, drawn once and for all: (rows, h, w, c)."""
        return self.held_out_pairs(rows)[0]

    def held_out_pairs(self, rows):
        """`held_out` and their labels, None where there are none or no pairs."""
        held_out = sides.pipeline(
            self.tables["data"], "validation", batch_size=rows, drop_remainder=False
        )
        batch = held_out.first_batch()
        if not isinstance(batch, tuple):
            return batch, None
        pairs = self.tables.get("evaluate", {}).get("pairs", False)
        return (
            batch
            if pairs or "unpaired" not in self.tables["data"]
            else (batch[0], None)
        )

    def evaluation(self):
        """The `evaluate` table, its objects built: {"sampler": DDIM(20)} and such."""
        table = dict(self.tables.get("evaluate", {}))
        table["generate"] = {
            key: _named(value) for key, value in table.get("generate", {}).items()
        }
        return table


def list_recipes():
    """Names of all recipes of the zoo, sorted."""
    return sorted(p.parent.name for p in presets.zoo_folder().glob("*/recipe.toml"))


def load_recipe(name):
    """Read a recipe.

    Args:
        name: of an entry of the zoo, or the path of a `recipe.toml` or of its folder.

    Raises:
        ValueError: no such recipe, no valid TOML, an unknown or missing table, or
            epochs that are given twice or not at all.
    """
    path = presets.zoo_folder() / str(name) / "recipe.toml"
    if not path.is_file():
        path = pathlib.Path(name)
        path = path / "recipe.toml" if path.is_dir() else path
    if not path.is_file():
        raise ValueError(
            f"Expected a recipe's name ({', '.join(list_recipes())}) or a path. "
            f"Received: {str(name)!r}"
        )
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"Expected TOML in {path}. Received: {error}") from error
    missing = {"model", "data", "fit"} - set(tables)
    unknown = set(tables) - TABLES
    unknown |= set(tables.get("model", {})) - MODEL_KEYS
    unknown |= set(tables.get("data", {})) - sides.KEYS
    unknown |= set(tables.get("evaluate", {})) - EVALUATE_KEYS
    if missing or unknown:
        raise ValueError(
            f"Expected the tables {sorted(TABLES)}, of which model, data and fit must "
            f"be there, in [model] the keys {sorted(MODEL_KEYS)}, in [data] "
            f"{sorted(sides.KEYS)}, and in [evaluate] {sorted(EVALUATE_KEYS)}. "
            f"Received: unknown {sorted(unknown)}, missing {sorted(missing)} in {path}"
        )
    recipe = Recipe(path.parent.resolve().name, tables)
    for run in (recipe, recipe.quick()):
        _check_epochs(run, path)
    return recipe


def _check_epochs(recipe, path):
    """Raise ValueError unless either the run or each of its stages has its epochs."""
    fit, stages = recipe.tables["fit"], recipe.tables.get("stages", {})
    if ("epochs" in fit) == ("epochs" in stages) or set(stages) - {"epochs"}:
        raise ValueError(
            "Expected `epochs` in [fit] or, a list with those of each stage, in "
            f"[stages], not in both. Received: fit {fit}, stages {stages} in {path}"
        )


def read_optimizer(table):
    """An optimizer from a table: `class_name` beside its keywords, or one a network.

    A learning rate may be a table of its own, the class name of a schedule beside its
    keywords.
    """
    if isinstance(table, str):
        return table
    if "class_name" not in table:
        return {network: read_optimizer(value) for network, value in table.items()}

    kwargs = {k: v for k, v in table.items() if k != "class_name"}
    rate = kwargs.get("learning_rate")
    if isinstance(rate, dict):
        schedule = {k: v for k, v in rate.items() if k != "class_name"}
        kwargs["learning_rate"] = _schedule_class(rate["class_name"])(**schedule)
    return keras.optimizers.get(table["class_name"]).from_config(kwargs)


def _named(table):
    """The object that a table names, those in it read too; other values as they are."""
    if not isinstance(table, dict):
        return table
    cls = NAMED.get(table.get("class_name"))
    options = {k: _named(v) for k, v in table.items() if k != "class_name"}
    known = {field.name for field in dataclasses.fields(cls)} if cls else set()
    if cls is None or not set(options) <= known:
        raise ValueError(
            f"Expected class_name to be one of {sorted(NAMED)}, beside keywords of "
            f"that class. Received: {table}"
        )
    return cls(**options)


def _schedule_class(name):
    known = keras.optimizers.schedules
    cls = getattr(learning_rates, name, None) or getattr(known, name, None)
    if not isinstance(cls, type) or not issubclass(cls, known.LearningRateSchedule):
        raise ValueError(
            "Expected the class name of a schedule in keras_gen.learning_rates or in "
            f"keras.optimizers.schedules. Received: {name!r}"
        )
    return cls

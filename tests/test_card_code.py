"""The lines of code on every card do what they say they do."""

import numpy as np
import pytest

import keras_gen
from keras_gen import cards, presets, training


@pytest.mark.slow
@pytest.mark.parametrize("name", presets.list_presets())
def test_the_lines_on_a_card_run(name):
    recipe = training.load_recipe(presets.find(name))
    if not recipe.available():
        pytest.skip(f"needs {recipe.tables['data']['source']}")
    examples = recipe.held_out(8)
    names = {"keras_gen": keras_gen, "model": keras_gen.from_preset(name)}
    names |= dict.fromkeys(("images", "sequences", "twemoji"), examples)
    if examples.ndim == 4:  # pictures
        names |= {"grey": examples[..., :1], "small": examples[:, ::4, ::4]}
    exec(cards.use(recipe.tables), names)
    for value in names.values():
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all()

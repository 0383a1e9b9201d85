"""Cards, the zoo's page and the README's table follow what was measured."""

import json
import shutil

import numpy as np
import pytest
import tiny

from keras_gen import cards, metrics, pictures, presets

RECIPE = """
[model]
class_name = "VAE"
[data]
source = "bars"
batch_size = 20
[fit]
epochs = 1
[source]
title = "A title"
authors = "Ho"
year = 2020
url = "https://example.org"
figures = [
  { name = "Frechet distance", value = "24.5", data = "Sets", by = "Lucic 2018" },
]
[card]
summary = "Bars from three numbers."
limits = "Tiny."
"""
README = f"""# A library

{cards.BEGIN}
| an old table |
{cards.END}

Words after it.
"""
PROTOCOL = {
    "source": "bars",
    "split": "test",
    "seed": 0,
    "interval": "95 %, bootstrap, 200 resamples",
}
ENDS = {"figure": "accuracy", "low": 0.5, "high": 1.0, "how": "widened"}
QUICK = {"figure": "accuracy", "low": 0.25, "high": 0.75, "how": "five short runs"}


def row(value, low, high):
    return {"value": value, "low": low, "high": high}


def weights_hash(entry):
    return presets.info(entry)["metadata"]["weights"]["sha256"]


def measured(entry, headline, figures, **protocol):
    found = {
        "headline": headline,
        "figures": figures,
        "losses": {"loss": 12.34567},
        "meaning": "nats an image",
        "protocol": {**PROTOCOL, "weights": weights_hash(entry), **protocol},
        "seconds": 1.5,
    }
    if headline == "accuracy":
        found["reproduce"] = {"full": ENDS, "quick": QUICK}
    return {**found, "seal": cards.seal(found)}


def write(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def read(path):
    return json.loads(path.read_text())


def publish(model, entry):
    """An entry but for its figures, as `training.publish` leaves it."""
    metadata = presets.save(model, entry)
    words = {"licence": "Apache-2.0", "hardware": "abacus, 2 beads", "minutes": 3.6}
    words |= {"steps": 12345, "showcase": "64 samples, seed 0"}
    write(entry / "metadata.json", metadata | words)
    (entry / "recipe.toml").write_text(RECIPE)
    sheet = pictures.grid(np.zeros((4, 8, 8, 1), "uint8"), columns=4)
    pictures.save_png(entry / "samples.png", sheet)


DDIM = 'sampler = { class_name = "DDIM", steps = 20 }'


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A checkout: a judge, a VAE that it has judged, a recipe, and a README."""
    root = tmp_path_factory.mktemp("cards")
    vae, judge = root / "zoo" / "a_vae", root / "zoo" / "judge"
    publish(tiny.vae(), vae)
    publish(tiny.judge(), judge)
    with open(vae / "recipe.toml", "a") as file:
        file.write(f"\n[evaluate]\ngenerate = {{ {DDIM} }}\n")
    (root / "zoo" / "unpublished").mkdir()
    (root / "zoo" / "unpublished" / "recipe.toml").write_text(RECIPE)
    (root / "README.md").write_text(README)
    figures = {
        "frechet_distance": {
            "model": row(41.23456, 40.5, 42.0),
            "floor": row(0.25, 0.125, 0.5),
            "gaussian_mixture": row(1234.5678, 1200.0, 1300.0),
        },
        "mse": {"model": row(0.0123456, 0.0100001, 0.02)},
    }
    options = {
        "samples": 2500,
        "references": 40,
        "generate": {"sampler": {"class_name": "DDIM", "steps": 20}},
        "extractor": {"name": "judge", "sha256": weights_hash(judge)},
    }
    write(vae / "metrics.json", measured(vae, "frechet_distance", figures, **options))
    figures = {"accuracy": {"model": row(0.875, 0.8, 0.95)}}
    write(judge / "metrics.json", measured(judge, "accuracy", figures))
    return root


@pytest.fixture
def root(original, tmp_path, monkeypatch):
    """A copy of the checkout, its generated files up to date."""
    root = shutil.copytree(original, tmp_path / "checkout")
    monkeypatch.setattr(presets, "zoo_folder", lambda: root / "zoo")
    assert cards.main([]) == 0
    return root


def contents(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_generated_files_are_up_to_date_once_written(root, capsys):
    made = ["zoo/a_vae/README.md", "zoo/judge/README.md", "docs/zoo.md", "README.md"]
    for name in made[:3]:
        (root / name).unlink()
    (root / "README.md").write_text(README)
    capsys.readouterr()
    assert cards.main([]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert sorted(printed) == sorted(str(root / name) for name in made)
    before = contents(root)
    for arguments in (["--check"], []):
        assert cards.main(arguments) == 0
        assert capsys.readouterr().out == ""
    assert contents(root) == before


def test_check_writes_nothing(root):
    (root / "docs" / "zoo.md").unlink()
    replace(root / "README.md", "41.23", "1.23")
    before = contents(root)
    assert cards.main(["--check"]) == 1
    assert contents(root) == before


def test_the_readme_keeps_its_words_around_the_table(root):
    text = (root / "README.md").read_text()
    begin, end = text.index(cards.BEGIN), text.index(cards.END)
    assert text[:begin] == "# A library\n\n"
    assert text[end:] == f"{cards.END}\n\nWords after it.\n"
    rows = text[begin:end].splitlines()[3:]
    assert len(rows) == 2
    assert "[a_vae](zoo/a_vae/README.md) | VAE |" in rows[0]
    assert "Frechet distance 41.23 [40.5, 42] | 0.25 [0.125, 0.5] |" in rows[0]
    assert "4 min, abacus, 2 beads |" in rows[0]
    assert "accuracy 0.875 [0.8, 0.95] |  |" in rows[1]


def test_a_card_holds_every_figure(root):
    text = (root / "zoo" / "a_vae" / "README.md").read_text()
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table[:4] == [
        "| figure | this model | training set | Gaussian mixture |",
        "|---|---|---|---|",
        "| **Frechet distance ↓** | 41.23 [40.5, 42] | 0.25 [0.125, 0.5] "
        "| 1235 [1200, 1300] |",
        "| reconstruction error ↓ | 0.01235 [0.01, 0.02] |  |  |",
    ]
    assert "| Frechet distance | 24.5 | Sets | Lucic 2018 |" in table
    for words in (
        "# a_vae\n\nBars from three numbers.",
        '<img src="samples.png" width="84" alt="64 samples, seed 0">',
        'keras_gen.from_preset("a_vae")',
        "12,345 steps of 20 examples of `bars`, 4 minutes on abacus, 2 beads",
        "2,500 samples (seed 0, sampler=DDIM(steps=20)) against 40 pictures",
        f"features of `judge` {weights_hash(root / 'zoo' / 'judge')[:8]}",
        "loss 12.346. `loss` is nats an image.",
        "## Limits\n\nTiny.",
    ):
        assert words in text
    assert "reproduce" not in text


def test_a_card_says_what_a_new_training_must_give(root):
    text = (root / "zoo" / "judge" / "README.md").read_text()
    assert "holds its accuracy against 0.5 to 1 (widened)" in text
    assert "`--quick`, the short run's against 0.25 to 0.75 (five short runs)" in text
    assert "samples (seed" not in text


def test_the_page_has_all_entries_and_what_figures_mean(root):
    text = (root / "docs" / "zoo.md").read_text()
    for name in ("a_vae", "judge"):
        assert f"\n## [{name}](../zoo/{name}/README.md)\n" in text
        assert f"| [{name}](../zoo/{name}/README.md) |" in text
        for line in cards.figures(presets.info(name)["metrics"], name):
            assert line in text
    assert "\n`unpublished`.\n" in text
    for figure in metrics.CATALOGUE.values():
        assert f"| {figure.title} | {figure.better} | {figure.meaning} |" in text


BY_HAND = {
    "a figure": ("zoo/a_vae/metrics.json", "41.23456", "31.23456"),
    "the end of an interval": ("zoo/a_vae/metrics.json", "1300.0", "1400.0"),
    "a loss": ("zoo/judge/metrics.json", "12.34567", "11.34567"),
    "a figure's last digit": ("zoo/a_vae/metrics.json", "41.23456", "41.23457"),
    "the protocol": ("zoo/a_vae/metrics.json", '"samples": 2500', '"samples": 2501'),
    "the seal": ("zoo/a_vae/metrics.json", '"seal": "', '"seal": "0'),
    "a card": ("zoo/a_vae/README.md", "41.23", "31.23"),
    "a card's words": ("zoo/judge/README.md", "Tiny.", "Large."),
    "the table": ("README.md", "41.23", "31.23"),
    "the page": ("docs/zoo.md", "1235", "1236"),
    "the recipe's words": ("zoo/judge/recipe.toml", "Tiny.", "Large."),
    "the metadata": ("zoo/judge/metadata.json", "12345", "12346"),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_what_is_changed_by_hand_is_found(case, root):
    name, old, new = BY_HAND[case]
    replace(root / name, old, new)
    assert cards.main(["--check"]) == 1


def test_a_missing_file_is_found_and_written(root):
    page = root / "docs" / "zoo.md"
    text = page.read_text()
    shutil.rmtree(root / "docs")
    assert cards.main(["--check"]) == 1
    assert cards.main([]) == 0
    assert page.read_text() == text


def test_figures_changed_by_hand_stay_wrong_when_cards_follow(root, capsys):
    replace(root / "zoo" / "a_vae" / "metrics.json", "41.23456", "31.23456")
    assert cards.main([]) == 1
    assert "31.23 [" in (root / "README.md").read_text()
    capsys.readouterr()
    assert cards.main(["--check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["a_vae: metrics.json was changed after it was measured"]


def test_figures_of_other_weights_are_found(root, capsys):
    entry = root / "zoo" / "a_vae"
    publish(tiny.vae(seed=1), entry)
    assert cards.main([]) == 1
    assert "a_vae: metrics.json is of other weights" in capsys.readouterr().out
    assert cards.main(["--check"]) == 1


def test_figures_by_another_judge_are_found(root, capsys):
    judge = root / "zoo" / "judge"
    publish(tiny.judge(seed=1), judge)
    figures = read(judge / "metrics.json")["figures"]
    write(judge / "metrics.json", measured(judge, "accuracy", figures))
    capsys.readouterr()
    assert cards.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "a_vae: metrics.json is by another judge"
    ]


def test_weights_that_are_not_the_metadata_s_are_found(root):
    with open(root / "zoo" / "a_vae" / presets.WEIGHTS, "ab") as file:
        file.write(b"more")
    assert cards.main(["--check"]) == 1


def test_figures_of_another_protocol_are_found(root):
    replace(root / "zoo" / "a_vae" / "recipe.toml", "steps = 20", "steps = 50")
    assert cards.main(["--check"]) == 1


@pytest.mark.parametrize("marker", [cards.BEGIN, cards.END])
def test_a_readme_without_markers_is_found(marker, root):
    replace(root / "README.md", marker, "")
    assert cards.main(["--check"]) == 1


def test_an_entry_without_figures_is_found(root):
    (root / "zoo" / "judge" / "metrics.json").unlink()
    assert cards.main(["--check"]) == 1


@pytest.mark.parametrize("table", ["card", "source"])
def test_a_recipe_may_lack_words(table, root):
    path = root / "zoo" / "judge" / "recipe.toml"
    before, _, after = path.read_text().partition(f"[{table}]")
    path.write_text(before + "".join(after.partition("\n[card]")[1:]))
    assert f"[{table}]" not in path.read_text()
    assert cards.main([]) == 0
    assert cards.main(["--check"]) == 0


def test_a_zoo_without_bare_recipes_has_no_heading_for_them(root):
    shutil.rmtree(root / "zoo" / "unpublished")
    assert "## Recipes without weights" not in cards.zoo_page()


def test_a_seal_is_of_the_content_alone():
    content = {"figures": {"mse": {"model": row(0.1, 0.05, 1e-7)}}, "seconds": 3.0}
    seal = cards.seal(content)
    assert len(seal) == 64
    assert cards.seal({**content, "seal": seal}) == seal
    assert cards.seal(json.loads(json.dumps(content))) == seal
    assert cards.seal(dict(reversed(content.items()))) == seal
    for changed in ({"seconds": 3.1}, {"figures": {}}, {"more": None}):
        assert cards.seal(content | changed) != seal

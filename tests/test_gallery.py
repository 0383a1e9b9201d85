"""The gallery: a page of a tiny zoo, its charts and its walks."""

import html.parser
import itertools
import json
import math
import shutil

import conformance
import numpy as np
import pytest
from PIL import Image

from keras_gen import gallery, pictures
from keras_gen.gallery import charts, figures, markup, walks
from keras_gen.metrics import CATALOGUE

HOSTILE = "<script>alert(1)</script> & \"quoted\" 'words'"
RECIPE = """
[source]
title = "A title"
authors = "Ho"
year = 2020
url = "{url}"
figures = [
  {{ name = "Frechet distance", value = "24.5", data = "Sets", by = "Lucic 2018" }},
]

[card]
summary = {summary}
limits = "Tiny."
"""
METRICS = {
    "headline": "frechet_distance",
    "figures": {
        "frechet_distance": {
            "model": {"value": 12.3456, "low": 12.0, "high": 12.6},
            "floor": {"value": 0.25, "low": 0.2, "high": 0.3},
            "gaussian_mixture": {"value": 1234567.0, "low": 1.0, "high": 2e6},
        },
        "memorisation": {"model": {"value": 0.00012346, "low": 0.0, "high": 0.1}},
        "not_in_the_catalogue": {"model": {"value": -2, "low": -3, "high": -1}},
    },
    "losses": {"kl": 14.3, "loss": 239.2106},
    "meaning": "minus the evidence lower bound, nats an image",
    "protocol": {
        "source": "fashion_mnist",
        "split": "test",
        "seed": 0,
        "samples": 10000,
        "references": 5000,
        "generate": {"sampler": {"class_name": "DDIM", "steps": 20}},
        "extractor": {"name": "judge", "sha256": "0123456789abcdef"},
        "interval": "95 %, bootstrap, 200 resamples",
        "keras-gen": "0.1.0",
    },
    "seconds": 120.1,
}
OLD_METRICS = {
    "losses": {"loss": 2.944},
    "meaning": "the estimated distance",
    "protocol": {"source": "fashion_mnist", "split": "test", "examples": 10000},
    "seconds": 3.1,
}
CURVES = {
    "kl": {"steps": [1, 2], "values": [3.0, 4.0]},
    "loss": {"steps": [10, 20, 30], "values": [3.0, 2.0, 1.5]},
    "val_loss": {"steps": [10, 20, 30], "values": [3.5, 2.5, 1.75]},
}


class Page(html.parser.HTMLParser):
    """A page's tags, checked to balance, and its text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in markup.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return "".join(self.words).replace(markup.SPACE, " ")

    def all(self, tag, **attributes):
        """Attributes of all elements of a name that have these attributes."""
        return [
            found
            for name, found in self.elements
            if name == tag and attributes.items() <= found.items()
        ]


def write(entry, summary="Words.", url="https://example.org", **tables):
    """The files of an entry that the gallery reads beside the preset's own."""
    words = RECIPE.format(summary=json.dumps(summary), url=url)
    (entry / "recipe.toml").write_text(words)
    for name, table in tables.items():
        (entry / f"{name}.json").write_text(json.dumps(table))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Three entries: all there, one with less, one with nothing but the preset."""
    root = tmp_path_factory.mktemp("zoo")
    for name, entry in (("VAE", "a_vae"), ("WGANGP", "b_gan"), ("DDPM", "c_ddpm")):
        conformance.make(name).save_to_preset(root / entry)
    sheet = pictures.grid(conformance.images(64), columns=16)
    for entry in ("a_vae", "b_gan"):
        pictures.save_png(root / entry / "samples.png", sheet)
    write(root / "a_vae", HOSTILE, metrics=METRICS, curves=CURVES)
    write(root / "b_gan", url="javascript:alert(1)", metrics=OLD_METRICS, curves={})
    return root


@pytest.fixture(scope="module")
def page(zoo, tmp_path_factory):
    path = gallery.write(tmp_path_factory.mktemp("page") / "all.html", zoo=zoo)
    return Page(path.read_text("utf-8"))


def section(page, name):
    """The text of an entry's section."""
    return page.text.split(name, 2)[2].partition("All entries")[0]


def test_the_page_stands_alone(page):
    assert page.all("html", lang="en")
    assert page.all("meta", name="viewport")
    assert not page.all("script")
    loaded = [found["src"] for _, found in page.elements if "src" in found]
    loaded += [found["href"] for found in page.all("link")]
    assert loaded
    assert all(uri.startswith("data:") for uri in loaded)
    assert "url(" not in "".join(found.get("style", "") for _, found in page.elements)
    links = [found["href"] for found in page.all("a")]
    assert all(link.startswith(("#", "https://example.org")) for link in links)
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link[0] == "#"} <= set(ids)


def test_every_entry_has_its_section(page):
    assert len(page.all("section", **{"class": "entry"})) == 3
    headings = [
        int(tag[1]) for tag, _ in page.elements if tag[0] == "h" and tag[1:].isdigit()
    ]
    assert headings[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(headings))
    for name in ("a_vae", "b_gan", "c_ddpm"):
        assert f"keras-gen reproduce {name}" in section(page, name)
        assert f"keras-gen evaluate {name}" in section(page, name)
        assert f'keras_gen.from_preset("{name}")' in section(page, name)


def test_pictures_have_words_and_sizes(page):
    images = page.all("img")
    # Two thumbnails, two sheets, two walks: of a model without latents there is none.
    assert len(images) == 6
    alts = [image["alt"] for image in images]
    assert alts.count("") == 2
    assert {"Latent walk of a_vae", "Latent walk of b_gan"} <= set(alts)
    assert all(int(image["width"]) >= int(image["height"]) > 0 for image in images)


def test_figures_are_those_measured(page):
    text = section(page, "a_vae")
    assert CATALOGUE["frechet_distance"].title in text
    for shown in ("12.35", "12.00 to 12.60", "0.2500", "1,235,000", "0.0001235"):
        assert shown in text
    assert "not in the catalogue" in text
    assert "\u22122.000" in text
    assert "loss239.2" in text
    assert "training set" in text
    assert "Gaussian mixture" in text
    assert len(page.all("tr", **{"class": "headline"})) == 1
    assert "10,000 samples against 5,000 held-out pictures" in text
    assert "generate(sampler=DDIM(steps=20))" in text
    assert "judge (SHA-256 0123456789ab)" in text
    assert "95 %, bootstrap, 200 resamples" in text
    contents = page.text[: page.text.index("Words.")]
    assert "Frechet distance 12.35" in contents
    assert "held-out loss 2.944" in contents


def test_published_figures_stand_apart(page):
    text = section(page, "a_vae")
    assert "24.5" in text[text.index("Published") :]
    assert "do not compare directly" in text


def test_what_is_missing_is_said(page):
    assert "loss is the estimated distance." in section(page, "b_gan")
    assert "10,000 held-out examples" in section(page, "b_gan")
    assert "training set" not in section(page, "b_gan")
    assert "curves of this run were not kept" in section(page, "b_gan")
    assert "Not measured yet." in section(page, "c_ddpm")
    assert "curves of this run were not kept" in section(page, "c_ddpm")
    assert len(page.all("svg")) == 2


def test_words_are_escaped(page):
    assert HOSTILE in section(page, "a_vae")
    assert markup.tag("p", "<", title='"') == '<p title="&quot;">&lt;</p>'
    assert "A title" in section(page, "b_gan")  # whose address is no link


def test_the_file_is_replaced_in_one_move(zoo, tmp_path):
    target = gallery.write(tmp_path / "out", ["c_ddpm"], zoo=zoo, walks=False)
    assert target == tmp_path / "out" / "index.html"
    assert gallery.write(tmp_path / "out", ["b_gan"], zoo=zoo, walks=False) == target
    text = target.read_text("utf-8")
    assert "b_gan" in text
    assert "c_ddpm" not in text
    assert "Latent walk" not in text
    damaged = tmp_path / "zoo" / "b_gan"
    shutil.copytree(zoo / "b_gan", damaged)
    (damaged / "curves.json").write_text("[")
    with pytest.raises(ValueError, match="Expected JSON in .*curves.json"):
        gallery.write(tmp_path / "out", zoo=tmp_path / "zoo", walks=False)
    assert target.read_text("utf-8") == text
    assert [path.name for path in target.parent.iterdir()] == ["index.html"]


def test_bad_paths_and_names_are_refused(zoo, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="Expected a folder or a path ending in .html"):
        gallery.write(tmp_path / "notes.txt", zoo=zoo, walks=False)
    with pytest.raises(ValueError, match="Received: .*no_such"):
        gallery.write(tmp_path / "out", ["no_such"], zoo=zoo, walks=False)
    with pytest.raises(ValueError, match="Expected entries with weights"):
        gallery.write(tmp_path / "out", zoo=tmp_path, walks=False)
    assert not (tmp_path / "out").exists()


def test_a_walk_runs_between_its_ends():
    model = conformance.make("VAE")
    images = gallery.latent_walk(model, rows=3, columns=5, seed=7)
    assert images.shape == (15, 8, 8, 1)
    assert images.dtype == np.float32
    ends = np.random.default_rng(7).standard_normal((3, 2, model.latent_dim))
    walks = images.reshape(3, 5, 8, 8, 1)
    for end, column in ((0, 0), (1, -1)):
        expected = model.decode(ends[:, end])
        np.testing.assert_allclose(walks[:, column], expected, atol=1e-6)
    middle = model.decode(ends.sum(axis=1) / math.sqrt(2))
    np.testing.assert_allclose(walks[:, 2], middle, atol=1e-6)
    fewer = gallery.latent_walk(model, rows=1, columns=5, seed=7)
    np.testing.assert_allclose(fewer, images[:5], atol=1e-6)


def test_a_walk_around_a_circle_is_a_gif(tmp_path):
    model, path = conformance.make("VAE"), tmp_path / "walk.gif"
    gallery.save_walk(model, path, count=4, frames=6, seconds=1.2, scale=1, seed=7)
    with Image.open(path) as gif:
        assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (6, 200, 0)
        gif.seek(2)
        shown = np.asarray(gif.convert("L")) / 255
    ends = np.random.default_rng(7).standard_normal((4, 2, model.latent_dim))
    turn = 2 * math.pi * 2 / 6
    latents = math.cos(turn) * ends[:, 0] + math.sin(turn) * ends[:, 1]
    expected = pictures.grid(model.decode(latents))[..., 0] / 255
    np.testing.assert_allclose(shown, expected, atol=0.02)
    with pytest.raises(ValueError, match="Received: count=4, frames=1"):
        gallery.save_walk(model, path, count=4, frames=1)


def test_models_without_latents_do_not_walk(tmp_path):
    for walk in (gallery.latent_walk, lambda m: gallery.save_walk(m, tmp_path / "x")):
        with pytest.raises(ValueError, match="Received: DDPM"):
            walk(conformance.make("DDPM"))
    with pytest.raises(ValueError, match="Received: rows=4, columns=1"):
        gallery.latent_walk(conformance.make("VAE"), columns=1)


@pytest.mark.parametrize(
    ("steps", "values"),
    [
        ([600], [0.25]),
        ([0], [0.0]),
        ([1, 2, 3], [5.0, 5.0, 5.0]),
        ([1, 2], [0.0, 0.0]),
        ([1, 2], [-3.0, -7.5]),
        ([1, 2, 10**9], [1e30, -1e30, 3e38]),
        ([1, 2], [1e16, 1e16 + 2]),
        ([1, 2], [1e-30, 2e-30]),
        ([100, 200], [1.0000001, 1.0000002]),
    ],
)
def test_charts_of_odd_curves(steps, values):
    curves = {"loss": {"steps": steps, "values": values}}
    (chart,) = charts.charts(curves)
    drawn = Page(chart)
    lines = drawn.all("polyline")
    assert len(lines) == (len(steps) > 1)
    places = [
        float(x) for line in lines for p in line["points"].split() for x in p.split(",")
    ]
    places += [float(drawn.all("circle")[0][key]) for key in ("cx", "cy")]
    assert all(0 <= place <= charts.WIDTH for place in places)
    assert markup.number(values[-1]) in drawn.text
    labels = [found for found in drawn.all("text") if found["text-anchor"] == "end"]
    assert len(labels) >= 1
    assert drawn.all("svg", role="img")[0]["aria-label"].startswith("loss at step")


def test_a_chart_holds_a_scalar_and_its_twin():
    first, second = (Page(chart) for chart in charts.charts(CURVES))
    assert first.text.startswith("losstrain 1.500held out 1.750")
    assert len(first.all("polyline")) == 2
    assert second.text.startswith("kltrain 4.000")
    (lone,) = charts.charts({"val_loss": CURVES["val_loss"]})
    assert Page(lone).text.startswith("lossheld out 1.750")
    assert charts.charts({"loss": {"steps": [], "values": []}}) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 9000, ["0", "2,000", "4,000", "6,000", "8,000"]),
        (-0.3, 0.3, ["\u22120.2", "0", "0.2"]),
        (0.15, 0.41, ["0.2", "0.3", "0.4"]),
        (0, 3e8, ["0", "1e8", "2e8", "3e8"]),
    ],
)
def test_ticks_are_few_and_round(low, high, expected):
    step = charts.tick_step(low, high, 5 if low == 0 else 4)
    labels = [charts.tick_label(tick, step) for tick in charts.ticks(low, high, step)]
    assert labels == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (12.3, "12.30"),
        (9.99996, "10.00"),
        (-0.5, "\u22120.5000"),
        (239210, "239,200"),
        (1e300, "1.000e300"),
        (-1.5e-9, "\u22121.500e\u22129"),
    ],
)
def test_numbers_have_four_digits(value, expected):
    assert markup.number(value) == expected


def test_the_headline_is_the_loss_where_nothing_else_was_measured():
    assert figures.headline({}) is None
    assert figures.headline(OLD_METRICS) == ("held-out loss", "2.944", None)
    title, value, arrow = figures.headline(METRICS)
    assert (title, value) == ("Frechet distance", "12.35")
    assert "lower is better" in arrow


def test_walks_are_for_codes_that_are_vectors_and_need_no_label():
    others = ["ConditionalVAE", "VQVAE", "DDPM", "GRUAutoencoder"]
    names = ["VAE", "WGANGP", *others]
    can = [name for name in names if walks.walkable(conformance.make(name))]
    assert can == ["VAE", "WGANGP"]
    spatial = conformance.make("DenoisingAutoencoder", code_channels=2)
    assert not walks.walkable(spatial)

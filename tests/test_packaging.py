"""What the package, the wheel and the repository carry."""

import configparser
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

import keras_gen
from keras_gen import presets, training

ROOT = pathlib.Path(__file__).parent.parent
MEGABYTE = 10**6
EMBEDDED = ("emoji", "fashion_mnist_mini", "japanese_vowels", "kjv_lines")
checkout = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="wants a checkout")


def setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_setup_names_every_package():
    named = set(setup_cfg()["options"]["packages"].split())
    modules = (ROOT / "keras_gen").rglob("*.py")
    folders = {path.parent.relative_to(ROOT) for path in modules}
    there = {".".join(folder.parts) for folder in folders}
    assert named == there | {"keras_gen.zoo"}


def test_every_recipe_has_its_source_and_its_words():
    assert len(training.list_recipes()) >= 9
    for name in training.list_recipes():
        recipe = training.load_recipe(name)
        tables, quick = recipe.tables, recipe.quick()
        source = {"title", "authors", "year", "url"}
        assert source == set(tables["source"]) - {"figures"}, name
        assert {"summary", "limits"} == set(tables["card"]) - {"use"}, name
        if quick.available():
            steps = quick.tables["fit"].get("steps_per_epoch") or len(quick.pipeline())
            assert steps * quick.epochs() <= 600, name


def test_zoo_is_data_of_bounded_size():
    entries = [path for path in presets.zoo_folder().iterdir() if path.is_dir()]
    sizes = {
        entry.name: sum(p.stat().st_size for p in entry.rglob("*") if p.is_file())
        for entry in entries
    }
    assert max(sizes.values()) <= 4 * MEGABYTE, sizes
    assert sum(sizes.values()) <= 47 * MEGABYTE
    assert not list(presets.zoo_folder().rglob("*.py"))


@checkout
def test_tracked_files_are_of_bounded_size():
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    assert sum(p.stat().st_size for p in paths if p.is_file()) <= 60 * MEGABYTE
    assert not [p for p in paths if "runs" in p.relative_to(ROOT).parts]


@pytest.mark.slow
@checkout
def test_wheel_carries_zoo_and_data_alone(tmp_path):
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # what old builds have left
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert keras_gen.__version__ in wheel.name
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"keras_gen", f"keras_gen-{keras_gen.__version__}.dist-info"}
    for name in training.list_recipes():
        assert f"keras_gen/zoo/{name}/recipe.toml" in names
    for name in keras_gen.list_presets():
        assert f"keras_gen/zoo/{name}/{presets.WEIGHTS}" in names
    for path in (ROOT / "keras_gen").rglob("*.py"):
        assert path.relative_to(ROOT).as_posix() in names
    assert {f"keras_gen/data/embedded/{n}.npz" for n in EMBEDDED} <= names
    licences = {name.rpartition("/")[2] for name in names if "licenses" in name}
    assert licences == {"LICENSE", "NOTICE"}

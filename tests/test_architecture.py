"""The house's own rules: which way imports run, how long files grow."""

import ast
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "keras_gen"
# Top to bottom: nothing imports from below itself. What is level does not either,
# but for a package's own modules.
LAYERS = [
    "engine",
    "learning_rates",
    "layers",
    "networks",
    "losses",
    "diffusion",
    "data",
    "presets",
    "export",
    "models",
    "metrics",
    "applications",
    "pictures",
    "callbacks",
    "cards",
    "training",
    "gallery",
    "cli",
]
ALLOWED = {
    "tensorflow": {"engine/tensorflow.py", "export.py", "data/tfds.py"},
    "tensorflow_datasets": {"data/tfds.py"},
    "jax": {"engine/jax.py"},
}


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """Absolute dotted names that a file imports, `from a import b` as a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide where they lead"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tracked():
    """Files that git tracks or would."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_every_module_has_its_place():
    found = {p.stem for p in PACKAGE.glob("*.py")} | {
        p.parent.name for p in PACKAGE.glob("*/__init__.py")
    }
    assert found - {"__init__", "__main__"} <= set(LAYERS)


def test_imports_run_one_way():
    wrong = []
    for path in sources():
        place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if place in ("__init__", "__main__"):
            continue
        for name in imports(path):
            if not name.startswith("keras_gen."):
                continue
            target = name.split(".")[1]
            if target not in LAYERS:  # keras_gen's own names, such as __version__
                assert target == "__version__", f"{path} imports {name}"
            elif LAYERS.index(target) > LAYERS.index(place):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


@pytest.mark.parametrize("library", sorted(ALLOWED))
def test_backends_are_imported_where_they_belong(library):
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in sources()
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users <= ALLOWED[library]


def test_files_stay_short():
    files = [path for path in tracked() if path.suffix == ".py"]
    assert files
    long = {p.name: n for p in files if (n := len(p.read_text().splitlines())) >= 400}
    assert not long


def test_nothing_names_this_machine():
    # Spelled apart, so that this file does not name them itself.
    machine = ["/" + "work/", "/" + "home/[a-z]", "/" + "root/", "file:" + "///"]
    registry = ["local" + "host:[0-9]", "artifact" + "ory", "pypi[.-]" + "mirror"]
    found = "|".join((*machine, *registry))
    wrong = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if match := re.search(found, text):
            wrong.append(f"{path.relative_to(ROOT)}: {match.group()}")
    assert not wrong

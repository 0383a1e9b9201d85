"""Use an installed keras_gen as a user would; run outside of the checkout."""

import pathlib
import subprocess

import keras
import numpy as np

import keras_gen
from keras_gen import presets

package = pathlib.Path(keras_gen.__file__).parent
assert "site-packages" in package.parts, package
recipes = sorted(path.parent.name for path in package.glob("zoo/*/recipe.toml"))
assert recipes, "the wheel carries no recipes"
images, _ = keras_gen.data.load("fashion_mnist_mini", "test")
assert images.shape == (1000, 28, 28, 1), images.shape

names = keras_gen.list_presets()
print(f"{len(recipes)} recipes, presets: {', '.join(names) or 'none'}")
for name in names:
    model = keras_gen.from_preset(name)
    golden = np.load(presets.find(name) / "golden.npz")
    for endpoint, (function, inputs) in model.signatures().items():
        values = [golden[f"{endpoint}/{key}"] for key in inputs]
        outputs = function(*map(keras.ops.convert_to_tensor, values))
        outputs = keras.ops.convert_to_numpy(outputs)
        wanted = golden[f"{endpoint}/outputs"]
        np.testing.assert_allclose(outputs, wanted, rtol=1e-3, atol=1e-4)
    if model.samples():
        samples = model.generate(16, seed=0)
        assert samples.shape == (16, *model.data_shape()), samples.shape
        assert samples.dtype == "float32", samples.dtype
        assert samples.min() >= 0, samples.min()
        assert samples.max() <= 1, samples.max()
        assert (samples == model.generate(16, seed=0)).all(), "not repeatable"
    print(f"{name}: {', '.join(model.signatures())}", flush=True)

if names:
    name = next(name for name in names if keras_gen.from_preset(name).samples())
    keras_gen.from_preset(name).export(f"serving/{name}")
    assert pathlib.Path("serving", name, "saved_model.pb").is_file()
    command = ["keras-gen", "sample", name, "-n", "64", "--seed", "0", "-o", "grid.png"]
    subprocess.run(command, check=True)
    assert pathlib.Path("grid.png").stat().st_size > 1000
    subprocess.run(["keras-gen", "gallery", "page"], check=True)
    page = pathlib.Path("page", "index.html").read_text(encoding="utf-8")
    assert all(name in page for name in names)

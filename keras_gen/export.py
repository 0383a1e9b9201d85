"""SavedModels whose signatures are a model's verbs, for serving without keras_gen."""

import os
import pathlib
import shutil
import tempfile

import tensorflow as tf


def export(model, folder, *, chunk, **conditions):
    """Write a SavedModel.

    Each of `model.signatures()` becomes a signature; models that sample also have
    `generate`, with inputs `seed` (int32 scalar in [0, 2**31)) and `n` (int32 scalar
    above 0), which keeps no state: a seed gives the same pictures in every request.
    Of a model with `condition_specs`, the length of these takes the place of `n`; what
    it names in `scalar_specs` is an input too.
    Batches are of any size; labels, codes and symbols that the model does not know
    fail. Without a `serving_default` of the model's own, that is `generate`.

    Args:
        model: a `GenerativeModel`.
        folder: path; created, or replaced where it holds a SavedModel already.
        chunk: rows that `generate` samples at a time.
        **conditions: options of the model's `sample`, fixed in the program.

    Raises:
        ValueError: the folder holds something else than a SavedModel.
    """
    folder = pathlib.Path(folder)
    _check_target(folder)
    functions = {
        name: _signature(model, function, inputs)
        for name, (function, inputs) in model.signatures().items()
    }
    if model.samples():
        functions["generate"] = _generator(model, chunk, conditions)
        functions.setdefault("serving_default", functions["generate"])
    module = tf.Module()
    module.parameters = list(
        {id(v): v for f in functions.values() for v in f.variables}.values()
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=".export", dir=folder.parent)
    try:
        tf.saved_model.save(module, temporary, signatures=functions)
        os.chmod(temporary, 0o755)  # mkdtemp made it for this user alone
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_target(folder):
    if not folder.exists() or (folder / "saved_model.pb").is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise ValueError(
            "Expected a new folder, an empty one, or that of a SavedModel to replace. "
            f"Received: {str(folder)!r}, which holds other files"
        )


def _signature(model, function, inputs, least=0):
    """A concrete function of named tensors that returns {"outputs": ...}.

    Ints that are bounded lie in [least, bound).
    """
    specs = {
        name: tf.TensorSpec(shape, dtype, name=name)
        for name, (shape, dtype) in inputs.items()
    }

    @tf.function(autograph=False)
    def signature(**tensors):
        for name, tensor in tensors.items():
            if bound := model.input_bound(name, tensor.dtype.name):
                tensors[name] = _known(name, tensor, least, bound)
        outputs = function(**tensors)
        return outputs if isinstance(outputs, dict) else {"outputs": outputs}

    return signature.get_concrete_function(**specs)


def _known(name, values, least, bound):
    """Ints as they are, or an error: one-hot, others would be all zeros."""
    message = f"Expected {name} in [{least}, {bound})"
    checks = [
        tf.debugging.assert_greater_equal(values, least, message=message),
        tf.debugging.assert_less(values, bound, message=message),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(values)


def _generator(model, chunk, conditions):
    """The signature of `generate`, of seed and n or each sample's own conditions."""
    scalar, specs = ((), "int32"), model.condition_specs()
    whole = {name: ((), dtype) for name, dtype in model.scalar_specs().items()}

    def generate(seed, n=None, **inputs):
        fixed = conditions | {name: inputs.pop(name) for name in whole}
        n = tf.shape(next(iter(inputs.values())))[0] if n is None else n
        return _generate(model, seed, n, inputs, chunk, fixed)

    inputs = {"seed": scalar, **(specs or {"n": scalar}), **whole}
    return _signature(model, generate, inputs, least=-1)  # which stands for: drawn


def _generate(model, seed, n, own, chunk, conditions):
    """All `n` samples, `chunk` at a time, as one program with two loops."""
    shape = (None, *model.data_shape())
    count = (n + chunk - 1) // chunk
    parts = tf.TensorArray(
        "float32", size=count, infer_shape=False, element_shape=shape
    )

    def body(index, parts):
        rows = tf.minimum(chunk, n - index * chunk)
        start = index * chunk
        part = {name: values[start : start + rows] for name, values in own.items()}
        samples = model.sample_chunk(seed, index, part, rows=rows, **conditions)
        return index + 1, parts.write(index, samples)

    _, parts = tf.while_loop(
        lambda index, _: index < count, body, (tf.constant(0), parts)
    )
    images = parts.concat()
    images.set_shape(shape)
    return images

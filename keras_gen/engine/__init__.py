"""How any model learns: one imperative `update()`, two backends.

`Trainer` is the half of a model that depends on the backend. Both backends offer the
same names: `train_step`, `test_step`, `minimize`, `input_gradient`,
`run_compiled` and `as_dataset`.
"""

import keras

from keras_gen.engine import random
from keras_gen.engine.optimizers import NetworkOptimizers, clone
from keras_gen.engine.processor import multiplies_in_bfloat16

if keras.backend.backend() == "tensorflow":
    from keras_gen.engine import tensorflow as backend
elif keras.backend.backend() == "jax":
    from keras_gen.engine import jax as backend
else:
    raise ImportError(
        "Expected the Keras backend to be 'tensorflow' or 'jax' (set KERAS_BACKEND). "
        f"Received: {keras.backend.backend()!r}"
    )

Trainer = backend.Trainer

__all__ = ["NetworkOptimizers", "Trainer", "backend", "clone", "random"]
__all__ += ["multiplies_in_bfloat16"]

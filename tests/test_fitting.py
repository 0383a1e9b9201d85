"""What `fit` and `evaluate` hold on to."""

import gc
import weakref

import conformance
import pytest


@pytest.mark.parametrize("steps", [None, 2])
def test_nothing_holds_a_model_or_its_data_after_use(steps):
    def used():
        model, data = conformance.make("VAE"), conformance.images(24)
        model.compile()
        options = {"batch_size": 8, "steps_per_epoch": steps, "verbose": 0}
        model.fit(data, validation_data=data.copy(), **options)
        model.evaluate(data, batch_size=8, verbose=0)
        return weakref.ref(model), weakref.ref(data)

    references = used()
    gc.collect()
    assert [reference() for reference in references] == [None, None]

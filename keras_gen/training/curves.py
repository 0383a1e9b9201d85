"""Training curves, read back from a run's TensorBoard logs."""

import math

from tensorboard.backend.event_processing import event_accumulator

POINTS = 100


def read_curves(folder):
    """The scalars of a folder of event files, thinned.

    Args:
        folder: `logs` of a run.

    Returns:
        A dict from scalar's name to {"steps": [...], "values": [...]}, at most 100
        points each, the last one always among them; six significant digits.
    """
    everything = {event_accumulator.SCALARS: 0}
    logs = event_accumulator.EventAccumulator(str(folder), size_guidance=everything)
    logs.Reload()
    return {name: _thin(logs.Scalars(name)) for name in logs.Tags()["scalars"]}


def _thin(events):
    every = math.ceil(len(events) / POINTS)
    kept = events[::-1][::every][::-1]
    return {
        "steps": [event.step for event in kept],
        "values": [float(f"{event.value:.6g}") for event in kept],
    }

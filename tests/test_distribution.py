"""Two workers on loopback against one process."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import conformance
import numpy as np
import pytest
import worker

# One with noise, one with several updates, one with a history of all pictures.
NAMES = ["VAE", "WGANGP", "CycleGAN"]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for open_socket in sockets:
        open_socket.bind(("127.0.0.1", 0))
    ports = [open_socket.getsockname()[1] for open_socket in sockets]
    for open_socket in sockets:
        open_socket.close()
    return ports


def start(index, addresses, out):
    task = {"type": "worker", "index": index}
    config = json.dumps({"cluster": {"worker": addresses}, "task": task})
    program = pathlib.Path(conformance.__file__).with_name("worker.py")
    with open(out.with_suffix(".log"), "w") as log:
        return subprocess.Popen(
            [sys.executable, str(program), "auto", str(out), *NAMES],
            env=os.environ | {"TF_CONFIG": config, "CUDA_VISIBLE_DEVICES": "-1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """The arrays that each of two workers ended with."""
    folder = tmp_path_factory.mktemp("workers")
    outs = [folder / f"{index}.npz" for index in range(2)]
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    started = [start(i, addresses, out) for i, out in enumerate(outs)]
    try:
        codes = [process.wait(timeout=400) for process in started]
    finally:
        for process in started:
            process.kill()
    logs = [out.with_suffix(".log").read_text()[-3000:] for out in outs]
    assert codes == [0, 0], "\n\n".join(logs)
    return [dict(np.load(out)) for out in outs]


def test_workers_end_in_sync_and_one_is_the_chief(workers):
    first, second = workers
    assert bool(first.pop("chief"))
    assert not bool(second.pop("chief"))
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key], err_msg=key)


def test_two_workers_agree_with_one_process(workers):
    alone = worker.train(NAMES)
    assert alone.keys() == workers[0].keys() - {"chief"}
    for key, value in alone.items():
        np.testing.assert_allclose(
            value, workers[0][key], rtol=1e-5, atol=1e-5, err_msg=key
        )


def test_layers_can_be_made_before_a_strategy_is():
    """What users write above the scope must not start TensorFlow, which ends it."""
    program = (
        "import keras_gen\n"
        "keras_gen.layers.AdaptiveAugmentation()\n"
        "keras_gen.layers.RandomShift(1)\n"
        "from tensorflow.python.eager import context\n"
        "assert not context.context()._initialized"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

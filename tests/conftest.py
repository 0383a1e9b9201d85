"""Two logical CPU devices for the whole suite, set up before TensorFlow starts."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_gen would, too late

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # Accelerators round products otherwise than the tolerances here allow.
    tf.config.set_visible_devices([], "GPU")
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )

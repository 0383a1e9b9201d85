"""What the processor is good at."""

import pathlib

import keras

CPUINFO = pathlib.Path("/proc/cpuinfo")
# Of x86 and of ARM.
MULTIPLIES = {"amx_bf16", "avx512_bf16", "bf16"}


def multiplies_in_bfloat16(cpuinfo=CPUINFO):
    """Whether bfloat16 is worth its rounding here.

    An accelerator's matrix units take it. A processor without instructions for it
    converts each number: a U-Net's training step took some six times as long there as
    in float32. Where the processor does not say what it has (outside Linux), the answer
    is no.

    Args:
        cpuinfo: path of what Linux says of its processors.
    """
    if not keras.distribution.list_devices()[0].startswith("cpu"):
        return True
    if not cpuinfo.is_file():
        return False
    return bool(MULTIPLIES & set(cpuinfo.read_text(encoding="utf-8").split()))

"""On what a model is trained: devices, precision, determinism, package versions."""

import importlib.metadata
import platform
from pathlib import Path

import tensorflow as tf
from tensorflow import keras


def make_strategy():
    """MirroredStrategy over the GPUs when several are visible, else the default strategy."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


def set_precision(precision):
    """Sets Keras's global policy.

    Args:
        precision: `float32`, `mixed_bfloat16`, or `auto`: bfloat16 on a CPU that multiplies it in
            hardware (AVX512-BF16), else float32.

    Returns:
        The policy that is in force now.
    """
    if precision == "auto":
        on_cpu = not tf.config.list_physical_devices("GPU")
        precision = "mixed_bfloat16" if on_cpu and "avx512_bf16" in _cpu_info() else "float32"
    keras.mixed_precision.set_global_policy(precision)
    return precision


def set_seed(seed):
    """Seeds Python, NumPy and TensorFlow; on a CPU every op is deterministic from here on."""
    keras.utils.set_random_seed(seed)
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def describe_machine():
    """The devices in words, such as `2 x AMD EPYC`."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
                 for gpu in gpus]
        return f"{len(gpus)} x {names[0]}"
    models = [line.split(":", 1)[1].strip() for line in _cpu_info().splitlines()
              if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else platform.processor() or platform.machine()


def package_versions():
    """Versions of the packages that decide the numbers, by name; None for one that is not installed."""
    def version(package):
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return None
    return {package: version(package) for package in (
        "eig_tf", "tensorflow", "keras", "tensorflow-probability", "tensorflow-addons", "numpy")}


def _cpu_info():
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if path.is_file() else ""

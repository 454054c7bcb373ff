"""What a model is trained on: devices, precision, determinism, package versions."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow import keras

_PACKAGES = ("eig_tf", "tensorflow", "keras", "tensorflow-probability", "tensorflow-addons", "numpy")


def resolve_precision(precision: str) -> str:
    """Return the Keras policy that a precision stands for on this machine.

    Args:
        precision: `float32`, `mixed_bfloat16`, `mixed_float16`, or `auto`: bfloat16 on a CPU that multiplies
            it in hardware (AVX512-BF16), else float32.
    """
    if precision != "auto":
        return precision
    on_cpu = not tf.config.get_visible_devices("GPU")
    return "mixed_bfloat16" if on_cpu and "avx512_bf16" in _cpu_info() else "float32"


def set_precision(precision: str) -> str:
    """Set Keras's global policy to what `resolve_precision` returns, and return it."""
    policy = resolve_precision(precision)
    keras.mixed_precision.set_global_policy(policy)
    return policy


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow; on a CPU every op is deterministic afterwards."""
    keras.utils.set_random_seed(seed)
    if not tf.config.get_visible_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def describe_machine() -> str:
    """Return the devices in words, such as `2 x AMD EPYC`."""
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
                 for gpu in gpus]
        return f"{len(gpus)} x {names[0]}"
    models = [line.split(":", 1)[1].strip() for line in _cpu_info().splitlines()
              if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else platform.processor() or platform.machine()


def package_versions() -> dict[str, str | None]:
    """Return the versions of the packages that decide the numbers; None for one that is not installed."""
    def version(package):
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return None
    return {package: version(package) for package in _PACKAGES}


def git_revision() -> str | None:
    """Return the revision of the checkout that this package runs from; None outside a checkout."""
    git = shutil.which("git")
    root = Path(__file__).parent.parent.parent
    # Only a checkout of this project: an installed package may lie inside somebody else's repository.
    if git is None or not (root / ".git").exists():
        return None
    command = [git, "-C", str(root), "rev-parse", "HEAD"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None


def current_segment(precision: str, first_epoch: int, devices: int = 1, hosts: int = 1) -> dict[str, Any]:
    """Return what is recorded of a part of a training that runs without interruption.

    Args:
        precision: Keras's policy.
        first_epoch: its first epoch, from 1.
        devices: the number of replicas on all hosts.
        hosts: the number of hosts.
    """
    return {"first_epoch": first_epoch, "last_epoch": first_epoch - 1, "precision": precision,
            "machine": describe_machine(), "devices": devices, "hosts": hosts,
            "packages": package_versions(), "git_revision": git_revision()}


def _cpu_info() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if path.is_file() else ""

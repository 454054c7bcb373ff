"""Devices, precision, determinism."""


import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.runs import environment


@pytest.fixture(autouse=True)
def policy():
    """Whatever a test sets, the policy afterwards is that of before."""
    before = keras.mixed_precision.global_policy()
    yield
    keras.mixed_precision.set_global_policy(before)


@pytest.mark.parametrize(("asked", "flags", "expected"), [
    ("float32", "avx512_bf16", "float32"), ("mixed_bfloat16", "", "mixed_bfloat16"),
    ("auto", "flags\t\t: sse4_2 avx512f avx512_bf16", "mixed_bfloat16"),
    ("auto", "flags\t\t: sse4_2 avx512f", "float32"), ("auto", "", "float32")])
def test_auto_is_bfloat16_where_the_cpu_multiplies_it(monkeypatch, asked, flags, expected):
    monkeypatch.setattr(environment, "_cpu_info", lambda: flags)
    if asked == "auto" and tf.config.list_physical_devices("GPU"):
        expected = "float32"
    assert environment.set_precision(asked) == expected
    assert keras.mixed_precision.global_policy().name == expected


def test_machine_description_counts_processors(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind=None: [])
    lines = "processor : 0\nmodel name\t: AMD EPYC: 7B13\nprocessor : 1\nmodel name\t: AMD EPYC: 7B13\n"
    monkeypatch.setattr(environment, "_cpu_info", lambda: lines)
    assert environment.describe_machine() == "2 x AMD EPYC: 7B13"


def test_seed_fixes_python_numpy_and_tensorflow(command):
    """In a process of its own: op determinism cannot be taken back."""
    program = """
import random, numpy, tensorflow as tf
from eig_tf.runs import environment
def draw(seed):
    environment.set_seed(seed)
    kernel = tf.keras.initializers.RandomNormal()([2]).numpy().tolist()
    return random.random(), float(numpy.random.rand()), float(tf.random.uniform([])), kernel
first = draw(3)
print(first == draw(3), all(a != b for a, b in zip(first, draw(4))))
try:
    tf.random.Generator.from_non_deterministic_state()
    print(tf.config.list_physical_devices("GPU") != [])
except RuntimeError as error:
    print("determinism" in str(error))
"""
    result = command("-c", program)
    assert result.stdout.split() == ["True"] * 3, result.stderr

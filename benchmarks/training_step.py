"""The training step and its variants, parts of it, its arithmetic, and the whole training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

import numpy as np
import tensorflow as tf
from ml_collections import config_dict
from tensorflow import keras

from benchmarks import flops, reports
from benchmarks.input_pipeline import endless_batches, pipeline_case
from benchmarks.timing import Case, measure_in_turn, repeated_call
from eig_tf.config import METHODS, flatten, image_shape
from eig_tf.data.augment import make_view_function
from eig_tf.models.base import GenerativeModel
from eig_tf.models.optimizers import adam
from eig_tf.models.registry import build_model, compile_model
from eig_tf.networks.precision import policy
from eig_tf.runs import environment

_MATRIX_PRODUCT = "matrix product"
_PIPELINE = "input pipeline alone"
# As many bytes as an MNIST split has: reading images misses the caches as it does in training.
_NUM_BYTES = 32_768 * 28 * 28
# Batches in the pipeline's buffers, which are made before the clock starts.
_BUFFERED = 16
_FIT_STEPS = 32


class Variant(NamedTuple):
    """One row of the table of steps.

    Attributes:
        name: unique among the rows.
        config: see `eig_tf.config`.
        precision: Keras's policy, `float32` or `mixed_bfloat16`.
        make_optimizer: (learning rate, beta_1) -> optimizer.
    """

    name: str
    config: config_dict.ConfigDict
    precision: str
    make_optimizer: Callable[[float, float], keras.optimizers.Optimizer]


def measure_training_step(config: config_dict.ConfigDict, steps: int, repeats: int,
                          everything: bool = False) -> dict[str, Any]:
    """Measure the training step, its parts, its arithmetic and the whole loop on one device.

    Args:
        config: see `eig_tf.config`; its data set is not loaded, images are random.
        steps: steps in a row for each measurement, 1 or more.
        repeats: rounds of measurements, 1 or more.
        everything: whether rows for information are added; see `step_variants`.

    Returns:
        A dict that JSON can hold; `reports.format_step_report` prints it. Times are milliseconds of one
        step, arithmetic is in 1e9 operations (per second).
    """
    report = {**reports.describe_run(reports.RATIO_NOTE), **reports.describe_config(config)}
    environment.set_seed(config.seed)
    with policy("float32"):
        precision = environment.set_precision(config.training.precision)
    package = package_variant(config, precision)
    variants = step_variants(config, precision, everything)
    data = random_batch(config)

    step_cases, part_cases, step_flops = [], [], 0
    for variant in variants:
        model = build_variant(variant)
        step = make_step(model, data)
        step_cases.append(repeated_call(variant.name, step, steps))
        if variant.name == package.name:
            step_flops = flops.count_flops(step)
            part_cases = _part_cases(model, data, steps)
    batches = _random_batches(config)
    part_cases.append(pipeline_case(batches, 10 * steps, _PIPELINE, warm_up=_BUFFERED))
    fit_cases = [_fit_case(package, batches, number) for number in (1, 32)]
    product, product_flops = flops.matrix_product(precision)
    timings = measure_in_turn(
        [*step_cases, repeated_call(_MATRIX_PRODUCT, product, 1), *part_cases, *fit_cases], repeats)

    batch_size = config.training.batch_size
    step_ms, pipeline_ms = (timings[name]["median"] for name in (package.name, _PIPELINE))

    def rows(cases, relation, reference):
        return [{"name": case.name, "ms": timings[case.name],
                 "images_per_second": 1e3 * batch_size / timings[case.name]["median"],
                 relation: timings[case.name]["median"] / timings[reference]["median"]} for case in cases]
    return {
        **report,
        "method": config.method,
        "gradient_routing": flatten(config).get("loss.gradient_routing"),
        "batch_size": batch_size,
        "precision": precision,
        "steps": steps,
        "repeats": repeats,
        "step": rows(step_cases, "ratio", variants[0].name) + _skipped_rows(variants),
        "package_step": package.name,
        "parts": rows(part_cases, "share_of_step", package.name),
        "pipeline": {"batches_per_second": 1e3 / pipeline_ms, "needed_per_second": 1e3 / step_ms,
                     "starves": pipeline_ms > step_ms},
        "arithmetic": _arithmetic(step_flops, step_ms, product_flops, timings[_MATRIX_PRODUCT]["median"]),
        "fit": rows(fit_cases, "ratio_to_step", package.name),
    }


def keras_adam(learning_rate: float, beta_1: float) -> keras.optimizers.Optimizer:
    """Return the Adam that is Keras's default since 2.11: many small ops instead of one fused kernel."""
    return keras.optimizers.Adam(learning_rate, beta_1=beta_1, epsilon=1e-8)


def step_variants(config: config_dict.ConfigDict, precision: str, everything: bool = False) -> list[Variant]:
    """Return the rows of the table of steps, the reference first.

    Args:
        config: see `eig_tf.config`.
        precision: the precision of training on this machine.
        everything: whether rows for information follow: another gradient routing, and the method without
            the contrastive term, where the method has them.
    """
    variants = [Variant("Keras Adam, float32", config, "float32", keras_adam),
                Variant("fused Adam, float32", config, "float32", adam)]
    if precision != "float32":
        variants.append(package_variant(config, precision))
    if everything:
        variants += [Variant(f"{name}, fused Adam, {precision}", changed, precision, adam)
                     for name, changed in _other_configs(config)]
    return variants


def package_variant(config: config_dict.ConfigDict, precision: str) -> Variant:
    """Return the variant that training uses."""
    return Variant(f"fused Adam, {precision}", config, precision, adam)


def build_variant(variant: Variant, steps_per_execution: int = 1) -> GenerativeModel:
    """Build and compile the model of a variant; Keras's global policy is unchanged afterwards.

    A ground-truth prior is left uniform: the cost of a step does not depend on its values.
    """
    with policy(variant.precision):
        model = build_model(variant.config)
        compile_model(model, variant.config, variant.make_optimizer, steps_per_execution)
    return model


def random_batch(config: config_dict.ConfigDict) -> Any:
    """Return a fixed batch as `train_step` takes it: images, or images and views."""
    shape = [config.training.batch_size, *image_shape(config)]
    images, views = (tf.random.stateless_uniform(shape, [0, seed], -1.0, 1.0) for seed in (0, 1))
    return images if make_view_function(config) is None else (images, views)


def _other_configs(config: config_dict.ConfigDict) -> Iterator[tuple[str, config_dict.ConfigDict]]:
    routing = flatten(config).get("loss.gradient_routing")
    if routing is not None:
        changed = config.copy_and_resolve_references()
        changed.loss.gradient_routing = "shared" if routing == "head" else "head"
        yield f"{changed.loss.gradient_routing} routing", changed
    plain = METHODS[config.method]._replace(contrastive_term=None)
    for name, method in METHODS.items():
        if method == plain and name != config.method:
            changed = config.copy_and_resolve_references()
            changed.method = name
            yield name, changed


def _random_batches(config):
    """Return the input pipeline of training on random bytes: its cost does not depend on the images."""
    shape = image_shape(config)
    count = max(_NUM_BYTES // math.prod(shape), config.training.batch_size)
    return endless_batches(np.random.default_rng(0).integers(0, 256, [count, *shape], np.uint8), config)


def make_step(model: GenerativeModel, data: Any) -> Any:
    """Return a `tf.function` without arguments that trains a model on one batch; see `random_batch`."""
    @tf.function
    def step():
        return model.train_step(data)
    return step


def _part_cases(model, data, steps):
    images = data[0] if isinstance(data, tuple) else data
    latents = model.sample_latents(len(images), [0, 0])
    pairs = list(model.optimizers().values())
    gradients = [[tf.random.stateless_normal(variable.shape, [0, 0], stddev=1e-3) for variable in variables]
                 for _, variables in pairs]

    def update():
        for (optimizer, variables), fixed in zip(pairs, gradients):
            optimizer.apply_gradients(zip(fixed, variables))
    return [repeated_call(name, tf.function(call), steps) for name, call in (
        ("generate a batch", lambda: model.generate(latents)),
        ("encode a batch", lambda: model.encode(images)),
        ("optimizer updates alone", update))]


def _fit_case(variant, batches, steps_per_execution):
    model = build_variant(variant, steps_per_execution)

    def measure():
        clock = _EpochClock()
        model.fit(batches, epochs=1, steps_per_epoch=_FIT_STEPS, verbose=0, callbacks=[clock])
        return clock.seconds / _FIT_STEPS
    return Case(f"fit, steps_per_execution {steps_per_execution}", measure)


class _EpochClock(keras.callbacks.Callback):
    """Measures the seconds from the first step of an epoch to its end."""

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self._start


def _skipped_rows(variants):
    if any(variant.precision == "mixed_bfloat16" for variant in variants):
        return []
    return [{"name": "fused Adam, mixed_bfloat16",
             "skipped": "it needs a CPU that multiplies bfloat16 in hardware (AVX512-BF16)"}]


def _arithmetic(step_flops, step_ms, product_flops, product_ms):
    step_rate, product_rate = step_flops / step_ms / 1e6, product_flops / product_ms / 1e6
    return {"gflop_per_step": step_flops / 1e9, "step_gflop_per_second": step_rate,
            "matrix_product_size": flops.MATRIX_SIZE, "matrix_product_gflop_per_second": product_rate,
            "share": step_rate / product_rate}

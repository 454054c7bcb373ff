"""The parts of a training step, its input pipeline and the whole loop, each as a case to measure."""

import math
import time

import numpy as np
import tensorflow as tf
from tensorflow import keras

from benchmarks import variants
from benchmarks.timing import Case, repeated
from eig_tf.config import image_shape
from eig_tf.data import augment, pipeline

PIPELINE = "input pipeline alone"
# As many bytes as an MNIST split has, so that gathering images misses the caches as it does in training.
_NUM_BYTES = 32_768 * 28 * 28
# Batches that wait in the pipeline's buffers, made before the clock starts.
_BUFFERED = 16
_FIT_STEPS = 32


def step_case(variant, model, data, steps):
    """The whole step of a variant on a fixed batch.

    Args:
        variant: a `variants.Variant`.
        model: its model.
        data: images and views [N, H, W, C], a pair.
        steps: steps a measurement.

    Returns:
        The `Case`, and the `tf.function` of one step.
    """
    @tf.function
    def step():
        return variant.step(model, data)
    return repeated(variant.name, step, steps), step


def part_cases(model, data, steps):
    """The parts of a step, each a `tf.function` of its own on a fixed batch.

    The two phases include their optimizer's update, and the second one the generator's only pass, so
    that together they are the step, but for the running average of G's weights. The generator's forward
    pass and the updates stand alone as well.

    Args:
        model: a compiled `InfoGAN`.
        data: images and views [N, H, W, C], a pair.
        steps: steps a measurement.

    Returns:
        Cases.
    """
    images, views = data
    num = len(images)
    seed = tf.constant([0, 0])
    fixed_latents = model.sample_latents(num, seed)
    fixed_images = model.generator(fixed_latents, training=True)
    activations = [discriminator.trunk(images, training=True) for discriminator in model.discriminators]

    @tf.function
    def generator_pass():
        return model.generator(fixed_latents, training=True)

    @tf.function
    def discriminator_phase():
        return model.discriminator_phase(images, fixed_images)

    @tf.function
    def generator_phase():
        with tf.GradientTape() as tape:
            latents = model.sample_latents(num, seed)
            generated = model.generator(latents, training=True)
        model.generator_phase(tape, latents, generated, images, views, activations)

    cases = [repeated("generator forward pass", generator_pass, steps),
             repeated("D phase, with its update", discriminator_phase, steps),
             repeated("G phase, with its pass and update", generator_phase, steps),
             repeated("optimizer updates alone", _updates(model), steps)]
    if model.average_generator is not None:
        cases.append(repeated("running average of G", tf.function(model.update_average), steps))
    return cases


def _updates(model):
    groups = model.optimized()
    gradients = [[tf.random.stateless_normal(variable.shape, [0, 0], stddev=1e-3) for variable in variables]
                 for _, variables in groups]

    @tf.function
    def updates():
        for (optimizer, variables), fixed in zip(groups, gradients):
            optimizer.apply_gradients(zip(fixed, variables))
    return updates


def random_batches(config):
    """The input pipeline of training over random bytes: what an image shows does not change its cost."""
    shape = image_shape(config)
    count = max(_NUM_BYTES // math.prod(shape), config.training.batch_size)
    return endless_batches(np.random.default_rng(0).integers(0, 256, [count, *shape], np.uint8), config)


def endless_batches(images, config):
    """The input pipeline of training over any images [N, H, W, C], for as many epochs as are asked for."""
    return pipeline.training_batches(images, config.training.batch_size, config.seed, epochs=1_000_000,
                                     make_view=augment.make_view_function(config))


def pipeline_case(batches, steps, name=PIPELINE, warm_up=_BUFFERED):
    """The input pipeline with nothing else running; a step is a batch.

    Args:
        batches: a `tf.data.Dataset` that does not end.
        steps: batches a measurement.
        name: the case's name.
        warm_up: batches before the clock starts.

    Returns:
        The `Case`.
    """
    def measure():
        # A new iterator each time: an idle one would fill its buffers while others are measured.
        iterator = iter(batches)
        for _ in range(warm_up):
            next(iterator)
        start = time.perf_counter()
        for _ in range(steps):
            next(iterator)
        return (time.perf_counter() - start) / steps
    return Case(name, measure)


def fit_case(variant, batches, steps_per_execution):
    """An epoch of `model.fit` of 32 steps, from the first step to the end of the epoch."""
    model = variants.build(variant, steps_per_execution)

    def measure():
        clock = _EpochClock()
        model.fit(batches, epochs=1, steps_per_epoch=_FIT_STEPS, verbose=0, callbacks=[clock])
        return clock.seconds / _FIT_STEPS
    return Case(f"fit, steps_per_execution {steps_per_execution}", measure)


class _EpochClock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self._start

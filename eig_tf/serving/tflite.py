"""TFLite files of the networks that infer, for phones and small machines."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Dict, NamedTuple

import numpy as np
import tensorflow as tf

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.serving import reference
from eig_tf.serving.functional import functional

QUANTIZATIONS = ("none", "float16", "int8")
# Each network's signature; the names are those that the SavedModel gives to the same functions.
SIGNATURES = {"generator": "generate_from_code", "categorizer": "categorize"}


class Report(NamedTuple):
    """What was written, and how far its results are from the networks' on a fixed sample.

    Attributes:
        quantization: see `write`.
        sizes: bytes of each file, by name.
        rows: of the sample.
        mean_change: of the images' pixels, in levels of 255.
        largest_change: of a pixel, in levels of 255.
        same_code: share of the networks' images that the file puts in the same category as Q.
    """

    quantization: str
    sizes: Dict[str, int]
    rows: int
    mean_change: float
    largest_change: float
    same_code: float


def write(model, directory, quantization="none"):
    """Writes `generator.tflite` and `categorizer.tflite`, or, when either fails, neither.

    See `functional.Functional` for what they take and return, and `SIGNATURES` for their signatures. What
    goes in and out is float32 (categories int32) under every quantization, the batch size is free, and
    all operators are TFLite's own.

    Args:
        model: an `InfoGAN` that was restored in float32.
        directory: an existing one.
        quantization: `none`; `float16`: weights of half the size, computed with in float32; or `int8`:
            weights and activations are integers, their ranges those that a sample of the model's own
            latents and images has (full-integer quantization). Integer weights alone (dynamic range)
            would be as small and change images less, but run no faster than float32, and not at all on
            accelerators that only know integers.

    Returns:
        `Report`.

    Raises:
        UserError: the quantization is unknown.
        OSError: the directory cannot be written.
        RuntimeError: without quantization, the files differ from the networks by more than
            `reference.TOLERANCE`.
    """
    if quantization not in QUANTIZATIONS:
        raise UserError(f"--quantization is {quantization!r}; expected one of {', '.join(QUANTIZATIONS)}")
    with _native_messages_off():
        contents = _convert_both(model, quantization)
        expected = reference.reference(model)
        images = reference.run(_signature(contents, "generator"), expected.latents)["images"]
        recognized = reference.run(_signature(contents, "categorizer"), {"images": expected.images})
    if quantization == "none":
        reference.check("the TFLite files", reference.largest_difference(expected, images, recognized))
    with contextlib.ExitStack() as stack:
        for name, content in contents.items():
            stack.enter_context(files.replacing(Path(directory) / f"{name}.tflite")).write_bytes(content)
    return _report(quantization, contents, expected, images, recognized)


def lines(report):
    """A `Report` as lines of text."""
    return [
        *reference.size_lines(report.sizes),
        f"quantization {report.quantization}, on {report.rows} images: pixels change by "
        f"{report.mean_change:.2g} levels of 255 on average, {report.largest_change:.2g} at most; "
        f"{100 * report.same_code:.1f}% keep their category"]


def _convert_both(model, quantization):
    """The contents of the TFLite files, by network."""
    networks = functional(model)._asdict()
    representative = dict.fromkeys(networks)
    if quantization == "int8":
        # Not the sample that is compared afterwards, on which the ranges would fit too well.
        drawn = reference.reference(model, seed=1)
        representative = {"generator": drawn.latents, "categorizer": {"images": drawn.images}}
    return {name: _convert(network, SIGNATURES[name], quantization, representative[name])
            for name, network in networks.items()}


def _convert(network, signature, quantization, representative):
    """The content of a TFLite file.

    Args:
        network: a functional Keras model between dictionaries.
        signature: its name in the file.
        quantization: see `write`.
        representative: arrays [N, ...] that the network takes, by name; for `int8`.
    """
    specs = {name: tf.TensorSpec(tensor.shape, tensor.dtype, name)
             for name, tensor in network.input.items()}
    function = tf.function(lambda **inputs: network(inputs), autograph=False)
    root = tf.Module()
    root.weights = network.variables
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(root, directory, {signature: function.get_concrete_function(**specs)})
        converter = tf.lite.TFLiteConverter.from_saved_model(directory, [signature])
        if quantization != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantization == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if quantization == "int8":
            converter.representative_dataset = lambda: (
                (signature, batch) for batch in reference.batches(representative))
        return converter.convert()


def _signature(contents, network):
    interpreter = tf.lite.Interpreter(model_content=contents[network])
    return lambda batch: interpreter.get_signature_runner(SIGNATURES[network])(**batch)


def _report(quantization, contents, expected, images, recognized):
    change = 255.0 * np.abs(images - expected.images)
    return Report(
        quantization, {f"{name}.tflite": len(content) for name, content in contents.items()},
        len(images), float(change.mean()), float(change.max()),
        float(np.mean(recognized["code"] == expected.recognized["code"])))


@contextlib.contextmanager
def _native_messages_off():
    """Silences the converter's statistics, which no log level does. Its errors are exceptions."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

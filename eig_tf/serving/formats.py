"""Exports a run directory as TFLite or Keras files, for use without a model server."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf import files, progress
from eig_tf.errors import UserError
from eig_tf.models.base import GenerativeModel, Latents
from eig_tf.serving import export
from eig_tf.serving.functional import functional_networks

Arrays = Mapping[str, Any]
Network = Callable[[Arrays], Arrays]

QUANTIZATIONS = ("none", "float16", "int8")
# The TFLite signature of each network; a SavedModel has the same functions under the same names.
SIGNATURES = {"generator": "generate_from_code", "categorizer": "categorize"}
# The largest difference of float32 files from the networks: 1/40 of a level of 255. Rounding alone makes
# less than 1e-5 for trained networks.
TOLERANCE = 1e-4
_DESCRIPTION = "model.json"
# Batches bound the memory that large networks take.
_ROWS, _BATCH = 64, 16


class Sample(NamedTuple):
    """Inputs and outputs of a model's networks, arrays with N rows.

    Attributes:
        latents: the generator's inputs; those of size 0 are left out.
        images: its images, float32 [N, H, W, channels] in [0, 1].
        encoded: the categorizer's outputs for these images; see `functional_networks`.
    """

    latents: dict[str, np.ndarray]
    images: np.ndarray
    encoded: dict[str, np.ndarray]


class Report(NamedTuple):
    """The files that were written, and how far their results are from the networks' on a sample.

    Attributes:
        sizes: the size of each file in bytes, by name.
        rows: the number of rows of the sample.
        mean_change: the mean change of the images' pixels, in levels of 255.
        largest_change: the largest change of a pixel, in levels of 255.
        same_code: the share of the networks' images that the file assigns to the same code.
        difference: the largest difference of images, of probabilities and, relative to the largest feature
            (at least 1), of features.
    """

    sizes: dict[str, int]
    rows: int
    mean_change: float
    largest_change: float
    same_code: float
    difference: float

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        width = max(map(len, self.sizes))
        return [*(f"{name:<{width}}  {size / 1e6:8.2f} MB" for name, size in self.sizes.items()),
                f"on {self.rows} images, pixels change by {self.mean_change:.2g} levels of 255 on average, "
                f"{self.largest_change:.2g} at most; {100 * self.same_code:.1f}% keep their code"]


def export_files(path: str | os.PathLike, kind: str, output: str | os.PathLike | None = None,
                 name: str | None = None, quantization: str = "none") -> tuple[Path, Report]:
    """Export the last checkpoint of a run, replacing an earlier export of the same name and kind.

    The directory holds the generator and the categorizer, see `functional_networks`, and `model.json`, see
    `describe_model`.

    Args:
        path: the run directory.
        kind: `tflite` or `keras`.
        output: the directory of models; `export` in the run directory when None.
        name: the model's name; that of the data set when None.
        quantization: see `write_tflite`.

    Returns:
        The path `<output>/<name>-<kind>`, and the report.

    Raises:
        UserError: the quantization is unknown; the run cannot be exported, see `export.export_run`; the path
            holds something else, or `output` cannot be written.
        RuntimeError: see `write_tflite` and `write_keras`.
    """
    if quantization not in QUANTIZATIONS:
        raise UserError(f"--quantization is {quantization!r}; expected one of {', '.join(QUANTIZATIONS)}")
    run = export.load_run(path, output, name)
    target = run.output / f"{run.name}-{kind}"
    with export.reported_write_errors(run.output):
        _check_replaceable(target, kind)
        # TFLite computes on the CPU; the lower precision of a GPU would look like an error of the files.
        with files.replacing_directory(target, replace=True) as content, tf.device("/CPU:0"):
            categorizer = run.categories and run.categories.categorizer
            with progress.stage(f"writes and compares {kind} files"):
                report = (write_tflite(run.model, content, quantization, categorizer) if kind == "tflite" else
                          write_keras(run.model, content, categorizer))
            files.write_json(run.description, content / _DESCRIPTION)
    return target, report


def write_keras(model: GenerativeModel, directory: Path,
                category_network: keras.Model | None = None) -> Report:
    """Write `generator.keras` and `categorizer.keras`, which `keras.models.load_model` reads anywhere.

    Args:
        model: a model that was restored in float32.
        directory: an existing directory.
        category_network: see `functional_networks`.

    Raises:
        OSError: the directory cannot be written.
        RuntimeError: the files, read back, differ from the networks by more than `TOLERANCE`.
    """
    loaded = {}
    for name, network in functional_networks(model, category_network).items():
        network.save(directory / f"{name}.keras")
        loaded[name] = keras.models.load_model(directory / f"{name}.keras")
    return _compare_files(directory, "keras", draw_sample(model, 0, category_network), loaded, exact=True)


def write_tflite(model: GenerativeModel, directory: Path, quantization: str = "none",
                 category_network: keras.Model | None = None) -> Report:
    """Write `generator.tflite` and `categorizer.tflite`.

    Inputs and outputs are float32 (codes int32) under every quantization, the batch size is free, and all
    operators are TFLite's own.

    Args:
        model: a model that was restored in float32.
        directory: an existing directory.
        quantization: `none`; `float16`: weights of half the size, computed with in float32; or `int8`:
            integer weights and activations, with the ranges of a sample of the model's own latents and
            images (full-integer quantization). Integer weights alone (dynamic range quantization) would be as
            small and change images less, but run no faster than float32, and not at all on accelerators that
            only support integers.
        category_network: see `functional_networks`.

    Raises:
        OSError: the directory cannot be written.
        RuntimeError: without quantization, the files differ from the networks by more than `TOLERANCE`.
    """
    # Not the sample of the comparison, on which the ranges would fit too well.
    drawn = draw_sample(model, seed=1) if quantization == "int8" else None
    interpreted = {}
    with _silent_converter():
        for name, network in functional_networks(model, category_network).items():
            inputs = drawn and (drawn.latents if name == "generator" else {"images": drawn.images})
            content = _convert(network, SIGNATURES[name], quantization, inputs)
            (directory / f"{name}.tflite").write_bytes(content)
            interpreted[name] = _interpret(content, SIGNATURES[name])
        return _compare_files(directory, "tflite", draw_sample(model, 0, category_network), interpreted,
                              quantization == "none")


def draw_sample(model: GenerativeModel, seed: int = 0,
                category_network: keras.Model | None = None) -> Sample:
    """Draw latents as in training, and run the networks of a float32 model on them.

    There are 64 rows, or K if that is more. The codes take turns: a sample of the prior could lack rare ones.
    """
    num = max(_ROWS, model.num_codes)
    latents = model.sample_latents(
        num, tf.constant([seed, 0]), tf.one_hot(tf.range(num) % model.num_codes, model.num_codes))

    def generate(batch):
        return {"images": (model.generate(Latents(**batch)) + 1.0) / 2.0}

    def encode(batch):
        rescaled = batch["images"] * 2.0 - 1.0
        encoding = model.encode(rescaled)
        outputs = {"probabilities": tf.nn.softmax(encoding.code_logits),
                   "code": tf.argmax(encoding.code_logits, axis=-1), "feature": encoding.features}
        if category_network is not None:
            _, logits = category_network(rescaled, training=False)
            outputs.update(category_probabilities=tf.nn.softmax(logits), category=tf.argmax(logits, axis=-1))
        return outputs

    images = run_in_batches(generate, latents._asdict())["images"]
    return Sample({name: values.numpy() for name, values in latents._asdict().items() if values.shape[-1]},
                  images, run_in_batches(encode, {"images": images}))


def run_in_batches(network: Network, arrays: Arrays) -> dict[str, np.ndarray]:
    """Return the outputs of a network for arrays [N, ...], computed a few rows at a time."""
    results = [network(batch) for batch in _batches(arrays)]
    return {name: np.concatenate([result[name] for result in results]) for name in results[0]}


def _batches(arrays: Arrays) -> list[Arrays]:
    num = len(next(iter(arrays.values())))
    return [{name: values[start:start + _BATCH] for name, values in arrays.items()}
            for start in range(0, num, _BATCH)]


def _compare_files(directory: Path, kind: str, sample: Sample, networks: Mapping[str, Network],
                   exact: bool) -> Report:
    """Compare networks that were read from files with a sample of the original ones."""
    images = run_in_batches(networks["generator"], sample.latents)["images"]
    encoded = run_in_batches(networks["categorizer"], {"images": sample.images})
    change = np.abs(images - sample.images)
    feature_scale = max(1.0, np.abs(sample.encoded["feature"]).max())
    difference = float(np.max([
        change.max(), np.abs(encoded["feature"] - sample.encoded["feature"]).max() / feature_scale,
        *(np.abs(encoded[name] - expected).max() for name, expected in sample.encoded.items()
          if name.endswith("probabilities"))]))
    # NaN fails too.
    if exact and not difference <= TOLERANCE:
        raise RuntimeError(f"the {kind} files differ from the networks by {difference:.2g}; expected at most "
                           f"{TOLERANCE:.0e}")
    sizes = {f"{name}.{kind}": (directory / f"{name}.{kind}").stat().st_size for name in networks}
    return Report(sizes, len(images), 255.0 * float(change.mean()), 255.0 * float(change.max()),
                  float(np.mean(encoded["code"] == sample.encoded["code"])), difference)


def _convert(network: keras.Model, signature: str, quantization: str, representative: Any) -> bytes:
    """Return the content of a TFLite file; `representative` are inputs [N, ...] for `int8`."""
    specs = {name: tf.TensorSpec(tensor.shape, tensor.dtype, name) for name, tensor in network.input.items()}
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
                (signature, batch) for batch in _batches(representative))
        return converter.convert()


def _interpret(content: bytes, signature: str) -> Network:
    interpreter = tf.lite.Interpreter(model_content=content)
    return lambda batch: interpreter.get_signature_runner(signature)(**batch)


def _check_replaceable(target, kind):
    ours = {_DESCRIPTION, f"generator.{kind}", f"categorizer.{kind}"}
    if target.exists() and not (target.is_dir() and {path.name for path in target.iterdir()} <= ours):
        raise UserError(f"{target} exists and holds other things than an export for {kind}; expected an "
                        "earlier export or nothing there, or another --output or --name")


@contextlib.contextmanager
def _silent_converter() -> Iterator[None]:
    """Silence the converter's statistics, which ignore every log level; its errors are exceptions."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

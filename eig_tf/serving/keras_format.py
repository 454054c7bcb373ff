"""Keras files of the networks that infer: `keras.models.load_model` reads them without this package."""

from pathlib import Path
from typing import Dict, NamedTuple

from tensorflow import keras

from eig_tf import files
from eig_tf.serving import reference
from eig_tf.serving.functional import functional


class Report(NamedTuple):
    """What was written.

    Attributes:
        sizes: bytes of each file, by name.
        difference: between what the files, read back, and the networks compute; see
            `reference.largest_difference`.
    """

    sizes: Dict[str, int]
    difference: float


def write(model, directory):
    """Writes `generator.keras` and `categorizer.keras`, both or, when either fails, neither.

    See `functional.Functional` for what they take and return.

    Args:
        model: an `InfoGAN` that was restored in float32.
        directory: an existing one.

    Returns:
        `Report`.

    Raises:
        OSError: the directory cannot be written.
        RuntimeError: the files, read back, differ from the networks by more than
            `reference.TOLERANCE`.
    """
    networks = functional(model)
    paths = {name: Path(directory) / f"{name}.keras" for name in networks._fields}
    with files.replacing(paths["generator"]) as generator, \
            files.replacing(paths["categorizer"]) as categorizer:
        networks.generator.save(generator)
        networks.categorizer.save(categorizer)
        difference = _difference(reference.reference(model), keras.models.load_model(generator),
                                 keras.models.load_model(categorizer))
        reference.check("the Keras files", difference)
    return Report({path.name: path.stat().st_size for path in paths.values()}, difference)


def lines(report):
    """A `Report` as lines of text."""
    return [*reference.size_lines(report.sizes),
            f"read back, they differ from the networks by {report.difference:.1e} at most"]


def _difference(expected, generator, categorizer):
    images = reference.run(generator, expected.latents)["images"]
    recognized = reference.run(categorizer, {"images": expected.images})
    return reference.largest_difference(expected, images, recognized)

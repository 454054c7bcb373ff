"""From a run directory to files for TFLite or for Keras, where no model server runs."""

import os
import tempfile
from pathlib import Path

import tensorflow as tf

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving import keras_format, model_name, tflite
from eig_tf.serving.description import describe
from eig_tf.serving.export import cannot_write, restore

_DESCRIPTION = "model.json"


def export(path, kind, output=None, name=None, quantization="none"):
    """Exports the last checkpoint of a run; replaces what an earlier export of the same name and kind wrote.

    Args:
        path: the run directory.
        kind: `tflite` or `keras`; see the modules for what the two files, of G and of Q, hold. The third
            file is `model.json`, see `description.describe`.
        output: the directory of models; `export` in the run directory when None.
        name: of the model; that of the data set when None.
        quantization: of TFLite, see `tflite.write`.

    Returns:
        The `Path` `<output>/<name>-<kind>` and lines for people: sizes, and how far the files' results are
        from the networks' own.

    Raises:
        UserError: no run, no checkpoint, or one that cannot be restored; the run's evaluation is damaged;
            something else lies there, or `output` cannot be written.
    """
    directory = RunDirectory(path)
    config, model, epochs_done = restore(directory)
    name = name or config.dataset
    model_name.check(name)
    description = describe(directory, name, config, model, epochs_done)
    target = (directory.export if output is None else Path(output)) / f"{name}-{kind}"
    try:
        _check_ours(target, kind)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=target.parent) as temporary:
            content = Path(temporary) / "new"
            content.mkdir()
            # TFLite computes there, and a GPU's products of fewer bits would look like errors of the files.
            with tf.device("/CPU:0"):
                if kind == "tflite":
                    lines = tflite.lines(tflite.write(model, content, quantization))
                else:
                    lines = keras_format.lines(keras_format.write(model, content))
            files.write_json(description, content / _DESCRIPTION)
            _replace(target, content, Path(temporary) / "old")
    except (OSError, tf.errors.OpError) as error:
        raise cannot_write(target.parent, error) from None
    return target, lines


def _replace(target, new, old):
    # A directory that is not empty cannot be renamed to.
    if target.exists():
        os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:  # Ctrl-C too.
        if old.exists():
            os.rename(old, target)
        raise


def _check_ours(target, kind):
    ours = {_DESCRIPTION, f"generator.{kind}", f"categorizer.{kind}"}
    if target.exists() and not (target.is_dir() and {path.name for path in target.iterdir()} <= ours):
        raise UserError(f"{target} is there and holds other things than an export for {kind}; expected "
                        "nothing there or an earlier export, or another --output or --name")

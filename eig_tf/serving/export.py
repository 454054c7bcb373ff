"""From a run directory to a SavedModel that TF Serving can load."""

import json
from pathlib import Path

import tensorflow as tf

from eig_tf import files
from eig_tf.config import image_shape
from eig_tf.data import names
from eig_tf.data.pictures import CROP
from eig_tf.errors import UserError
from eig_tf.networks.precision import policy
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving import model_name, versions, warmup
from eig_tf.serving.description import describe
from eig_tf.serving.served_model import ServedModel
from eig_tf.serving.signatures import read_signatures

# Of the products inside the networks; what goes in and out is float32 always.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
DESCRIPTION = Path("assets.extra") / "model.json"


def export(path, output=None, name=None, version=None, keep=None, precision="float32"):
    """Exports the last checkpoint of a run as a new version of a model.

    Beside the SavedModel lie `assets.extra/model.json`, see `description.describe`, and the requests that
    TF Serving warms it up with, when tensorflow-serving-api is installed.

    Args:
        path: the run directory.
        output: the directory of models; `export` in the run directory when None.
        name: of the model; that of the data set when None.
        version: its number, 1 or more; the next one when None.
        keep: how many versions stay, the new one among them; all when None.
        precision: `float32` or `bfloat16`.

    Returns:
        The `Path` of the new version, `<output>/<name>/<version>`. See `ServedModel` for its signatures.

    Raises:
        UserError: no run, no checkpoint, or one that cannot be restored; the run's evaluation is damaged;
            no model can be called so; the version is there already; `output` cannot be written.
    """
    directory = RunDirectory(path)
    config, model, epochs_done = restore(directory, precision)
    name = name or config.dataset
    model_name.check(name)
    description = describe(directory, name, config, model, epochs_done)

    def write(content):
        _save(served_model(config, model, description["class_names"]), content)
        (content / DESCRIPTION).parent.mkdir()
        files.write_json(description, content / DESCRIPTION)
        if warmup.available():
            warmup.write(content, name)

    base = (directory.export if output is None else Path(output)) / name
    try:
        new = versions.write_version(base, write, version)
        if keep is not None:
            versions.prune(base, keep, new)
        return new
    except FileExistsError as error:
        raise UserError(f"--version is {version}, but {base} has it already; expected a new number "
                        "or no --version") from error
    except (OSError, tf.errors.OpError) as error:
        raise cannot_write(base.parent, error) from None


def served_model(config, model, class_names=None):
    """What is served of the model of a run.

    Args:
        config: of the run.
        model: its `InfoGAN`, K codes.
        class_names: of the K codes, None for those without; None when no code's is known.

    Returns:
        A `ServedModel`.
    """
    printable = [names.printable(name or "") for name in class_names or [None] * model.num_codes]
    return ServedModel(model, image_shape(config), config.data.get("resize", CROP), printable)


def cannot_write(output, error):
    """The `UserError` for an OSError or an error of TensorFlow's file systems."""
    reason = " ".join((getattr(error, "strerror", None) or str(error)).split())[:200]
    return UserError(f"--output {str(output)!r} cannot be written: {reason}")


def restore(directory, precision="float32"):
    """The config, model and epochs of a run, its networks made for a precision.

    Whatever policy training has set in this process does not matter.
    """
    with policy(PRECISIONS[precision]):
        return directory.restore_model()


def ensure(path):
    """Exports a finished run unless its latest version, at the usual place, has these epochs already.

    Returns:
        The `Path` of the latest version.

    Raises:
        UserError: see `export`.
    """
    directory = RunDirectory(path)
    config = directory.load_config()
    base = directory.export / config.dataset
    latest = base / str(versions.latest_version(base)) if base.is_dir() else base
    try:
        epochs = json.loads((latest / DESCRIPTION).read_text(encoding="utf-8"))["epochs_done"]
    except (OSError, ValueError, KeyError, TypeError):
        epochs = None
    return latest if epochs == config.training.epochs else export(path)


def notes(version):
    """What a version lacks that it could have, sentences for people; none where all is there."""
    found = []
    if json.loads((Path(version) / DESCRIPTION).read_text(encoding="utf-8"))["class_names"] is None:
        found.append("the codes have no class names, for there is no evaluation of these weights; where "
                     "there are labels, tools/evaluate.py makes one, and the next export has them")
    if not (Path(version) / warmup.FILE).is_file():
        found.append("there are no warm-up requests, so that the first requests are slow; they need "
                     "pip install 'eig_tf[serving]'")
    return found


def describe_signatures(version):
    """The signatures of a SavedModel as lines of text, sorted by name.

    Args:
        version: the directory of the SavedModel.

    Returns:
        Lines such as `prior  -> probabilities float32 [10]`; N stands for a free size.
    """
    signatures = read_signatures(version)
    width = max(map(len, signatures))
    return [f"{name:<{width}}  {_tensors(signature.inputs)} -> {_tensors(signature.outputs)}"
            for name, signature in sorted(signatures.items())]


def _tensors(infos):
    described = []
    for name, info in sorted(infos.items()):
        sizes = ["N" if dim.size < 0 else str(dim.size) for dim in info.tensor_shape.dim]
        described.append(f"{name} {tf.as_dtype(info.dtype).name} [{', '.join(sizes)}]")
    return ", ".join(described) or "no input"


def _save(served, content):
    # The networks themselves are not attached: Keras would add their training functions and metrics.
    root = tf.Module()
    for name, variables in served.variables().items():
        setattr(root, name, variables)
    tf.saved_model.save(root, str(content), signatures=served.signatures())

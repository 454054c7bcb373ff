"""From a run directory to a SavedModel that TF Serving can load."""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.networks.precision import policy
from eig_tf.run_directory import RunDirectory
from eig_tf.serving.served_model import ServedModel
from eig_tf.serving.versions import write_version


def export(path, output=None):
    """Exports the last checkpoint of a run, in float32, as the next version.

    Beside the SavedModel lies `assets.extra/model.json`: the run's config, the epochs done, the learned
    prior, and the package versions and git revision of its training.

    Args:
        path: the run directory.
        output: the directory of the versions; `export` in the run directory when None.

    Returns:
        The `Path` of the new version, such as `<output>/1`. See `ServedModel` for its signatures.

    Raises:
        UserError: no run, no checkpoint, or one that cannot be restored; `output` cannot be written.
    """
    directory = RunDirectory(path)
    # In float32, whatever policy training has set in this process.
    with policy("float32"):
        config, model, epochs_done = directory.restore_model()
    environment = directory.load_environment() if directory.environment.is_file() else {}
    description = {
        "config": config.to_dict(),
        "epochs_done": epochs_done,
        "prior": [float(probability) for probability in model.prior.probabilities],
        "packages": environment.get("packages"),
        "git_revision": environment.get("git_revision"),
    }

    def write(content):
        _save(ServedModel(model), content)
        (content / "assets.extra").mkdir()
        files.write_json(description, content / "assets.extra" / "model.json")

    base = directory.export if output is None else Path(output)
    try:
        return write_version(base, write)
    except (OSError, tf.errors.OpError) as error:
        reason = " ".join((getattr(error, "strerror", None) or str(error)).split())[:200]
        raise UserError(f"--output {str(base)!r} cannot be written: {reason}") from None


def describe_signatures(version):
    """The signatures of a SavedModel as lines of text, sorted by name.

    Args:
        version: the directory of the SavedModel.

    Returns:
        Lines such as `prior  -> probabilities float32 [10]`; N stands for a free size.
    """
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((Path(version) / "saved_model.pb").read_bytes())
    signatures = {name: signature for name, signature in saved_model.meta_graphs[0].signature_def.items()
                  if not name.startswith("__")}
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

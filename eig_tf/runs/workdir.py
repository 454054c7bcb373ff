"""Making a run directory ready: new, continued or started anew."""

import shutil

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.runs.run_directory import RunDirectory


def prepare(path, config, overwrite=False, data=None):
    """Creates a run directory, or checks that the run in it is the one asked for.

    More epochs than the saved config states are no other run: nothing in training depends on their
    number, so the directory's config is updated and training goes on.

    Args:
        path: the directory.
        config: the config asked for.
        overwrite: whether a run that lies there is deleted first.
        data: what tells the training images from others, as JSON can hold it; see `load_environment`.

    Returns:
        The `RunDirectory`, with the config saved.

    Raises:
        UserError: the directory holds a run of another config, on other images, or other files, or cannot
            be written.
    """
    directory = RunDirectory(path)
    try:
        if directory.config.is_file():
            if overwrite:
                _check_ours(directory)
                _clear(directory)
            else:
                _check_same_run(directory, config)
                _check_same_data(directory, data)
        elif directory.path.exists() and (not directory.path.is_dir() or any(directory.path.iterdir())):
            raise UserError(f"--workdir is {str(path)!r}, which exists and holds no run; expected a new "
                            "or empty directory, or one of an earlier run")
        directory.path.mkdir(parents=True, exist_ok=True)
        config_lib.save_config(config, directory.config)
    except OSError as error:
        raise UserError(f"--workdir {str(path)!r} cannot be written: {error.strerror}") from None
    return directory


def _check_ours(directory):
    """A config.json alone makes no run: other programs have files of that name, and much beside them."""
    if directory.environment.is_file():
        return
    try:
        directory.load_config()
    except UserError:
        raise UserError(f"{directory.path} has a config.json that eig_tf.train did not write; expected a "
                        "run directory, or another --workdir") from None


def _clear(directory):
    """Deletes what lies in a run directory, its config last, so that it is a run until nothing is left."""
    for entry in sorted(directory.path.iterdir(), key=lambda entry: entry == directory.config):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _check_same_run(directory, config):
    saved = directory.load_config()
    epochs = config.training.epochs
    if epochs > saved.training.epochs:
        saved.training.epochs = epochs
    found = config_lib.config_differences(saved, config)
    if found:
        raise UserError(f"{directory.path} holds a run of another config ({'; '.join(found)}); expected "
                        "the same settings, another --workdir, or --overwrite to start anew")


def _check_same_data(directory, data):
    """Two folders may go by the same flags, and a folder may change between two starts."""
    # A run that was stopped before its first step has no environment yet.
    saved = directory.load_environment().get("data") if directory.environment.is_file() else None
    if saved is not None and data is not None and saved != data:
        raise UserError(f"{directory.path} holds a run on other images ({saved['num_images']} then, "
                        f"{data['num_images']} now, or others of that number); expected the same --data_dir "
                        "with the same files, another --workdir, or --overwrite to start anew")

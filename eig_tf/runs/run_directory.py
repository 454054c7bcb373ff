"""A run directory: where everything of one training lies, and how it is read back."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.models.registry import build_model


class RunDirectory:
    """The paths of one run, and readers of what needs no more than the directory.

    Args:
        path: the directory; it need not exist yet.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.environment = self.path / "environment.json"
        self.checkpoints = self.path / "checkpoints"
        self.history = self.path / "history.csv"
        self.prior = self.path / "prior.csv"
        self.samples = self.path / "samples"
        self.logs = self.path / "logs"
        self.evaluation = self.path / "evaluation.json"
        self.confusion_picture = self.path / "confusion.png"
        self.prior_picture = self.path / "prior.png"
        self.export = self.path / "export"

    def load_config(self):
        """The config of the run.

        Raises:
            UserError: the directory is missing or holds no run.
        """
        if not self.config.is_file():
            raise UserError(f"{self.path} is no run directory: it has no config.json; expected one that "
                            "eig_tf.train wrote")
        return config_lib.load_config(self.config)

    def load_environment(self):
        """Where and with what the run was made: data_dir, what tells the
        training images from others (`data`), precision, machine, versions, git revision.

        Raises:
            UserError: the file is missing or damaged.
        """
        try:
            environment = json.loads(self.environment.read_text(encoding="utf-8"))
            if not isinstance(environment, dict):
                raise ValueError("it holds no JSON object")
            return environment
        except (OSError, ValueError) as error:
            raise UserError(f"{self.environment} cannot be read: {error}; expected the file that training "
                            "wrote") from None

    def save_environment(self, environment):
        """Writes what `load_environment` reads."""
        files.write_json(environment, self.environment)

    def checkpoint_manager(self, model):
        """Keeps the latest checkpoint: model, prior, optimizers, and the number of epochs done.

        Randomness needs no state of its own: it is a function of the seed, the epoch and the
        optimizers' step count.

        Raises:
            UserError: the list of checkpoints that lies there is damaged.
        """
        checkpoint = tf.train.Checkpoint(model=model, epochs_done=tf.Variable(0, dtype=tf.int64))
        try:
            manager = tf.train.CheckpointManager(checkpoint, str(self.checkpoints), max_to_keep=1)
        except ValueError as error:
            raise UserError(f"{self.checkpoints / 'checkpoint'} cannot be read: "
                            f"{' '.join(str(error).split())[:200]}; expected the file that training "
                            "wrote") from None
        # TensorFlow takes a list that it cannot parse for none at all, and training would start anew.
        if manager.latest_checkpoint is None and any(self.checkpoints.glob("*.index")):
            raise UserError(f"{self.checkpoints / 'checkpoint'} is missing or damaged, though checkpoints "
                            "lie beside it; expected the file that training wrote")
        return manager

    def restore_model(self):
        """Rebuilds the model with the weights of the last finished epoch.

        Returns:
            The config, the `InfoGAN` (not compiled) and the number of epochs done.

        Raises:
            UserError: no epoch was finished, the checkpoint does not fit or cannot be read, or it holds
                weights that are no finite numbers.
        """
        config = self.load_config()
        model = build_model(config)
        manager = self.checkpoint_manager(model)
        if manager.latest_checkpoint is None:
            raise UserError(f"{self.path} has no checkpoint yet; expected at least one finished epoch")
        restore(manager).expect_partial()
        if not all(np.isfinite(variable).all() for variable in model.variables):
            raise UserError(f"{manager.latest_checkpoint} holds weights that are no finite numbers; expected "
                            "a run that did not diverge")
        return config, model, int(manager.checkpoint.epochs_done)


def restore(manager):
    """Restores the latest checkpoint of a manager.

    Returns:
        The load status, for `expect_partial`.

    Raises:
        UserError: it is damaged or of another architecture.
    """
    try:
        status = manager.checkpoint.restore(manager.latest_checkpoint)
        status.assert_existing_objects_matched()
    except (tf.errors.OpError, ValueError, IndexError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{manager.latest_checkpoint} cannot be restored: {reason}") from None
    return status

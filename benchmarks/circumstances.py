"""What every report says of how it was made."""

import os

from eig_tf.runs import environment


def describe(note):
    """Of the machine, to be called before anything is measured: `note`, machine, load, package versions."""
    return {"note": note, "machine": environment.describe_machine(), "load_at_start": os.getloadavg()[0],
            "packages": environment.package_versions()}


def describe_networks(config):
    """Of the networks of a config: data set, preset and width."""
    return {"dataset": config.dataset, "preset": config.preset, "networks_width": config.networks.width}

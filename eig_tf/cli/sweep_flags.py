"""The flags that say where and how the runs of sweeps are trained, shared by the commands that train them."""

from __future__ import annotations

import math
from typing import Any

from absl import flags

from eig_tf import files

FLAGS = flags.FLAGS

flags.DEFINE_string("data_root", ".", "directory that the directories of the data sets are relative to")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of classifiers and decoded data sets")
flags.DEFINE_float("cpus_per_run", 1.0, "cores of each run", lower_bound=0.01)
flags.DEFINE_float("gpus_per_run", 0.0, "GPUs of each run, such as 0.15; 0 to train on CPUs", lower_bound=0.0)
flags.DEFINE_string("address", None, "address of a Ray cluster, such as auto or HOST:6379; this machine "
                    "alone when absent")
flags.DEFINE_integer("max_retries", 3, "how often a run whose process or machine died is started again",
                     lower_bound=0)

flags.register_validator("cpus_per_run", math.isfinite, "expected a finite number")
# What Ray accepts.
flags.register_validator(
    "gpus_per_run", lambda gpus: gpus == 0 or 1e-4 <= gpus < 1 or float(gpus).is_integer(),
    "expected 0, a share of one GPU of 0.0001 or more, or a whole number")

_PLACES = ("data_root", "cache_dir", "cpus_per_run", "gpus_per_run", "address")


def places_from_flags() -> dict[str, Any]:
    """Return the keyword arguments of `run_sweep` that the parsed flags give, but for `max_retries`."""
    return {name: FLAGS[name].value for name in _PLACES}

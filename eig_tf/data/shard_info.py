"""The description of prepared shards: what they were made of, which files they are, where images lie."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np

from eig_tf import config as config_lib
from eig_tf.data.loaders import class_sets
from eig_tf.errors import UserError

INFO = "dataset_info.json"
TOOL = "tools/prepare_data.py"
_VERSION = 1
_FIELDS = {"dataset": str, "data": dict, "image_shape": list, "class_names": list, "class_counts": list,
           "source": str, "notes": list, "has_groups": bool, "has_names": bool, "records": list}
_UNRELATED = "imbalance"  # of the options in `data`, the one that is applied after reading


def describe(image_set, config, num_shards):
    """The description of a set that is written as shards, as JSON can hold it.

    Args:
        image_set: the whole `ImageSet`.
        config: what it was loaded by.
        num_shards: how many shards it goes to.
    """
    order = shard_order(len(image_set.images), num_shards)
    return {"format_version": _VERSION, **_origin(config), "image_shape": list(image_set.image_shape),
            "class_names": list(image_set.class_names),
            "class_counts": [] if image_set.labels is None else image_set.class_counts().tolist(),
            "source": image_set.source,
            "notes": list(image_set.notes), "has_groups": image_set.groups is not None,
            "has_names": image_set.names is not None,
            "records": np.bincount(order, minlength=num_shards).tolist()}


def shard_order(num, num_shards):
    """The shard of each image, int64 [num]: every run of `num_shards` images meets each shard once.

    Dealing them out in turn would give a shard the same few views of every object.
    """
    # RandomState's stream is frozen, which that of numpy's newer generators is not.
    draws = np.random.RandomState(0).random_sample((math.ceil(num / num_shards), num_shards))
    return np.argsort(draws, axis=1, kind="stable").ravel()[:num]


def read(directory):
    """Reads the description in a directory, as a dict.

    Raises:
        UserError: it is missing, damaged or of another version.
    """
    path = Path(directory) / INFO
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        _check(info)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected what {TOOL} writes") from None
    except KeyError as error:
        raise UserError(f"{path} lacks {error}; expected what {TOOL} writes") from None
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is damaged or of another version: {error}; expected what {TOOL} "
                        "writes") from None
    return info


def check_origin(directory, info, config):
    """Raises a `UserError` that names the flags by which a config chooses other data than was prepared."""
    if info["dataset"] != config.dataset:
        raise UserError(f"{directory} was prepared for --dataset={info['dataset']}, not {config.dataset}; "
                        "expected the same data set")
    asked = _origin(config)
    pairs = [(f"data.{name}", info["data"].get(name), asked["data"].get(name))
             for name in sorted(info["data"].keys() | asked["data"].keys())]
    # Only where both draw their classes: else the class sets differ, which says it all.
    if None not in (info["seed"], asked["seed"]):
        pairs.append(("seed", info["seed"], asked["seed"]))
    different = [f"{config_lib.flag(field)} is {old} there, {new} here" for field, old, new in pairs
                 if old != new]
    if different:
        raise UserError(f"{directory} was prepared with other options: {'; '.join(different)}; expected the "
                        "same ones, or shards that were prepared with these")


def paths(directory, info):
    """The shards that a description names, a list of `Path`."""
    num = len(info["records"])
    return [Path(directory) / f"{info['dataset']}-{shard:05d}-of-{num:05d}.tfrecord" for shard in range(num)]


def status(path):
    """`stat` of a shard; a `UserError` when there is no such file."""
    try:
        return path.stat()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected one of the shards that {INFO} beside it "
                        "describes") from None


def digest(directory, info, modules):
    """Changes with the description, the shards' sizes and times and the code of `modules`."""
    content = hashlib.sha256()
    for module in modules:
        content.update(Path(module).read_bytes())
    content.update(json.dumps([str(Path(directory).resolve()), info], sort_keys=True).encode())
    for path in paths(directory, info):
        found = status(path)
        content.update(repr((path.name, found.st_size, found.st_mtime_ns)).encode())
    return content.hexdigest()[:16]


def _origin(config):
    """What of a config decides which images a data set has, as JSON can hold it."""
    data = {name: value for name, value in config.data.to_dict().items() if name != _UNRELATED}
    seed = config.seed if data.get("class_set") == class_sets.RANDOM else None
    return {"dataset": config.dataset, "data": data, "seed": seed}


def _check(info):
    if info["format_version"] != _VERSION:
        raise ValueError(f"its format_version is {info['format_version']}, not {_VERSION}")
    for field, kind in _FIELDS.items():
        if not isinstance(info[field], kind):
            raise ValueError(f"its {field} is {info[field]!r}")
    if not isinstance(info["seed"], (int, type(None))):
        raise ValueError(f"its seed is {info['seed']!r}")
    if not _are_counts(info["image_shape"]) or len(info["image_shape"]) != 3:
        raise ValueError(f"its image_shape is {info['image_shape']}")
    records = info["records"]
    if not _are_counts(records) or np.bincount(shard_order(sum(records), len(records))).tolist() != records:
        raise ValueError(f"its records are {records}")


def _are_counts(values):
    return bool(values) and all(isinstance(value, int) and value > 0 for value in values)

"""Prepared data sets: TFRecord shards and a description, for several hosts or a machine without the files.

Image j goes to the shard that `shard_info.shard_order` names, which mixes the classes over the shards and
gives the images back in their order. Each record is a `tf.train.Example` with the features of `_FEATURES`.
"""

import contextlib
import fcntl
import math
import os
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from eig_tf import files
from eig_tf.data import cache, shard_info
from eig_tf.data.shard_info import INFO, TOOL
from eig_tf.errors import UserError

MAX_SHARDS = 512  # all of them are open at once
DEFAULT_SHARDS = 8
_FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),  # uint8 [H, W, C] in C order
    "label": tf.io.FixedLenFeature([], tf.int64),  # -1 for images without labels
    "group": tf.io.FixedLenFeature([], tf.int64),  # the image's position in sets without groups
    "name": tf.io.FixedLenFeature([], tf.string),  # empty in sets without names
}
_CHUNK = 256
_MODULES = (__file__, shard_info.__file__, cache.__file__)


def is_prepared(directory):
    """Whether a directory holds what `write` writes."""
    return (Path(directory) / INFO).is_file()


def check_output(directory):
    """Raises a `UserError` unless shards can be written as `directory`: it is absent or empty."""
    directory = Path(directory).expanduser()
    if directory.exists() and not directory.is_dir():
        raise UserError(f"--out is {str(directory)!r}, which is no directory; expected a new or empty one")
    if directory.exists() and any(directory.iterdir()):
        raise UserError(f"--out is {str(directory)!r}, which is not empty; expected a new or empty directory")


def write(image_set, config, directory, num_shards=None):
    """Writes a data set as shards, whole or not at all.

    They are written beside `directory` and renamed at the end, so that a run that was killed can be
    repeated. One process at a time writes a directory.

    Args:
        image_set: the whole `ImageSet`, before imbalance.
        config: what it was loaded by; see `eig_tf.config`.
        directory: where the shards go; absent or empty.
        num_shards: how many, 1 to `MAX_SHARDS` and at most one an image; `DEFAULT_SHARDS`, or as many as
            there are images, when None.

    Raises:
        UserError: the directory is in use, the disk full or the number of shards out of range.
        OSError: the directory cannot be made.
    """
    most = min(MAX_SHARDS, len(image_set.images))
    num_shards = min(DEFAULT_SHARDS, most) if num_shards is None else num_shards
    if not 1 <= num_shards <= most:
        raise UserError(f"--num_shards is {num_shards}; expected 1 to {most} for "
                        f"{len(image_set.images)} images")
    info = shard_info.describe(image_set, config, num_shards)
    order = shard_info.shard_order(len(image_set.images), num_shards)
    with _replacing_directory(directory) as temporary:
        try:
            _write_shards(image_set, order, shard_info.paths(temporary, info))
        except tf.errors.OpError as error:  # What TensorFlow makes of a full disk.
            raise UserError(f"--out is {str(directory)!r}, which cannot be written: {error.message}; "
                            "expected a directory with room for the images") from None
        files.write_json(info, temporary / INFO)


def load(directory, config, cache_dir):
    """Reads a prepared data set back, as it was before it was written.

    The first time, its images are copied into the cache, from where they are memory-mapped.

    Args:
        directory: what `write` wrote.
        config: must choose the data that was prepared; `data.imbalance` is free.
        cache_dir: directory of the cache.

    Returns:
        The whole `ImageSet`.

    Raises:
        UserError: the config chooses other data, or a file is missing or damaged.
        OSError: the cache cannot be written.
    """
    info = shard_info.read(directory)
    shard_info.check_origin(directory, info, config)
    paths = shard_info.paths(directory, info)
    key = f"{info['dataset']}-shards-{shard_info.digest(directory, info, _MODULES)}"

    def build(writer):
        print(f"reads {sum(info['records'])} images from {len(paths)} shards once, into "
              f"{cache.set_directory(cache_dir, key)}", flush=True)
        for image, label, group, name in _read_in_order(paths, info):
            writer.append(image[np.newaxis], label, group, name)
        writer.finish(info["class_names"], info["source"], info["notes"])

    image_set = cache.cached(cache_dir, key, build)
    return image_set._replace(groups=image_set.groups if info["has_groups"] else None,
                              names=image_set.names if info["has_names"] else None)


def stream(directory, host=0, num_hosts=1):
    """The images of one host out of several, in an order that is always the same.

    Args:
        directory: what `write` wrote.
        host: number of this host, 0 to `num_hosts` - 1; it takes every `num_hosts`-th shard.
        num_hosts: how many hosts share the set.

    Returns:
        A finite `tf.data.Dataset` of (image uint8 [H, W, C], label int64, -1 without labels), unshuffled.
        Reading a damaged shard raises `tf.errors.DataLossError`.

    Raises:
        UserError: the description or a shard is missing, or there are fewer shards than hosts.
    """
    info = shard_info.read(directory)
    paths = shard_info.paths(directory, info)
    if not 1 <= num_hosts <= len(paths):
        raise UserError(f"{directory} holds {len(paths)} shards for {num_hosts} hosts; expected 1 host or "
                        f"more and at least a shard each, see --num_shards of {TOOL}")
    if not 0 <= host < num_hosts:
        raise UserError(f"the host is number {host} of {num_hosts}; expected 0 to {num_hosts - 1}")
    own = paths[host::num_hosts]
    for path in own:
        shard_info.status(path)
    examples = tf.data.Dataset.from_tensor_slices([str(path) for path in own]).interleave(
        tf.data.TFRecordDataset, cycle_length=min(len(own), DEFAULT_SHARDS),
        num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return (examples.map(lambda record: _parse(record, info), num_parallel_calls=tf.data.AUTOTUNE)
            .map(lambda example: (example["image"], example["label"]))
            .apply(tf.data.experimental.assert_cardinality(sum(info["records"][host::num_hosts]))))


def _write_shards(image_set, order, paths):
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(str(path))) for path in paths]
        for shard, example in zip(order, _examples(image_set)):
            writers[shard].write(example)


def _examples(image_set):
    """Each image as a serialized `tf.train.Example`, in order."""
    num = len(image_set.images)
    labels = np.full(num, -1) if image_set.labels is None else image_set.labels
    groups = np.arange(num) if image_set.groups is None else image_set.groups
    for start in range(0, num, _CHUNK):
        # Images in a file come in chunks, not one by one: each read gives its pages back.
        for position, image in enumerate(np.asarray(image_set.images[start:start + _CHUNK]), start):
            name = "" if image_set.names is None else str(image_set.names[position])
            name = name.encode("utf-8", "surrogateescape")
            yield tf.train.Example(features=tf.train.Features(feature={
                "image": _bytes(image.tobytes()), "label": _integer(labels[position]),
                "group": _integer(groups[position]), "name": _bytes(name)})).SerializeToString()


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _integer(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _parse(record, info):
    example = tf.io.parse_single_example(record, _FEATURES)
    flat = tf.ensure_shape(tf.io.decode_raw(example["image"], tf.uint8), [math.prod(info["image_shape"])])
    return {**example, "image": tf.reshape(flat, info["image_shape"])}


def _read_in_order(paths, info):
    """Image, label, group and name of each record, in the order of the original; all shards are checked."""
    # Record by record, so that an error can name its file.
    shards = [tf.data.TFRecordDataset(str(path)).as_numpy_iterator() for path in paths]
    for shard in shard_info.shard_order(sum(info["records"]), len(paths)):
        record = _next_record(shards[shard], paths[shard])
        if record is None:
            raise UserError(f"{paths[shard]} holds fewer than {info['records'][shard]} records, which {INFO} "
                            "says it has; prepare the data set again")
        try:
            yield _decode(record, info)
        except (DecodeError, LookupError, ValueError) as error:
            raise UserError(f"{paths[shard]} holds a record that {TOOL} did not write ({error}); prepare the "
                            "data set again") from None
    for shard, path, records in zip(shards, paths, info["records"]):
        if _next_record(shard, path) is not None:
            raise UserError(f"{path} holds more than {records} records, which {INFO} says it has; prepare "
                            "the data set again")


def _next_record(shard, path):
    """The next record of a shard, None at its end."""
    try:
        return next(shard, None)
    except tf.errors.DataLossError:
        raise UserError(f"{path} is truncated or damaged; expected a shard as {TOOL} writes it; prepare the "
                        "data set again") from None
    except tf.errors.OpError as error:  # Such as a file that may not be read, or that has just gone.
        raise UserError(f"{path} cannot be read ({type(error).__name__}); expected a shard as {TOOL} writes "
                        "it") from None


def _decode(record, info):
    features = tf.train.Example.FromString(record).features.feature
    label, group = (features[name].int64_list.value[0] for name in ("label", "group"))
    image, name = (features[name].bytes_list.value[0] for name in ("image", "name"))
    if not -1 <= label < max(1, len(info["class_names"])):
        raise ValueError(f"label {label} of {len(info['class_names'])} classes")
    return np.frombuffer(image, np.uint8).reshape(info["image_shape"]), label, group, name.decode(
        "utf-8", "surrogateescape")


@contextlib.contextmanager
def _replacing_directory(directory):
    """Yields an empty directory beside `directory`; renames it to `directory` when the block succeeds."""
    # A link to an empty directory stays one: what it points to is replaced.
    directory = Path(directory).expanduser().resolve()
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = directory.with_name(f".{directory.name}.partial")
    lock = directory.with_name(f".{directory.name}.lock")
    with lock.open("w") as file:
        try:
            # The kernel gives the lock back when its holder dies, however it dies.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"--out is {str(directory)!r}, which another process is writing; expected a "
                            "directory of its own") from None
        except OSError as error:
            raise UserError(f"{lock} cannot be locked: {error.strerror}; expected --out on a file system "
                            "with locks") from None
        # Under the lock: another process may have finished since the last look.
        check_output(directory)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
            os.rename(temporary, directory)
            # Not after a failure: who waits with the old file open and who makes a new one would both write.
            lock.unlink()
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

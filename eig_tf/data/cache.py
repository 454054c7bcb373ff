"""Decoded data sets on disk: made once, whole or not at all, by one process at a time."""

import contextlib
import fcntl
import io
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np

from eig_tf import files
from eig_tf.data.image_set import ImageSet
from eig_tf.data.stored_images import StoredImages
from eig_tf.errors import UserError

_IMAGES, _INFO = "images.uint8", "info.json"
_ARRAYS = ("labels", "groups", "names")


class Writer:
    """Takes the images of one set in order and keeps none of them in memory.

    Args:
        directory: where the set is written; it exists.
    """

    def __init__(self, directory):
        self._directory = directory
        self._file = (directory / _IMAGES).open("wb")
        self._columns = {name: [] for name in _ARRAYS}
        self._image_shape = None
        self._num = 0

    def append(self, images, label, group, name):
        """Adds images of one label, group and file name.

        Args:
            images: uint8 [n, H, W, C], H, W and C as before.
            label: index of their class, or -1.
            group: see `ImageSet`; None where each image stands for itself, for all images of a set or none.
            name: the file that they came from.

        Raises:
            OSError: the file cannot be written.
        """
        self._image_shape = self._image_shape or images.shape[1:]
        if images.dtype != np.uint8 or images.shape[1:] != self._image_shape:
            raise ValueError(f"{name}: {images.dtype} images of {images.shape[1:]}; expected uint8 images "
                             f"of {self._image_shape}")
        with _naming(self._file.name):
            self._file.write(np.ascontiguousarray(images).data)
        groups = range(self._num, self._num + len(images)) if group is None else [group] * len(images)
        for column, values in zip(self._columns.values(),
                                  ([label] * len(images), groups, [name] * len(images))):
            column.extend(values)
        self._num += len(images)

    def finish(self, class_names, source, notes):
        """Writes what surrounds the images; see `ImageSet` for the arguments."""
        with _naming(self._directory):
            self._file.close()
            for name, column in self._columns.items():
                content = io.BytesIO()
                np.save(content, np.array(column) if name == "names" else np.array(column, np.int64))
                # np.save itself, given a path, does not notice when the disk is full.
                (self._directory / f"{name}.npy").write_bytes(content.getbuffer())
            files.write_json(
                {"shape": [self._num, *(self._image_shape or ())], "class_names": list(class_names),
                 "source": source, "notes": list(notes)}, self._directory / _INFO)

    def close(self):
        """Closes the file of images, finished or not."""
        with _naming(self._file.name):
            self._file.close()


def cached(cache_dir, key, build):
    """The set that `build` makes, made anew only when it is not in the cache.

    A preparation that was killed leaves a directory of another name, which the next one deletes. A
    second process that wants the same set waits for the first. Old sets stay until the user deletes
    them, which is why their place and size are printed.

    Args:
        cache_dir: directory of the cache.
        key: name of the set; another one for whatever could change its content.
        build: called with a `Writer`, and calls its `append` and at last its `finish`.

    Returns:
        An `ImageSet` whose images stay in the file.

    Raises:
        UserError: what the cache holds is damaged.
        OSError: the cache cannot be written.
    """
    directory = set_directory(cache_dir, key)
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with _locked(directory.with_name(f"{key}.lock")):
            if not directory.exists():
                _build(directory, build)
    return _read(directory)


def set_directory(cache_dir, key):
    """Where a set lies in the cache."""
    return Path(cache_dir).expanduser() / "data" / key


@contextlib.contextmanager
def _naming(path):
    """Gives errors of writing the path that they lack, such as those of a full disk."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from None


@contextlib.contextmanager
def _locked(path):
    with path.open("w") as file:
        try:
            # The kernel gives the lock back when its holder dies, however it dies.
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waits for another process that makes {path.with_suffix('')}", flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(f"{path} cannot be locked: {error.strerror}; expected --cache_dir on a file "
                            "system with locks") from None
        yield


def _build(directory, build):
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with contextlib.closing(Writer(partial)) as writer:
            build(writer)
        os.rename(partial, directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    size = sum(path.stat().st_size for path in directory.iterdir())
    print(f"decoded images take {size / 1e6:.1f} MB in {directory}, which may be deleted", flush=True)


def _read(directory):
    try:
        info = json.loads((directory / _INFO).read_text(encoding="utf-8"))
        shape = tuple(info["shape"])
        size = (directory / _IMAGES).stat().st_size
        if size != math.prod(shape):
            raise ValueError(f"{_IMAGES} holds {size} bytes, expected {math.prod(shape)}")
        labels, groups = (np.load(directory / f"{name}.npy") for name in ("labels", "groups"))
        names = np.load(directory / "names.npy", mmap_mode="r")
        if not len(labels) == len(groups) == len(names) == shape[0]:
            raise ValueError("its arrays differ in length")
        return ImageSet(
            StoredImages(directory / _IMAGES, shape), labels if info["class_names"] else None,
            tuple(info["class_names"]), info["source"], groups, names, tuple(info["notes"]))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{directory} holds a decoded data set that cannot be read: {error}; delete the "
                        "directory, and it is made anew") from None

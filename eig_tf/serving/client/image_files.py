"""What `tools/client.py` makes of a server's answers: pictures, and a table of a folder of images."""

import io
import os
import sys

import numpy as np
from eig_tf.serving.client.model_client.transport import ServingError
from PIL import ExifTags, Image

from eig_tf import files
from eig_tf.data import names, pictures, trees
from eig_tf.errors import UserError
from eig_tf.evaluation import categories_table
from eig_tf.figures import tiling

# Share of the files of a folder that may be left out, as for training on one.
_MAX_UNREADABLE = 0.05
# Of one request; bounds the memory that encoded images take.
_FILES, _BYTES = 64, 2**25


def to_png(image):
    """An image, float [H, W, 1 or 3] in [0, 1], as PNG."""
    content = io.BytesIO()
    tiling.to_image(np.rint(image * 255).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def write_images(images, columns, stems, output):
    """Writes encoded images: as one grid where `output` ends in .png, else a file each.

    Args:
        images: bytes of N PNG files of one size.
        columns: of the grid.
        stems: N names of the files, without `.png`.
        output: the file, or the directory, which is made when it is missing.
    """
    if output.suffix.lower() == ".png":
        cells = np.stack([pictures.to_array(Image.open(io.BytesIO(image))) for image in images])
        tiling.save_png(tiling.tile(cells, min(columns, len(cells))), output)
        return
    output.mkdir(exist_ok=True)
    for image, stem in zip(images, stems):
        with files.replacing(output / f"{stem}.png") as temporary:
            temporary.write_bytes(image)


def categorize_folder(client, folder, path):
    """Sorts a folder of images by the categories of a served model; writes a table.

    Args:
        client: a `Client`.
        folder: `Path` of the folder; the images of sub-folders are sorted too.
        path: the CSV file: `file`, `code` and `probability` of each image, and `class` where all images
            lie in sub-folders, as tools/categorize.py writes.

    Returns:
        The number of images of each code, int64 [K], and a sentence for every file that was left out.

    Raises:
        UserError: there are no images, or too many cannot be read.
        ServingError: see `Client`.
    """
    found = sorted((os.path.relpath(file, folder) for file in trees.files_below(folder)
                    if os.path.splitext(file)[1].lower() in pictures.SUFFIXES), key=names.natural_key)
    if not found:
        raise UserError(f"{folder} holds no images; expected files named "
                        f"{', '.join('*' + suffix for suffix in pictures.SUFFIXES)}")
    rows, unreadable = [], []
    with _Progress(len(found)) as progress:
        for batch in _batches(folder, found, unreadable):
            for name, probabilities in _categorize(client, batch, unreadable):
                rows.append((name, int(probabilities.argmax()), probabilities.max()))
                num_codes = len(probabilities)
            progress.show(len(rows) + len(unreadable))
            _check_share(folder, unreadable, len(found))
    found, codes, probabilities = zip(*rows)
    labelled = all(os.sep in name for name in found)
    with files.replacing(path) as temporary:
        categories_table.write(temporary, found, codes, probabilities,
                               [name.split(os.sep)[0] for name in found] if labelled else None)
    return np.bincount(codes, minlength=num_codes), unreadable


def _batches(folder, found, unreadable):
    """Names and contents of files, as many as fit into one request."""
    batch, size = [], 0
    for name in found:
        try:
            content = _encoded(folder / name)
        except pictures.Unreadable as error:
            unreadable.append(f"{name}: {error}")
            continue
        if batch and (len(batch) == _FILES or size + len(content) > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append((name, content))
        size += len(content)
    yield batch


def _encoded(path):
    """A file as it is where the server reads it as `data.pictures` does, else written anew as PNG."""
    if _is_read_alike(path):
        return path.read_bytes()
    content = io.BytesIO()
    pictures.read(path).save(content, "PNG")
    return content.getvalue()


def _is_read_alike(path):
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            # TensorFlow does not turn pictures upright.
            return picture.getexif().get(ExifTags.Base.Orientation, 1) == 1
    except Exception:  # Whatever a damaged file makes Pillow stumble on; `pictures` says it in words.
        return False


def _categorize(client, batch, unreadable):
    """Yields names and probabilities [K]; a file that the server refuses is found by halving."""
    if not batch:
        return
    try:
        answer = client.categorize_bytes([content for _, content in batch])
    except ServingError as error:
        if error.code != "INVALID_ARGUMENT":
            raise
        if len(batch) == 1:
            unreadable.append(f"{batch[0][0]}: {error}")
            return
        for half in (batch[:len(batch) // 2], batch[len(batch) // 2:]):
            yield from _categorize(client, half, unreadable)
        return
    yield from zip((name for name, _ in batch), answer["probabilities"])


def _check_share(folder, unreadable, total):
    if len(unreadable) > _MAX_UNREADABLE * total:
        raise UserError(f"{folder}: {len(unreadable)} of {total} files are unreadable "
                        f"({names.first_few(unreadable, '; ')}); expected a share of at most "
                        f"{_MAX_UNREADABLE:g}")


class _Progress:
    """A line that counts images, on a terminal only. Keras has one, but imports TensorFlow."""

    def __init__(self, total):
        self._total, self._shown = total, sys.stdout.isatty()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._shown:
            print(flush=True)

    def show(self, done):
        if self._shown:
            filled = 30 * done // self._total
            print(f"\r[{'=' * filled}{'.' * (30 - filled)}] {done}/{self._total} images", end="", flush=True)

"""The images of a run for TensorBoard's projector: features, labels and thumbnails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google.protobuf import text_format
from tensorboard.plugins.projector import ProjectorConfig

from eig_tf import files
from eig_tf.figures import tiling
from eig_tf.reports.run_content import SortedImages

# The browser lays out all of them, and its sprite has 8,192 pixels at most on a side.
MAX_PROJECTED = 5000
_SIDE = 48
_FOLDER = "projector"


def write_projector(found: SortedImages, logs: Path, noun: str, seed: int = 0) -> int:
    """Write a run's images into its directory of TensorBoard files, each file atomically.

    Args:
        found: the images; of more than 5,000, as many at random.
        logs: the directory; an earlier projection in it is replaced.
        noun: what a category is called.
        seed: of the images that are taken.

    Returns:
        The number of images.

    Raises:
        OSError: a file cannot be written.
    """
    num = len(found.features)
    taken = np.arange(num)
    if num > MAX_PROJECTED:
        taken = np.sort(np.random.default_rng(seed).choice(num, MAX_PROJECTED, replace=False))
    folder = logs / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with files.replacing(folder / "features.tsv") as path:
        np.savetxt(path, found.features[taken], fmt="%.5g", delimiter="\t")
    columns = ["file", noun, "probability", *([] if found.image_set.labels is None else ["class"])]
    rows = [[found.name_of(index), str(found.categories[index]), f"{found.confidence[index]:.3f}",
             *([] if found.image_set.labels is None else [found.class_of(index) or ""])] for index in taken]
    files.write_text("".join("\t".join(row) + "\n" for row in [columns, *rows]), folder / "metadata.tsv")
    side = min(_SIDE, found.image_set.image_shape[0])
    thumbnails = np.concatenate([tiling.shrink(np.asarray(found.image_set.images[part]), side)
                                 for part in np.array_split(taken, -(-len(taken) // 250))])
    tiling.save_png(tiling.tile(thumbnails, int(np.ceil(len(taken)**0.5)), gap=0), folder / "sprite.png")
    config = ProjectorConfig()
    embedding = config.embeddings.add(
        tensor_name="images", tensor_path=f"{_FOLDER}/features.tsv", metadata_path=f"{_FOLDER}/metadata.tsv")
    embedding.sprite.image_path = f"{_FOLDER}/sprite.png"
    embedding.sprite.single_image_dim.extend([side, side])
    # Last: with it, TensorBoard looks for the other files.
    files.write_text(text_format.MessageToString(config), logs / "projector_config.pbtxt")
    return len(taken)

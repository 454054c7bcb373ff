"""Your own images: a folder, a list of files or an archive; see README, Your own images.

What it trains: whatever lies there, resized to squares; labels serve evaluation only.
With --preset=cpu: smaller networks and 100 epochs, for machines without a GPU.
What to expect: depends on the images. Use 28 or 32 pixels for a first try without a GPU.

    python -m eig_tf.train --dataset=folder --data_dir=DIRECTORY --image_size=32 --num_codes=20
    python -m eig_tf.train --dataset=folder --data_dir=DIRECTORY --preset=cpu --num_codes=20
"""

from ml_collections import config_dict

from eig_tf.config import default_config, for_64x64, for_cpu


def get_config() -> config_dict.ConfigDict:
    """Return the preset; delta is a mild version of what the paper uses for photographs."""
    config = for_64x64(default_config())
    config.dataset = "folder"
    config.data.imbalance = "none"
    config.data.image_size = 64  # 28 | 32 | 64 | 128
    config.data.channels = 3  # 1: grey | 3: colour
    config.data.resize = "crop"  # crop: the centred square | pad: the whole image, its border repeated
    config.data.stretch_contrast = False  # True: each image by itself, for photographs in different light
    config.data.recursive = False  # True: also a folder that holds images beside sub-folders, without classes
    config.data.max_unreadable = 0.05  # share of the files that may be left out
    config.augment.crop = 0.95
    return config


def get_cpu_config() -> config_dict.ConfigDict:
    """Return the preset for machines without a GPU."""
    return for_cpu(get_config(), epochs=100)

"""ShapeNet: renders of five categories, imbalanced by the number of their objects (section 4).

What it trains: 64x64 colour images, 30 views of each object; batch 50, 600 epochs, as for cars.
With --preset=cpu: smaller networks and 90 epochs, for machines without a GPU; see README, Results.
What the paper reports: NMI 0.790, ENT 0.297 (`elastic_infogan`).

    python -m eig_tf.train --dataset=shapenet --data_dir=DIRECTORY
    python -m eig_tf.train --dataset=shapenet --data_dir=DIRECTORY --num_codes=3 --imbalance=0.5,0.3,0.2 \
        --config.data.categories=chair,table,lamp
"""

from ml_collections import config_dict

from eig_tf.config import default_config, for_64x64, for_cpu


def get_config() -> config_dict.ConfigDict:
    """Return the preset; delta is rotation, mirroring and a crop that keeps 95% (section 4)."""
    config = for_64x64(default_config())
    config.dataset = "shapenet"
    # Folder names or synset ids, separated by commas; NAME=FOLDER gives a folder another name.
    config.data.categories = "car,airplane,bowl,can,rifle"
    config.data.views = 30  # of each object, the first by file name
    config.data.max_unreadable = 0.0  # share of the files that may be left out
    config.augment.crop = 0.95
    # Kinds of objects have no colours of their own.
    config.categories.ignore_colours = True
    config.networks.num_codes = 5
    return config


def get_cpu_config() -> config_dict.ConfigDict:
    """Return the preset for machines without a GPU."""
    return for_cpu(get_config(), epochs=90)

"""What a data directory holds and lacks, without decoding it."""

from eig_tf.data import imbalance, listing, registry, shard_info, shards
from eig_tf.data.loaders import mnist
from eig_tf.errors import UserError


def lines(config, data_dir=None):
    """Says what is found and what is missing, and stops where training would.

    Args:
        config: see `eig_tf.config`.
        data_dir: the directory, as training takes it.

    Yields:
        Lines for people.

    Raises:
        UserError: training cannot start from this directory; raised after the lines that tell why.
    """
    imbalance.check_split(config)
    if data_dir is not None and shards.is_prepared(data_dir):
        yield from _prepared(config, data_dir)
    elif config.dataset in registry.IN_MEMORY:
        yield from _in_memory(config.dataset, data_dir)
    else:
        yield from _files(config, data_dir)


def _prepared(config, data_dir):
    """What the description of shards says, and which of them are there."""
    info = shard_info.read(data_dir)
    paths = shard_info.paths(data_dir, info)
    num_classes = len(info["class_names"])
    yield (f"{data_dir} was prepared of {info['source']}: {sum(info['records'])} images of "
           f"{' x '.join(map(str, info['image_shape']))}, {num_classes or 'no'} classes")
    yield f"{sum(path.is_file() for path in paths)} of {len(paths)} shards found"
    shard_info.check_origin(data_dir, info, config)
    for path in paths:
        shard_info.status(path)
    _check_fractions(config, num_classes)


def _in_memory(dataset, data_dir):
    """Which files of MNIST are there; those that `data_dir` names are read."""
    if dataset == "digits":
        yield "digits are part of scikit-learn; there are no files to check"
    elif data_dir is None:
        yield "without --data_dir, training takes Keras's copy of MNIST, and downloads it when there is none"
    else:
        directory = registry.find_directory(dataset, data_dir)
        # As `mnist` finds them: gzipped or not, with a dot as some mirrors write them.
        found = {path.name.replace(".gz", "").replace(".idx", "-idx") for path in directory.iterdir()}
        for name in mnist.FILE_NAMES:
            yield f"{name}: {'found' if name in found else 'missing'}"
        mnist.load(directory)


def _files(config, data_dir):
    """What a loader finds, and what it lists for training."""
    loader = registry.find_loader(config.dataset)
    directory = registry.find_directory(config.dataset, data_dir)
    yield from loader.check(directory, config)
    found = loader.list_files(directory, config)
    listing.check(found)
    _check_fractions(config, len(found.class_names))
    yield f"{len(found.entries)} files would be read, of {len(found.class_names) or 'no'} classes"
    # A file of cars holds 96 images, which is more than enough.
    if config.dataset != "cars" and len(found.entries) < config.training.batch_size:
        raise UserError(f"--config.training.batch_size is {config.training.batch_size}; {directory} holds "
                        f"{len(found.entries)} images; expected no more than that")


def _check_fractions(config, num_classes):
    if config.dataset not in registry.IN_MEMORY:
        imbalance.split_counts(config, [1] * num_classes)

"""Prepared sets: they replace the original files, and other options are refused."""

import json
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import scipy.io
from PIL import Image
from test_storage import assert_same, make_set

from eig_tf import config as config_lib
from eig_tf.data import cache, prepared, registry, storage
from eig_tf.data.image_set import StoredImages
from eig_tf.errors import UserError


def load_preset(name, **data):
    config = config_lib.load_preset(name)
    config.data.update(data)
    return config


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def small(tmp_path):
    """A small set, prepared as if it were the digits; tests may damage it."""
    image_set = make_set()
    prepared.write_prepared(image_set, load_preset("digits"), tmp_path / "small")
    return image_set, tmp_path / "small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of six and four images of 28x28."""
    directory = tmp_path_factory.mktemp("a folder ü")
    for name, count in (("cats", 6), ("dogs", 4)):
        (directory / name).mkdir()
        for index in range(count):
            Image.new("RGB", (28, 28), (40 * index, 200, count)).save(directory / name / f"{index} 'x'.png")
    return directory


@pytest.fixture(scope="module")
def cars(tmp_path_factory, cache_dir):
    """A random class set of eleven cars, prepared from one file and links to it."""
    source = tmp_path_factory.mktemp("cars")
    renders = np.zeros((128, 128, 3, 24, 4), np.uint8) + np.arange(96, dtype=np.uint8).reshape(24, 4)
    scipy.io.savemat(source / "car_001_mesh.mat", {"im": renders}, do_compression=True)
    for number in range(2, 12):
        os.link(source / "car_001_mesh.mat", source / f"car_{number:03d}_mesh.mat")
    config = load_preset("cars", class_set="random", image_size=28)
    whole = registry.load(config, source, cache_dir)
    directory = tmp_path_factory.mktemp("prepared") / "cars"
    prepared.write_prepared(whole, config, directory)
    return whole, directory


@pytest.mark.parametrize("dataset, split, data", [
    ("digits", 3, {}), ("folder", 0, {"image_size": 28, "imbalance": "0.7,0.3"})])
def test_set_and_its_split_come_back(dataset, split, data, folder, tmp_path, cache_dir):
    config = load_preset(dataset, **data)
    config.split, config.seed = split, 4
    whole, subset = registry.load_split(config, folder if dataset == "folder" else None, cache_dir)
    prepared.write_prepared(whole, config, tmp_path / "out")
    found, found_subset = registry.load_split(config, tmp_path / "out", tmp_path / "cache")
    assert isinstance(found.images, StoredImages)
    assert_same(found, whole)
    assert_same(found_subset, subset)
    # The set is read in place.
    assert not (tmp_path / "cache").exists()


def test_fields_of_later_versions_have_the_preset_s_values(folder, tmp_path, cache_dir):
    config = load_preset("folder", image_size=28)
    prepared.write_prepared(registry.load(config, folder, cache_dir), config, tmp_path / "out")
    path = tmp_path / "out" / storage.DESCRIPTION
    info = json.loads(path.read_text())
    del info["origin"]["data"]["recursive"]
    path.write_text(json.dumps(info))
    assert len(registry.load(config, tmp_path / "out").images) == 10
    config.data.recursive = True
    with pytest.raises(UserError, match="--recursive is False there, True here"):
        registry.load(config, tmp_path / "out")


def test_cars_come_back_and_their_split_has_a_note_on_the_completed_fractions(cars):
    whole, directory = cars
    config = load_preset("cars", class_set="random", image_size=28)
    found, split = registry.load_split(config, directory)
    assert len(found.images) == 960 and len(set(found.names)) == 10
    assert_same(found, whole)
    # The largest fraction of split 0, 0.141, takes all 96 views.
    assert split.class_counts().tolist() == [96, 78, 87, 52, 70, 57, 68, 61, 57, 49]
    assert "first five" in split.notes[-1] and split.notes[:-1] == whole.notes


@pytest.mark.parametrize("changes, words", [
    ({"class_set": "0"}, ["--class_set is random there, 0 here"]),
    ({"image_size": 32, "channels": 1},
     ["--config.data.channels is 3 there, 1 here", "--image_size is 28 there, 32 here"]),
    ({"seed": 1}, ["--seed is 0 there, 1 here"]),
], ids=str)
def test_other_options_are_refused_by_name(cars, changes, words):
    config = load_preset("cars", class_set="random", image_size=28)
    changes = dict(changes)
    config.seed = changes.pop("seed", 0)
    config.data.update(changes)
    with pytest.raises(UserError) as refused:
        registry.load(config, cars[1])
    assert all(word in str(refused.value) for word in words)
    assert str(refused.value).count(" there, ") == len(words)


def test_seed_and_imbalance_are_free_and_another_data_set_and_unknown_origin_refused(small, tmp_path):
    config = load_preset("digits", imbalance="none")
    config.seed, config.split = 7, 2
    assert_same(prepared.load_prepared(small[1], config), small[0])
    with pytest.raises(UserError, match="prepared for --dataset=digits, not mnist"):
        prepared.load_prepared(small[1], load_preset("mnist"))

    def build(directory):
        storage.write_images(directory, [small[0].images])
        storage.write_columns(directory, small[0])
    cache.cached(tmp_path, "key", build)
    assert prepared.is_prepared(tmp_path / "data" / "key")
    with pytest.raises(UserError, match=r"dataset_info\.json does not say what the set was prepared from"):
        registry.load(load_preset("digits"), tmp_path / "data" / "key")


def test_damage_and_other_versions_are_named_with_their_remedy(small):
    (small[1] / "images.uint8").write_bytes(b"short")
    with pytest.raises(UserError, match=r"images\.uint8 holds 5 bytes, expected 84; prepare the data set "
                                        r"again with tools/prepare_data\.py"):
        registry.load(load_preset("digits"), small[1])
    # The description of the TFRecord shards of earlier versions.
    (small[1] / storage.DESCRIPTION).write_text('{"format_version": 1, "records": [4, 3]}')
    with pytest.raises(UserError, match="format_version 1, expected 2; prepare the data set again"):
        registry.load(load_preset("digits"), small[1])


def test_output_that_is_not_empty_is_left_alone(small, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="which is not a directory"):
        prepared.write_prepared(small[0], load_preset("digits"), tmp_path / "file")
    before = {path: path.read_bytes() for path in small[1].iterdir()}
    with pytest.raises(UserError, match="which is not empty"):
        prepared.write_prepared(small[0], load_preset("digits"), small[1])
    assert {path: path.read_bytes() for path in small[1].iterdir()} == before
    assert (tmp_path / "file").read_text() == "mine"


def test_failure_leaves_nothing_and_can_be_repeated_into_an_empty_directory(small, tmp_path):
    image_set, _ = small
    with pytest.raises(ValueError, match="3 labels for 7 images"):
        prepared.write_prepared(
            image_set._replace(labels=image_set.labels[:3]), load_preset("digits"), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    prepared.write_prepared(image_set, load_preset("digits"), tmp_path / "link")
    assert_same(prepared.load_prepared(tmp_path / "out", load_preset("digits")), image_set)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out", "small"]
    # A prepared set may be prepared again, from itself.
    found = registry.load(load_preset("digits"), tmp_path / "link")
    prepared.write_prepared(found, load_preset("digits"), tmp_path / "again")
    assert_same(prepared.load_prepared(tmp_path / "again", load_preset("digits")), image_set)


def test_second_writer_of_a_directory_is_refused(small, tmp_path):
    """Another process finishes between the first check and the last."""
    class Images(np.ndarray):
        def __getitem__(self, index):
            (tmp_path / "out").mkdir(exist_ok=True)
            (tmp_path / "out" / "first").write_text("first")
            return super().__getitem__(index)
    with pytest.raises(UserError, match="which is not empty"):
        prepared.write_prepared(small[0]._replace(images=small[0].images.view(Images)), load_preset("digits"),
                                tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["first"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small"]


def test_full_disk_is_reported_and_leaves_nothing(tmp_path):
    config = load_preset("digits")
    whole = registry.load(config)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: .*images\.uint8"):
            prepared.write_prepared(whole, config, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_killed_preparation_can_be_repeated(small, tmp_path):
    """Its temporary directory is hidden, and does not affect later preparations."""
    image_set, directory = small
    code = ("import os, signal, sys\n"
            "from eig_tf import config\n"
            "from eig_tf.data import prepared, storage\n"
            "config = config.load_preset('digits')\n"
            "image_set = prepared.load_prepared(sys.argv[1], config)\n"
            "storage.write_columns = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            "prepared.write_prepared(image_set, config, sys.argv[2])")
    killed = subprocess.run([sys.executable, "-c", code, directory, tmp_path / "out"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name[:5] for path in sorted(tmp_path.iterdir())] == [".out.", "small"]
    config = load_preset("digits")
    prepared.write_prepared(image_set, config, tmp_path / "out")
    assert_same(prepared.load_prepared(tmp_path / "out", config), image_set)

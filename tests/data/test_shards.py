"""Prepared data sets: what is read back is what was written, and nothing else passes for it."""

import fcntl
import json
import os
import resource

import numpy as np
import pytest
import scipy.io
import tensorflow as tf
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import registry, shard_info, shards
from eig_tf.data.image_set import ImageSet
from eig_tf.data.stored_images import StoredImages
from eig_tf.errors import UserError


def load_preset(name, **data):
    config = config_lib.load_preset(name)
    config.data.update(data)
    return config


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def digits():
    return registry.load(load_preset("digits"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, digits):
    """The digits in three shards; tests only read it."""
    directory = tmp_path_factory.mktemp("prepared") / "digits"
    shards.write(digits, load_preset("digits"), directory, 3)
    return directory


@pytest.fixture
def small(tmp_path):
    """Seven images of 2x2, two classes, objects of several views, in two shards; tests may damage it."""
    images = np.arange(7 * 4, dtype=np.uint8).reshape(7, 2, 2, 1)
    image_set = ImageSet(images, np.array([0, 0, 0, 0, 1, 1, 1]), ("a", "b"), "a test",
                         np.array([5, 5, 7, 7, 9, 9, 9]), np.array([f"é {n}.png" for n in range(7)]),
                         ("note",))
    shards.write(image_set, load_preset("digits"), tmp_path / "small", 2)
    return image_set, tmp_path / "small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of five and three images of 28x28."""
    directory = tmp_path_factory.mktemp("a folder ü")
    for name, count in (("cats", 5), ("dogs", 3)):
        (directory / name).mkdir()
        for index in range(count):
            path = directory / name / f"{index} 'x'.png"
            Image.new("RGB", (28, 28), (40 * index, 200, count)).save(path)
        Image.new("RGB", (28, 28), (9, 9, count)).save(directory / name / "last.png")
    return directory


def assert_same(found, expected):
    np.testing.assert_array_equal(np.asarray(found.images), np.asarray(expected.images))
    for name in ("labels", "groups", "names"):
        array = getattr(expected, name)
        if array is None:
            assert getattr(found, name) is None
        else:
            np.testing.assert_array_equal(getattr(found, name), array)
    assert found.class_names == expected.class_names
    assert (found.source, found.notes) == (expected.source, expected.notes)


def test_digits_come_back_memory_mapped_without_groups_and_names(prepared, digits, cache_dir):
    found = registry.load(load_preset("digits"), prepared, cache_dir)
    assert isinstance(found.images, StoredImages)
    assert digits.groups is None and digits.names is None
    assert_same(found, digits)


def test_split_of_what_is_read_back_is_that_of_the_original(prepared, cache_dir):
    config = load_preset("digits")
    config.split, config.seed = 3, 4
    assert_same(registry.load_split(config, prepared, cache_dir)[1], registry.load_split(config)[1])


def test_groups_names_and_notes_come_back(small, cache_dir):
    image_set, directory = small
    assert_same(shards.load(directory, load_preset("digits"), cache_dir), image_set)


def test_folder_with_labels(folder, tmp_path, cache_dir):
    config = load_preset("folder", image_size=28, imbalance="0.7,0.3")
    whole, subset = registry.load_split(config, folder, cache_dir)
    shards.write(whole, config, tmp_path / "out")
    found, found_subset = registry.load_split(config, tmp_path / "out", cache_dir)
    assert found.names[0] == "cats/0 'x'.png" and found.class_counts().tolist() == [6, 4]
    assert_same(found, whole)
    assert_same(found_subset, subset)
    assert len(list((tmp_path / "out").glob("folder-*-of-00008.tfrecord"))) == 8


def test_folder_without_labels(folder, tmp_path, cache_dir):
    config = load_preset("folder", image_size=28)
    whole = registry.load(config, folder / "cats", cache_dir)
    shards.write(whole, config, tmp_path / "out")
    found = registry.load(config, tmp_path / "out", cache_dir)
    assert found.labels is None and found.class_names == ()
    assert_same(found, whole)
    assert {int(label) for _, label in shards.stream(tmp_path / "out").as_numpy_iterator()} == {-1}
    assert len(shard_info.read(tmp_path / "out")["records"]) == 6  # no more shards than images


@pytest.fixture(scope="module")
def cars(tmp_path_factory, cache_dir):
    """A random class set of eleven cars, prepared from two real files and links to them."""
    source = tmp_path_factory.mktemp("cars")
    views = np.zeros((128, 128, 3, 24, 4), np.uint8) + np.arange(96, dtype=np.uint8).reshape(24, 4)
    for number in range(1, 12):
        path = source / f"car_{number:03d}_mesh.mat"
        if number == 1:
            scipy.io.savemat(path, {"im": views}, do_compression=True)
        else:
            os.link(source / "car_001_mesh.mat", path)
    config = load_preset("cars", class_set="random", image_size=28)
    whole = registry.load(config, source, cache_dir)
    directory = tmp_path_factory.mktemp("prepared") / "cars"
    shards.write(whole, config, directory, 4)
    return whole, directory


def test_cars_come_back_and_draw_the_same_split(cars, cache_dir):
    whole, directory = cars
    config = load_preset("cars", class_set="random", image_size=28)
    found = registry.load(config, directory, cache_dir)
    assert len(found.images) == 960 and len(set(found.names)) == 10
    assert_same(found, whole)


@pytest.mark.parametrize("changes, words", [
    ({"class_set": "0"}, ["--class_set is random there, 0 here"]),
    ({"image_size": 32, "channels": 1},
     ["--config.data.channels is 3 there, 1 here", "--image_size is 28 there, 32 here"]),
    ({"seed": 1}, ["--seed is 0 there, 1 here"]),
], ids=str)
def test_other_options_are_refused_by_name(cars, cache_dir, changes, words):
    config = load_preset("cars", class_set="random", image_size=28)
    config.seed = changes.pop("seed", 0)
    config.data.update(changes)
    with pytest.raises(UserError) as refused:
        shards.load(cars[1], config, cache_dir)
    assert all(word in str(refused.value) for word in words)
    assert str(refused.value).count(" there, ") == len(words)


def test_seed_and_imbalance_are_free_where_they_change_nothing(small, cache_dir):
    config = load_preset("digits", imbalance="none")
    config.seed, config.split = 7, 2
    assert_same(shards.load(small[1], config, cache_dir), small[0])


def test_other_data_set_is_refused(prepared, cache_dir):
    with pytest.raises(UserError, match="prepared for --dataset=digits, not mnist"):
        shards.load(prepared, load_preset("mnist"), cache_dir)


def test_every_shard_holds_its_share_of_every_class(prepared, digits):
    labels = [next(shards.stream(prepared, host, 3).batch(1797).as_numpy_iterator())[1] for host in range(3)]
    counts = np.array([np.bincount(own, minlength=10) for own in labels])
    assert counts.sum(axis=1).tolist() == [599, 599, 599]
    np.testing.assert_array_equal(counts.sum(axis=0), digits.class_counts())
    assert counts.min() > 40  # of about 60


def test_hosts_share_all_images_between_them(small):
    image_set, directory = small
    found = [(image.tobytes(), int(label)) for host in range(2)
             for image, label in shards.stream(directory, host, 2).as_numpy_iterator()]
    assert sorted(found) == [
        (image.tobytes(), label) for image, label in zip(image_set.images, image_set.labels)]
    stream = shards.stream(directory)
    assert stream.element_spec[0].shape == (2, 2, 1) and stream.element_spec[0].dtype == tf.uint8
    assert len(stream) == 7 and len(shards.stream(directory, 0, 2)) + len(shards.stream(directory, 1, 2)) == 7


@pytest.mark.parametrize("host, num_hosts, words", [
    (0, 3, "2 shards for 3 hosts"), (0, 0, "2 shards for 0 hosts"),
    (2, 2, "number 2 of 2; expected 0 to 1"), (-1, 2, "number -1 of 2")])
def test_hosts_that_do_not_fit_are_refused(small, host, num_hosts, words):
    with pytest.raises(UserError, match=words):
        shards.stream(small[1], host, num_hosts)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def empty(path):
    path.write_bytes(b"")


def rewrite(change):
    """Writes the shard with its list of records changed; the checksums are right."""
    def damage(path):
        records = change(list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()))
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in records:
                writer.write(record)
    return damage


def with_feature(name, kind, value):
    """Sets a feature of the last record."""
    def change(records):
        example = tf.train.Example.FromString(records[-1])
        getattr(example.features.feature[name], kind).value[:] = value
        return [*records[:-1], example.SerializeToString()]
    return rewrite(change)


@pytest.mark.parametrize("damage, words", [
    (truncate, "is truncated or damaged"), (flip_a_bit, "is truncated or damaged"),
    (empty, "fewer than . records"), (os.remove, "no such file"),
    (rewrite(lambda records: records[:-1]), "fewer than . records"),
    (rewrite(lambda records: [*records, records[0]]), "more than . records"),
    (rewrite(lambda records: [*records[:-1], b"hello"]), "a record that"),
    (with_feature("label", "int64_list", [2]), "label 2 of 2 classes"),
    (with_feature("label", "int64_list", []), "a record that"),
    (with_feature("image", "bytes_list", [b"abc"]), "a record that")])
def test_damaged_shard_is_named(small, tmp_path, damage, words):
    image_set, directory = small
    cache = tmp_path / "cache"
    assert_same(shards.load(directory, load_preset("digits"), cache), image_set)
    path = directory / "digits-00001-of-00002.tfrecord"
    damage(path)
    with pytest.raises(UserError, match=f"{path}.*{words}"):
        shards.load(directory, load_preset("digits"), cache)
    assert len([found for found in (cache / "data").iterdir() if found.is_dir()]) == 1  # nothing half made


def test_missing_shard_is_named_by_the_stream(small):
    (small[1] / "digits-00000-of-00002.tfrecord").unlink()
    with pytest.raises(UserError, match=r"digits-00000-of-00002\.tfrecord: no such file"):
        shards.stream(small[1])


@pytest.mark.parametrize("change, words", [
    ({"format_version": 2}, "format_version is 2"), ({"records": [4, 4]}, "fewer than 4 records"),
    ({"records": [6, 1]}, r"records are \[6, 1\]"), ({"records": []}, "records are"),
    ({"image_shape": [2, 2]}, "image_shape is"), ({"class_names": "ab"}, "class_names is 'ab'"),
    ({"seed": "x"}, "seed is 'x'"), ({"source": None}, "source is None"),
    ({"class_names": ["a"]}, "label 1 of 1 classes")], ids=str)
def test_description_that_was_changed_is_refused(small, cache_dir, change, words):
    path = small[1] / shards.INFO
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError, match=words):
        shards.load(small[1], load_preset("digits"), cache_dir)


@pytest.mark.parametrize("text, words", [
    ("", "is damaged"), ("[]", "is damaged"), ("{}", "lacks 'format_version'")])
def test_description_that_is_none_is_refused(small, cache_dir, text, words):
    (small[1] / shards.INFO).write_text(text)
    with pytest.raises(UserError, match=f"{shards.INFO} {words}"):
        shards.load(small[1], load_preset("digits"), cache_dir)


def test_directory_without_description_is_not_prepared(small, cache_dir):
    (small[1] / shards.INFO).unlink()
    assert not shards.is_prepared(small[1])
    with pytest.raises(UserError, match=r"no such file; expected what tools/prepare_data\.py writes"):
        shards.load(small[1], load_preset("digits"), cache_dir)


@pytest.mark.parametrize("num_shards", [0, -1, 8, 513])
def test_number_of_shards_out_of_range_is_refused(small, tmp_path, num_shards):
    with pytest.raises(UserError, match=f"--num_shards is {num_shards}; expected 1 to 7 for 7 images"):
        shards.write(small[0], load_preset("digits"), tmp_path / "other", num_shards)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]


@pytest.mark.parametrize("num_shards", [1, 7])
def test_fewest_and_most_shards(small, tmp_path, cache_dir, num_shards):
    shards.write(small[0], load_preset("digits"), tmp_path / "other", num_shards)
    assert_same(shards.load(tmp_path / "other", load_preset("digits"), cache_dir), small[0])


def test_output_that_is_taken_is_left_alone(small, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="which is no directory"):
        shards.write(small[0], load_preset("digits"), tmp_path / "file")
    before = {path: path.read_bytes() for path in small[1].iterdir()}
    with pytest.raises(UserError, match="which is not empty"):
        shards.write(small[0], load_preset("digits"), small[1])
    assert {path: path.read_bytes() for path in small[1].iterdir()} == before
    assert (tmp_path / "file").read_text() == "mine"


def test_failed_writing_leaves_no_directory_and_can_be_repeated(small, tmp_path, cache_dir):
    image_set, _ = small
    half = image_set._replace(labels=image_set.labels[:3])
    with pytest.raises(IndexError):
        shards.write(half, load_preset("digits"), tmp_path / "out")
    assert not (tmp_path / "out").exists() and not (tmp_path / ".out.partial").exists()
    # What a killed process leaves.
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "stranger.tfrecord").write_text("half")
    (tmp_path / "out").mkdir()
    shards.write(image_set, load_preset("digits"), tmp_path / "out", 2)
    assert_same(shards.load(tmp_path / "out", load_preset("digits"), cache_dir), image_set)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small"]
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_full_disk_is_said_and_leaves_nothing(digits, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"out', which cannot be written: .*File too large"):
            shards.write(digits, load_preset("digits"), tmp_path / "out", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]


def test_file_system_without_locks_is_said(small, tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(37, "No locks available")
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match=r"\.out\.lock cannot be locked: No locks available; expected --out"):
        shards.write(small[0], load_preset("digits"), tmp_path / "out", 2)


def test_names_that_are_no_utf8_come_back(small, tmp_path, cache_dir):
    names = np.array([*small[0].names[:6], os.fsdecode(b"\xff\xe9.png")])
    named = small[0]._replace(names=names)
    shards.write(named, load_preset("digits"), tmp_path / "out", 2)
    assert_same(shards.load(tmp_path / "out", load_preset("digits"), cache_dir), named)


def test_second_writer_of_a_directory_is_refused(small, tmp_path):
    with shards._replacing_directory(tmp_path / "out") as temporary:
        (temporary / "first").write_text("first")
        with pytest.raises(UserError, match="another process is writing"):
            shards.write(small[0], load_preset("digits"), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["first"]


def test_shards_can_be_prepared_anew_from_shards(small, tmp_path, cache_dir):
    found = shards.load(small[1], load_preset("digits"), cache_dir)
    shards.write(found, load_preset("digits"), tmp_path / "again", 5)
    assert_same(shards.load(tmp_path / "again", load_preset("digits"), cache_dir), small[0])

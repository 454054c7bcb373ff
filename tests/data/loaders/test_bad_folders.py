"""Folders that cannot be trained on, or only partly: one sentence for each, and no traceback."""

import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import registry
from eig_tf.errors import UserError


def paint(path, number=1, seed=0):
    """Write different images of noise."""
    generator = np.random.default_rng(seed)
    path.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        Image.fromarray(generator.integers(0, 256, [12, 12, 3], np.uint8)).save(path / f"{index}.png")


def refused(load):
    with pytest.raises(UserError) as error:
        load()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("names", "words"), [
    ([], "there are no files in it"),
    (["a.tiff"], "files that are not images by their names, and are ignored: 1; a.tiff")])
def test_folder_without_images(data, load, names, words):
    for name in names:
        (data / name).write_text("x")
    assert f"holds no images: {words}; expected files named *.png" in refused(load)


def test_equal_images_are_reported(data, load):
    for index in range(4):
        Image.new("RGB", (9, 9), "red").save(data / f"{index}.png")
    assert load().notes == ("all 4 files have the same content, so that there is nothing to learn",)
    Image.new("RGB", (9, 9), "blue").save(data / "4.png")
    assert load().notes == ()
    # Files of equal size are compared by content.
    for index in range(5):
        (data / f"{index}.png").unlink()
        Image.new("RGB", (9, 9), (index, 0, 0)).save(data / f"{index}.bmp")
    assert load().notes == ()


@pytest.mark.parametrize(("name", "content"), [
    ("text.png", b"hello"), ("empty.jpg", b""), ("html.gif", b"<html>404</html>")])
def test_damaged_files_are_left_out_and_reported_below_the_share(data, load, config, name, content):
    paint(data, 30)
    (data / name).write_bytes(content)
    image_set = load()
    assert len(image_set.images) == 30
    assert f"1 left out as missing or unreadable: {name}" in image_set.notes[0]
    config.data.max_unreadable = 0.0
    assert f"1 of 31 files are missing or unreadable ({name}" in refused(load)


def test_directory_named_as_an_image(data, load):
    paint(data, 2)
    (data / "2.png").mkdir()
    image_set = load()
    assert len(image_set.images) == 2
    assert "sub-folders without images, which are not classes: 1; 2.png" in image_set.notes


def test_names_that_are_hard(data, load):
    names = ["a b.png", "it's.png", 'say "hi".png', "Füße.png", "日本.png", "new\nline.png", "-rf.png",
             "%s{}.png", os.fsdecode(b"caf\xe9.png")]
    for index, name in enumerate(names):
        Image.new("RGB", (5, 5), (index, 0, 0)).save(data / name)
    image_set = load()
    assert sorted(image_set.names) == sorted(names)
    for image, name in zip(image_set.images, image_set.names):
        assert image[0, 0, 0] == names.index(name)


def test_hard_names_of_classes_and_of_damaged_files_fit_one_line(data, load, config):
    hard = "new\nline 'x' \udce9"
    paint(data / hard, 1)
    (data / hard / f"{hard}.png").write_text("no")
    (data / hard / f"{hard}.txt").write_text("no")
    config.data.max_unreadable = 0.5
    image_set = load()
    assert image_set.class_names == (r"new\nline 'x' \udce9",)
    # These notes are the loader's; the last one is the listing's.
    for note in image_set.notes[:2]:
        assert note.isprintable()
    (data / hard / "0.png").unlink()
    (data / hard / f"{hard}.png").unlink()
    assert r"new\nline 'x' \udce9.txt" in refused(load)


def test_links_are_followed_and_circles_end(data, load, tmp_path):
    paint(data / "a", 2)
    paint(tmp_path / "elsewhere", 1)
    (data / "a" / "linked.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    (data / "a" / "again").symlink_to(data)
    (data / "self").symlink_to(data / "self")
    (data / "b").symlink_to(data / "a")
    (data / "dangling.png").symlink_to(data / "nowhere.png")
    image_set = load()
    # A folder with several links is read once.
    assert image_set.names.tolist() == ["a/0.png", "a/1.png", "a/linked.png"]


@contextlib.contextmanager
def nobody():
    """Become a user without rights when the tests run as root, who can read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public():
    """A folder that other users can read, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def test_file_without_read_permission(public, config):
    paint(public / "data", 30)
    (public / "data" / "7.png").chmod(0)
    (public / "cache").mkdir()
    (public / "cache").chmod(0o777)
    with nobody():
        image_set = registry.load(config, public / "data", public / "cache")
    assert len(image_set.images) == 29
    assert image_set.notes == ("1 left out as missing or unreadable: 7.png: Permission denied",)


@pytest.mark.parametrize("dataset", ["folder", "ytf"])
def test_folder_without_read_permission(public, dataset):
    """It does not count as empty; commands turn this error into a sentence."""
    config = config_lib.load_preset(dataset)
    paint(public / "data" / "ana" / "closed", 2)
    paint(public / "data" / "bea" / "open", 2)
    if dataset == "ytf":
        config.data.num_identities = 2
    (public / "data" / "ana" / "closed").chmod(0)
    with nobody(), pytest.raises(PermissionError) as error:
        registry.load(config, public / "data", public / "cache")
    (public / "data" / "ana" / "closed").chmod(0o755)
    assert error.value.filename.endswith("ana/closed")


TINY = ("-m", "eig_tf.train", "--dataset=folder", "--data_dir=data", "--image_size=28",
        "--config.networks.width=0.05", "--config.training.epochs=1", "--noexport")


@pytest.mark.slow
def test_command_refuses_fewer_images_than_a_batch(command, data):
    paint(data, 7)
    result = command(*TINY)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "--config.training.batch_size is 50; the training set holds 7 images" in result.stderr


@pytest.mark.slow
def test_command_trains_on_equal_images_of_hard_names_without_nan(command, data, tmp_path):
    """Names that cannot be printed must not stop a training that has read all images."""
    hard = "new\nline 'x' \udce9"
    for name in (hard, "b"):
        (data / name).mkdir()
        for index in range(10):
            Image.new("RGB", (9, 9), "red").save(data / name / f"{index}.png")
    (data / hard / f"{hard}.txt").write_text("no")
    result = command(*TINY, "--config.training.batch_size=10", "--workdir=run", PYTHONIOENCODING="utf-8")
    assert result.returncode == 0, result.stderr
    assert r"images per class: b: 10, new\nline 'x' \udce9: 10" in result.stdout
    assert r"ignored: 1; new\nline" in result.stdout
    assert "all 20 files have the same content" in result.stdout
    losses = (tmp_path / "run" / "history.csv").read_text().splitlines()[1].split(",")
    assert np.isfinite([float(value) for value in losses]).all()

"""The user's own folder: layouts, order, options, labels, notes, and folders that cannot be trained on.

What cannot be read ends in one sentence, without a traceback, or is left out and reported.
"""

import contextlib
import json
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import checks, registry
from eig_tf.data.image_set import summary_lines
from eig_tf.data.loaders import folder
from eig_tf.errors import UserError


@pytest.fixture
def config():
    """The preset with images of 28x28; tests may change it."""
    config = config_lib.load_preset("folder")
    config.data.image_size = 28
    return config


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def load(config, data, tmp_path):
    return lambda: registry.load(config, data, tmp_path / "cache")


def paint(path, colour, size=(20, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def paint_noise(path, number=1):
    """Write different images of noise."""
    generator = np.random.default_rng(0)
    path.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        Image.fromarray(generator.integers(0, 256, [12, 12, 3], np.uint8)).save(path / f"{index}.png")


def refused(load):
    """Return the one sentence of a refusal."""
    with pytest.raises(UserError) as error:
        load()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_flat_folder_has_no_labels(data, load):
    for name, colour in (("b.png", "blue"), ("a.JPG", "red"), ("10.bmp", "lime"), ("2.webp", "white")):
        paint(data / name, colour)
    image_set = load()
    assert image_set.labels is None
    assert image_set.class_names == ()
    assert image_set.names.tolist() == ["2.webp", "10.bmp", "a.JPG", "b.png"]
    assert image_set.images.shape == (4, 28, 28, 3)
    assert image_set.images[3][0, 0].tolist() == [0, 0, 255]
    assert "no labels: classes and their distribution are unknown" in summary_lines(image_set)


def test_sub_folders_and_links_to_folders_are_classes_at_any_depth(data, load, tmp_path):
    paint(data / "dog" / "deep" / "er" / "1.png", "red")
    paint(data / "dog" / "0.png", "red")
    paint(tmp_path / "elsewhere" / "1.png", "blue")
    (data / "Cat").symlink_to(tmp_path / "elsewhere")
    (data / "empty").mkdir()
    image_set = load()
    # Capitals come first in the order of code points.
    assert image_set.class_names == ("Cat", "dog")
    assert image_set.labels.tolist() == [0, 1, 1]
    assert image_set.names.tolist() == ["Cat/1.png", "dog/0.png", "dog/deep/er/1.png"]


def test_images_beside_sub_folders_are_refused_but_not_a_folder_named_as_one(data, load):
    paint_noise(data, 2)
    (data / "2.png").mkdir()
    assert load().names.tolist() == ["0.png", "1.png"]
    assert "sub-folders without images, which are not classes: 1; 2.png" in load().notes
    paint(data / "dog" / "0.png", "red")
    assert "holds images (0.png, 1.png) beside sub-folders with images (dog)" in refused(load)


def test_recursive_takes_images_at_any_depth_without_classes(data, load, config):
    config.data.recursive = True
    paint(data / "a" / "deep" / "0.png", "red")
    assert load().class_names == ("a",)
    paint(data / "0.png", "blue")
    (data / "empty").mkdir()
    image_set = load()
    assert image_set.labels is None
    assert image_set.names.tolist() == ["0.png", "a/deep/0.png"]
    assert image_set.notes == ("sub-folders without images, which are not classes: 1; empty",)


def test_list_of_files_in_its_order(data, config, tmp_path):
    """Files need no suffix of images; a missing one counts as unreadable."""
    for index, name in enumerate(["b.png", "new\nline.png", os.fsdecode(b"caf\xe9.png"), "deep/<a>'.png"]):
        paint(data / name, (index, 0, 0))
    (data / "b.png").rename(data / "b")
    rows = [{"file": name, "label": label} for name, label in (
        ("deep/<a>'.png", "x"), ("b", "y"), ("new\nline.png", "x"), (os.fsdecode(b"caf\xe9.png"), "y"),
        ("gone.png", "x"))]
    (data / "list.json").write_text(json.dumps(rows), encoding="utf-8")
    (data / "list.csv").write_bytes(
        b'file,label\ndeep/<a>\'.png,x\nb,y\n"new\nline.png",x\ncaf\xe9.png,y\ngone.png,x\n')
    config.data.max_unreadable = 0.2
    for name in ("list.csv", "list.json"):
        image_set = registry.load(config, data / name, tmp_path / "cache")
        assert image_set.class_names == ("x", "y") and image_set.labels.tolist() == [0, 1, 0, 1]
        assert image_set.images[:][:, 0, 0, 0].tolist() == [3, 0, 1, 2]
        assert image_set.names.tolist() == [row["file"] for row in rows[:4]]
        assert image_set.notes == ("1 left out as missing or unreadable: gone.png: No such file",)
    config.data.max_unreadable = 0.1
    assert "1 of 5 files are missing or unreadable" in refused(
        lambda: registry.load(config, data / "list.csv", tmp_path / "cache"))


def test_list_with_labels_for_some_files(data, config, tmp_path):
    for index, name in enumerate(["a.png", "b.png", "c.png"]):
        paint(data / name, (index, 0, 0))
    (data / "list.csv").write_text("file,label\nb.png,\na.png,x\nc.png,y\n")
    for _ in ("decoded", "from the cache"):
        image_set = registry.load(config, data / "list.csv", tmp_path / "cache")
        assert image_set.class_names == ("x", "y") and image_set.labels.tolist() == [-1, 0, 1]
    assert folder.check_directory(data / "list.csv", config)[1:] == [
        "2 labels", "  x: 1 images", "  y: 1 images", "  without a label: 1 images"]
    config.data.imbalance = "0.5,0.5"
    for start in (lambda: registry.load_split(config, data / "list.csv", tmp_path / "cache"),
                  lambda: list(checks.check_data(config, data / "list.csv"))):
        assert "or some have none; expected none, or a label for every image" in refused(start)
    config.data.imbalance = "none"
    (data / "a.png").write_text("damaged")
    (data / "c.png").write_text("damaged")
    # Advice on mirroring has no labelled image to look at.
    assert "holds no readable image of class x" in refused(
        lambda: list(checks.check_data(config, data / "list.csv")))


def test_archives_hold_the_same_set_as_their_folder(data, load, config, tmp_path):
    """With and without a folder around everything; nothing but decoded images is written."""
    paint_noise(data / "a", 20)
    paint_noise(data / "b", 12)
    expected = load()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in expected.names:
            archive.write(data / name, f"outer/inner/{name}")
        archive.writestr("outer/readme.txt", "x")
        archive.writestr("outer/nested.zip", "x")
        archive.writestr("__MACOSX/outer/a/._0.png", "x")
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        for name in expected.names:
            archive.add(data / name, name)
    before = set(tmp_path.iterdir())
    for name in ("x.zip", "x.tar.gz"):
        image_set = registry.load(config, tmp_path / name, tmp_path / "cache")
        np.testing.assert_array_equal(image_set.images[:], expected.images[:])
        assert (image_set.class_names, image_set.labels.tolist()) == (("a", "b"), expected.labels.tolist())
        assert image_set.source == f"the archive {tmp_path / name}"
    assert set(tmp_path.iterdir()) == before
    assert ("files that are not images by their names, and are ignored: 2; outer/readme.txt, outer/nested.zip"
            in folder.list_files(tmp_path / "x.zip", config).notes)


def test_flat_archive_and_one_that_changes(config, tmp_path, data):
    paint_noise(data, 3)
    for number in (2, 3):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            for index in range(number):
                archive.write(data / f"{index}.png", f"images/{index}.png")
            archive.writestr("images/bad.png", "no image")
        config.data.max_unreadable = 0.5
        image_set = registry.load(config, tmp_path / "x.zip", tmp_path / "cache")
        assert image_set.labels is None and len(image_set.images) == number
    assert "images/bad.png: not an image" in image_set.notes[-1]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../a.png", "x")
    assert "in x.zip are left out, whose names lead out of it" in refused(
        lambda: registry.load(config, tmp_path / "x.zip", tmp_path / "cache"))


def test_other_files_and_sub_folders_without_images_are_reported(data, load):
    for name in ("cat", "dog"):
        paint(data / name / "0.png", {"cat": "red", "dog": "blue"}[name])
    for name in ("notes/a.txt", "Thumbs.db", "thumbs.db", ".DS_Store", ".hidden.png", "__MACOSX/0.png"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_text("not an image")
    for name in ("empty", ".git"):
        (data / name).mkdir()
    (data / "kitty").symlink_to(data / "cat")
    image_set = load()
    assert image_set.class_names == ("cat", "dog")
    assert image_set.notes == (
        "files that are not images by their names, and are ignored: 1; notes/a.txt",
        "sub-folders without images, which are not classes: 3; empty, kitty, notes")


def test_one_folder_too_high(data, load):
    for name, colour in (("cat", "red"), ("dog", "blue")):
        paint(data / "images" / name / "0.png", colour)
    image_set = load()
    assert image_set.class_names == ("images",)
    assert image_set.notes[0].endswith("; to use its sub-folders as classes, give it as --data_dir")


@pytest.mark.parametrize(("resize", "corner"), [("crop", 255), ("pad", 0)])
def test_resize_rules(data, load, config, resize, corner):
    """A wide picture, white in the middle and black at both ends."""
    pixels = np.zeros([20, 60, 3], np.uint8)
    pixels[:, 20:40] = 255
    Image.fromarray(pixels).save(data / "wide.png")
    config.data.resize = resize
    (image,) = load().images[:]
    np.testing.assert_array_equal(image[0, 0], [corner] * 3)
    np.testing.assert_array_equal(image[14, 14], [255] * 3)
    assert folder.list_files(data, config).options["resize"] == resize


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (64, 1)])
def test_size_and_channels(data, load, config, size, channels):
    paint(data / "a.png", (255, 0, 0))
    config.data.update(image_size=size, channels=channels)
    images = load().images
    assert images.shape == (1, size, size, channels)
    # Red is 0.299 of the luminance.
    np.testing.assert_array_equal(images[0][0, 0], [255, 0, 0] if channels == 3 else [76])
    # Part of the key of the cache.
    assert folder.list_files(data, config).options == {
        "image_size": size, "channels": channels, "resize": "crop", "stretch_contrast": False}


def test_contrast_is_stretched_after_resizing(data, load, config):
    pixels = np.full([64, 64, 3], 100, np.uint8)
    pixels[:, :32] = 50
    Image.fromarray(pixels).save(data / "half.png")
    config.data.stretch_contrast = True
    (image,) = load().images[:]
    # The filter of the resizing overshoots beside the edge, so that neither half is an end of the range.
    np.testing.assert_allclose(image[:, :12], 0, atol=15)
    np.testing.assert_allclose(image[:, -12:], 255, atol=15)
    assert folder.list_files(data, config).options["stretch_contrast"]


def test_check_counts(data, config):
    for index in range(3):
        paint(data / "dog" / f"{index}.png", (index, 0, 0))
    paint(data / "cat" / "0.png", "red")
    (data / "readme.md").write_text("x")
    text = "\n".join(folder.check_directory(data, config))
    assert "  cat: 1 images\n  dog: 3 images" in text
    assert "readme.md" in text


@pytest.mark.parametrize(("names", "words"), [
    ([], "there are no files in it"),
    (["a.mp4"], "files that are not images by their names, and are ignored: 1; a.mp4")])
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


def test_damaged_files_are_left_out_and_reported_below_the_share(data, load, config):
    paint_noise(data, 30)
    (data / "empty.jpg").write_bytes(b"")
    image_set = load()
    assert len(image_set.images) == 30
    assert "1 left out as missing or unreadable: empty.jpg" in image_set.notes[0]
    config.data.max_unreadable = 0.0
    assert "1 of 31 files are missing or unreadable (empty.jpg" in refused(load)


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
    paint_noise(data / hard, 1)
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


def test_links_are_followed_and_circles_end(data, config, load, tmp_path):
    paint_noise(data / "a", 2)
    paint_noise(tmp_path / "elsewhere", 1)
    (data / "a" / "linked.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    (data / "a" / "again").symlink_to(data)
    (data / "self").symlink_to(data / "self")
    (data / "b").symlink_to(data / "a")
    (data / "a" / "dangling.png").symlink_to(data / "nowhere.png")
    assert "1 of 4 files are missing or unreadable (a/dangling.png: " in refused(load)
    config.data.max_unreadable = 0.5
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
    paint_noise(public / "data", 30)
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
    paint_noise(public / "data" / "ana" / "closed", 2)
    paint_noise(public / "data" / "bea" / "open", 2)
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
    paint_noise(data, 7)
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

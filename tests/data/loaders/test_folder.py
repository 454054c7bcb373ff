"""The user's own folder: layouts, order, options, labels, notes."""

import numpy as np
import pytest
from PIL import Image

from eig_tf.data.image_set import summary_lines
from eig_tf.data.loaders import folder
from eig_tf.errors import UserError


def paint(path, colour, size=(20, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


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


def test_images_beside_sub_folders_are_refused(data, load):
    paint(data / "dog" / "0.png", "red")
    paint(data / "0.png", "red")
    with pytest.raises(UserError, match=r"holds images \(0\.png\) beside sub-folders with images \(dog\)"):
        load()
    (data / "0.png").unlink()
    assert load().class_names == ("dog",)


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
        "image_size": size, "channels": channels, "resize": "crop"}


def test_check_counts(data, config):
    for index in range(3):
        paint(data / "dog" / f"{index}.png", (index, 0, 0))
    paint(data / "cat" / "0.png", "red")
    (data / "readme.md").write_text("x")
    text = "\n".join(folder.check_directory(data, config))
    assert "  cat: 1 images\n  dog: 3 images" in text
    assert "readme.md" in text

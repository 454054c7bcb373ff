"""What `--check` finds in a user's images, and the settings that it suggests."""

import os

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import advice, survey
from eig_tf.data.loaders import folder


@pytest.fixture
def config():
    return config_lib.load_preset("folder")


@pytest.fixture
def look(tmp_path, config):
    """Surveys the files below `tmp_path`; returns lines, and the reason by flags of each suggestion."""
    def look():
        listing = folder.list_files(tmp_path, config)
        seen = survey.survey_images(listing)
        suggested = advice.advise(seen, listing, config) if seen.entries else []
        return list(survey.survey_lines(seen)), {" ".join(each.flags): each.reason for each in suggested}
    return look


def draw(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def arrow(seed, left):
    """A bright arrowhead on noise, which points to the left or to the right."""
    pixels = np.random.default_rng(seed).integers(0, 60, [40, 40, 3], np.uint8)
    for row in range(5, 35):
        tip = 5 + abs(row - 20)
        pixels[row, (slice(tip, 32) if left else slice(8, 40 - tip))] += np.uint8(180)
    return Image.fromarray(pixels)


def test_mirroring_is_unsafe_where_it_changes_the_class(tmp_path, look):
    for index in range(30):
        draw(tmp_path / "left" / f"{index}.png", arrow(index, left=True))
        draw(tmp_path / "right" / f"{index}.png", arrow(index + 100, left=False))
        draw(tmp_path / "none" / f"{index}.png", Image.new("RGB", (40, 40), (0, 8 * index, 0)))
    reason = look()[1]["--config.augment.flip=False"]
    assert "left looks like right (0% keep their class, 100% unmirrored)" in reason
    assert "right looks like left" in reason and "none" not in reason
    assert "of all images, 33%, unmirrored 100%" in reason
    # The same pictures with the directions in one class.
    for index in range(30):
        os.rename(tmp_path / "right" / f"{index}.png", tmp_path / "left" / f"right {index}.png")
    reasons = look()[1]
    assert "--config.augment.flip=False" not in reasons
    assert reasons[""] == ("mirroring looks safe: the nearest neighbours of mirrored thumbnails are of the "
                           "same class for 100%, unmirrored 100%")


def test_mirroring_is_left_to_the_user_where_neighbours_do_not_know_the_classes(tmp_path, look):
    generator = np.random.default_rng(0)
    for index in range(40):
        pixels = generator.integers(0, 256, [32, 32, 3], np.uint8)
        draw(tmp_path / "abcd"[index % 4] / f"{index}.png", Image.fromarray(pixels))
    assert "nearest neighbours of thumbnails do not say so" in look()[1][""]


def test_contrast_is_to_be_stretched_where_images_differ_in_light(tmp_path, look):
    pixels = np.random.default_rng(0).integers(0, 256, [40, 40, 3])
    for index, light in enumerate([0.1, 0.2, 0.5, 1.0]):
        draw(tmp_path / f"{index}.png", Image.fromarray((light * pixels).astype(np.uint8)))
    stretch, ignore = "--config.data.stretch_contrast=True", "--config.categories.ignore_colours=True"
    assert stretch in look()[1]
    grouping = config_lib.load_preset("folder", "cpu", "agglomerative_infogan")
    listing = folder.list_files(tmp_path, grouping)
    assert (stretch, ignore) in [each.flags for each in advice.advise(
        survey.survey_images(listing), listing, grouping)]
    for index in range(4):
        draw(tmp_path / f"{index}.png", arrow(index, left=True))
    assert stretch not in look()[1]


def test_light_by_hand():
    # Means of 0 and 100 have a standard deviation of 50, halves of 0 and 98 one of 49 within the image.
    halves = np.zeros([2, 2, 2, 1], np.uint8)
    assert not advice.differ_in_light(halves)
    halves[:, 0] = [[[98]], [[98]]]
    assert not advice.differ_in_light(halves)
    halves[1] += 99
    assert advice.differ_in_light(halves)


@pytest.mark.parametrize(("sides", "flags"), [
    ([20, 20, 500], "--image_size=28"), ([31, 31, 31], "--image_size=28"), ([32, 48, 300], "--image_size=32"),
    ([64, 64, 64], "--image_size=64"), ([900, 900, 64], "--image_size=64")])
def test_size_is_that_of_half_of_the_images(tmp_path, look, sides, flags):
    for index, side in enumerate(sides):
        draw(tmp_path / f"{index}.png", Image.new("L", (side + 5, side), 60 * index))
    lines, suggested = look()
    assert lines[0] == (f"shorter sides of the images: {min(sides)} to {max(sides)} pixels, median "
                        f"{sorted(sides)[1]}")
    assert ("with a GPU" in suggested[flags]) == (sorted(sides)[1] >= 128)
    assert ("are enlarged" in suggested[flags]) == (sorted(sides)[1] < 28)
    assert suggested["--config.data.channels=1"] == "no image has colour"
    assert "only you can say" in suggested[""]


@pytest.mark.parametrize(("num", "batch", "epochs"), [
    (1, 2, 600), (2, 2, 600), (30, 15, 600), (100, None, 600)])
def test_length_for_few_images(config, num, batch, epochs):
    flags = [flag for each in advice._length_advice(num, config) for flag in each.flags]
    assert flags == ([] if batch is None else [f"--config.training.batch_size={batch}"]) + [
        f"--config.training.epochs={epochs}"]


def test_length_for_many_images_against_hand_computed_steps(config):
    (each,) = advice._length_advice(50_000, config)
    # 10 epochs of 1,000 steps.
    assert each.flags == ("--config.training.epochs=10",)
    assert each.reason == "about 10,000 steps of 50 images, less than an hour on two cores"


def test_unreadable_files_and_copies_are_counted_and_named(tmp_path, look):
    hard = os.fsdecode(b"caf\xe9 <'\"\n.png")
    for index in range(3):
        draw(tmp_path / f"{index}.png", arrow(0, left=True))
    draw(tmp_path / "other.png", arrow(0, left=False))
    (tmp_path / hard).write_text("no")
    lines, suggested = look()
    assert lines[0].startswith(r"""1 missing or unreadable: caf\udce9 <'"\n.png: not an image; expected""")
    assert lines[2] == ("3 images have near-duplicates, in 1 groups; without the copies there would be 2 "
                        "images; the largest group has 3: 0.png, 1.png, 2.png")
    assert suggested["--config.data.max_unreadable=0.2"] == "1 files cannot be read; or repair them"
    for path in tmp_path.iterdir():
        path.write_text("no")
    lines, suggested = look()
    assert len(lines) == 1 and lines[0].startswith("5 missing or unreadable") and "and 2 more" in lines[0]
    assert suggested == {}


@pytest.mark.parametrize(("side", "on_gpu", "sizes"), [
    (20, False, [28]), (31, True, [28]), (48, False, [32]), (64, False, [64, 32]), (1000, False, [64, 32]),
    (1000, True, [128]), (100, True, [64]), (5, True, [28])])
def test_image_size_follows_the_files_and_the_machine(side, on_gpu, sizes):
    assert advice.image_sizes(side, on_gpu) == sizes

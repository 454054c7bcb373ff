"""3D Chairs: positions as ids, and one crop for all renders."""

import itertools

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import pictures, registry
from eig_tf.data.loaders import chairs
from eig_tf.errors import UserError


def make_render(colour, size=96):
    """Return a white picture with a plain square of half its side in the middle."""
    picture = Image.new("RGB", (size, size), "white")
    picture.paste(colour, (size // 4, size // 4, size // 4 * 3, size // 4 * 3))
    return picture


def make_chair(root, name, colour, num=62):
    renders = root / name / "renders"
    renders.mkdir(parents=True)
    for number in range(num):
        make_render(colour).save(renders / f"image_{number:03d}_p020_t011_r096.png")


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """Three chairs, the second of which lacks a render, and other files of the original set."""
    parent = tmp_path_factory.mktemp("chairs")
    root = parent / "rendered_chairs"
    make_chair(root, "c3", (0, 0, 200))
    make_chair(root, "a1", (200, 0, 0))
    make_chair(root, "b 2'ü", (0, 200, 0), num=61)
    make_chair(root, ".trash", (9, 9, 9), num=1)
    (root / "a2").mkdir()
    (root / "a0.png").touch()
    for name in ("index.tsv", "all_chair_names.mat", "c3/renders/notes.txt", "c3/renders/._image.png"):
        (root / name).write_text("x")
    return parent


@pytest.fixture
def config():
    """The preset with a class set of the small directory; tests may change it."""
    config = config_lib.load_preset("chairs")
    config.data.class_set = "0003,0002"
    return config


def test_ids_are_positions_of_folders_below_the_root_or_its_parent(parent, config):
    assert chairs.chair_folders(parent / "rendered_chairs") == {
        "0001": "a1/renders", "0002": "b 2'ü/renders", "0003": "c3/renders"}
    below = chairs.list_files(parent, config)
    at = chairs.list_files(parent / "rendered_chairs", config)
    names = [entry.name for entry in at.entries]
    assert [entry.name for entry in below.entries] == [f"rendered_chairs/{name}" for name in names]
    assert len(names) == 62 + 61
    assert names[0] == "c3/renders/image_000_p020_t011_r096.png"
    assert names[-1] == "b 2'ü/renders/image_060_p020_t011_r096.png"


def test_images_labels_and_a_note_on_missing_renders(parent, config, tmp_path):
    image_set = registry.load(config, parent, tmp_path)
    assert image_set.class_names == ("0003", "0002")
    assert image_set.class_counts().tolist() == [62, 61]
    assert image_set.images.shape == (123, 64, 64, 3)
    assert image_set.images[0][32, 32].tolist() == [0, 0, 200]
    assert image_set.images[122][32, 32].tolist() == [0, 200, 0]
    # The middle 64 of 96 pixels are kept as they are; the square has the middle 48 of them.
    assert [row.tolist() for row in image_set.images[0][7:9, 32]] == [[255] * 3, [0, 0, 200]]
    assert [row.tolist() for row in image_set.images[0][32, 55:57]] == [[0, 0, 200], [255] * 3]
    assert image_set.notes == ("chairs with fewer than 62 renders: 1; 0002 has 61",)
    config.data.class_set = "0001,0003"
    assert chairs.list_files(parent, config).notes == ()


def test_ids_of_the_paper_mean_other_chairs_in_a_small_set(tmp_path, config):
    for number in range(1338):
        (tmp_path / f"{number:04d}" / "renders").mkdir(parents=True)
    for position in ("0965", "0960", "0710", "0045", "1332", "0996", "1074", "0236", "0098", "1196"):
        make_render("red").save(tmp_path / f"{int(position) - 1:04d}" / "renders" / "a.png")
    config.data.class_set = "0"
    listing = chairs.list_files(tmp_path, config)
    assert listing.entries[0].name == "0964/renders/a.png"
    assert listing.notes[1] == ("--class_set=0 counts the folders of the original set, 1,393 or more; with "
                                "1338 folders these are other chairs than the paper's")
    for number in range(1338, 1393):
        (tmp_path / f"{number:04d}" / "renders").mkdir(parents=True)
    assert len(chairs.list_files(tmp_path, config).notes) == 1


def test_directory_without_chairs_and_chair_without_renders_are_refused(tmp_path, config):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "index.tsv").touch()
    with pytest.raises(UserError, match="holds no folders <id>/renders; expected those of 3D Chairs"):
        chairs.list_files(tmp_path, config)
    make_chair(tmp_path, "a", "red", num=1)
    (tmp_path / "b" / "renders").mkdir(parents=True)
    config.data.class_set = "0001,0002"
    with pytest.raises(UserError, match="b/renders, chair 0002, holds no PNG files; expected its 62 renders"):
        chairs.list_files(tmp_path, config)


@pytest.mark.parametrize("size, channels", [(28, 1), (32, 3), (64, 1)])
def test_size_and_channels(size, channels, tmp_path):
    make_render((200, 0, 0)).save(tmp_path / "a.png")
    image = chairs.decode_render(tmp_path / "a.png", size, channels)
    assert image.shape == (1, size, size, channels) and image.dtype == np.uint8
    # 0.299 * 200 for grey.
    assert image[0, size // 2, size // 2].tolist() == ([60] if channels == 1 else [200, 0, 0])


def dotted(size, *dots):
    picture = Image.new("RGB", size, "white")
    for dot in dots:
        picture.putpixel(dot, (254, 255, 255))
    return picture


@pytest.mark.parametrize("dots, side", [
    # It is the same for all that fits, and grows where it would cut.
    ([], 400), ([(300, 300)], 400), ([(100, 300)], 400), ([(499, 499), (100, 100)], 400), ([(100, 499)], 400),
    ([(99, 300)], 402), ([(300, 500)], 402), ([(40, 300)], 520), ([(0, 0)], 600)])
def test_crop(dots, side):
    cropped = chairs.crop_to_chair(dotted((600, 600), *dots))
    assert cropped.size == (side, side)
    assert (np.asarray(cropped) != 255).sum() == len(dots)
    if dots == [(100, 499)]:
        assert np.asarray(cropped)[399, 0].tolist() == [254, 255, 255]


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 7), (8, 8), (9, 9), (7, 8), (8, 7), (9, 6), (5, 11)])
def test_no_pixel_of_a_chair_is_ever_cut(size):
    for dot in itertools.product(range(size[0]), range(size[1])):
        cropped = chairs.crop_to_chair(dotted(size, dot))
        assert (np.asarray(cropped) != 255).any(), dot
        assert cropped.width == cropped.height


def test_check_says_what_is_there_and_what_is_missing(parent, config, tmp_path):
    lines = chairs.check_directory(parent, config)
    assert lines[:3] == [
        f"3 folders <id>/renders below {parent / 'rendered_chairs'}",
        "chairs with fewer than 62 renders: 1; 0002 has 61",
        "2 folders lack a folder renders and are not counted: .trash, a2"]
    assert lines[3].startswith("the paper's class set 0: 10 of 10 missing: 0965, 0960")
    assert lines[8] == ("the paper's ids are positions among the folders of the original set, 1,393 or more; "
                        "here are 3, so that an id means another chair")
    assert len(lines) == 9
    assert chairs.check_directory(tmp_path, config)[0] == f"0 folders <id>/renders below {tmp_path}"


@pytest.mark.slow
def test_real_chairs(real_data, config, tmp_path):
    config.data.class_set = "random"
    image_set = registry.load(config, real_data / "rendered_chairs", tmp_path)
    images = np.asarray(image_set.images)
    assert images.shape == (620, 64, 64, 3)
    assert image_set.class_counts().tolist() == [62] * 10
    assert (images.min(axis=(1, 2, 3)) < 200).all()
    paths = sorted((real_data / "rendered_chairs").glob("*/renders/*.png"))
    assert len(paths) >= 620
    for path in paths:
        picture = pictures.read(path)
        cropped = chairs.crop_to_chair(picture)
        # The square is the same for all, so that sizes can be compared, and cuts no pixel of a chair.
        assert cropped.width == round(picture.width * 2 / 3)
        assert (np.asarray(cropped) != 255).sum() == (np.asarray(picture) != 255).sum(), path

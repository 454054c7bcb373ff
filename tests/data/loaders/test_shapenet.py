"""ShapeNet: names of categories, other files of the renderer, and draws of whole objects."""

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import registry, synsets
from eig_tf.data.loaders import shapenet
from eig_tf.data.names import files_below
from eig_tf.errors import UserError

RED, GREEN, BLUE = (200, 0, 0, 255), (0, 200, 0, 255), (0, 0, 200, 255)


def make_object(folder, colour, num=3, pattern="{:03d}.png", size=64):
    """Write renders with a plain square on a transparent background, whose hidden colour is black."""
    folder.mkdir(parents=True, exist_ok=True)
    render = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    render.paste(colour, (size // 4, size // 4, size // 4 * 3, size // 4 * 3))
    for number in range(num):
        render.save(folder / pattern.format(number))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three categories with three kinds of names, and files of a renderer and of other programs."""
    root = tmp_path_factory.mktemp("shapenet")
    stanford = "model_normalized_r_{:03d}.png"
    make_object(root / "02958343" / "a b'ü" / "deeper" / "still", RED, pattern=stanford)
    for suffix in ("depth0001", "normal0001", "albedo0001", "depth", "normal_0001", "id0001"):
        make_object(root / "02958343" / "a b'ü" / "deeper", BLUE,
                      pattern=stanford.replace(".png", f"_{suffix}.png"))
    make_object(root / "02958343" / "other", RED, num=2)
    make_object(root / "bowls", BLUE, num=1, pattern="stray.png")
    make_object(root / "bowls" / "other", GREEN, num=4)
    (root / "bowls" / "empty").mkdir()
    make_object(root / "my mugs" / "x", BLUE, num=1)
    make_object(root / "my mugs" / ".hidden", RED, num=1)
    make_object(root / "my mugs" / "x", RED, num=1, pattern="._{}.png")
    (root / "my mugs" / "x" / "notes.txt").write_text("x")
    (root / "my mugs" / "x" / "folder.png").mkdir()
    (root / ".cache").mkdir()
    return root


@pytest.fixture
def config():
    """The preset with three categories and three renders; tests may change it."""
    config = config_lib.load_preset("shapenet")
    config.data.categories = "car,bowl,cup=my mugs"
    config.data.views = 3
    config.data.imbalance = "none"
    return config


def test_listing_and_images_over_white(root, config, tmp_path):
    listing = shapenet.list_files(root, config)
    deep = "02958343/a b'ü/deeper/still/model_normalized_r_"
    assert [(entry.name, entry.label, entry.group) for entry in listing.entries] == [
        *((f"{deep}{number:03d}.png", 0, 0) for number in range(3)),
        ("02958343/other/000.png", 0, 1), ("02958343/other/001.png", 0, 1),
        # The fourth render is more than asked for.
        *((f"bowls/other/{number:03d}.png", 1, 2) for number in range(3)),
        ("my mugs/x/000.png", 2, 3)]
    assert listing.class_names == ("car", "bowl", "cup")
    assert listing.notes == (
        "02958343: 1 objects with fewer than 3 renders: other has 2",
        "bowls: 1 objects without renders, left out: empty",
        "bowls: 1 PNG files beside the folders of the objects, left out: stray.png",
        "my mugs: 1 objects with fewer than 3 renders: x has 1")
    images = np.asarray(registry.load(config, root, tmp_path).images)
    assert images.shape == (9, 64, 64, 3)
    assert images[0, 32, 32].tolist() == [200, 0, 0] and images[8, 32, 32].tolist() == [0, 0, 200]
    assert (images[:, 0, 0] == 255).all()


def test_order_of_categories_defines_labels_and_views_the_number_of_renders(root, config):
    for views, count in ((1, 4), (2, 7), (100, 10)):
        config.data.views = views
        assert len(shapenet.list_files(root, config).entries) == count
    config.data.categories = "bowls , 02958343"
    listing = shapenet.list_files(root, config)
    assert listing.class_names == ("bowls", "02958343")
    assert listing.entries[0].name == "bowls/other/000.png" and listing.entries[0].label == 0


def test_whole_objects_are_drawn(tmp_path, config):
    for number in range(8):
        make_object(tmp_path / "data" / "car" / f"{number}", RED, num=4)
        # The objects have the same names as in the other category.
        make_object(tmp_path / "data" / "bowl" / f"{number}", GREEN, num=4)
    config.data.categories = "car,bowl"
    config.data.views = 4
    config.data.imbalance = "0.8,0.2"
    _, subset = registry.load_split(config, tmp_path / "data", tmp_path / "cache")
    # All 8 cars and 8 / 0.8 * 0.2 = 2 bowls, each with its 4 renders.
    assert subset.class_counts().tolist() == [32, 8]
    assert np.unique(subset.groups, return_counts=True)[1].tolist() == [4] * 10


@pytest.mark.parametrize("name, folders, found", [
    ("car", ["cars"], "cars"), ("cars", ["car"], "car"), ("car", ["02958343"], "02958343"),
    ("02958343", ["Cars"], "Cars"), ("rifle", ["guns"], "guns"), ("gun", ["04090263"], "04090263"),
    ("airplane", ["planes"], "planes"), ("airplane", ["aeroplanes"], "aeroplanes"),
    ("can", ["tin_cans"], "tin_cans"), ("can", ["02946921"], "02946921"), ("bowl", ["bowls"], "bowls"),
    ("02691156", ["airplane"], "airplane"), ("02880940", ["bowl"], "bowl"),
    ("chair", ["03001627"], "03001627"), ("x=car", ["02958343"], "02958343"),
    ("my things", ["my things"], "my things"), ("car=x", ["x", "car"], "x"),
    ("car=car", ["car", "cars"], "car"), ("can", ["cap", "car", "cans"], "cans"),
    ("car", ["cart", "c", "ar", "bus"], None), ("my thing", ["my things"], None),
    ("02958343", ["02691156"], None)])
def test_names_of_categories(name, folders, found):
    resolved, missing = synsets.resolve(name, folders)
    assert (list(resolved.values()), missing) == (([found], []) if found else ([], [name]))


def test_ambiguous_category_names_both_folders(root, config):
    (root / "mug").mkdir()
    (root / "03797390").mkdir()
    config.data.categories = "car,mug"
    with pytest.raises(UserError, match=r"mug may be the folder 03797390 or mug; expected one of them, or "
                                        r"mug=03797390"):
        shapenet.list_files(root, config)
    assert shapenet.check_directory(root, config)[0].startswith("--config.data.categories: mug may be")
    (root / "mug").rmdir()
    (root / "03797390").rmdir()


@pytest.mark.parametrize("text, message", [
    ("", "is ''; expected different names"), ("car,,bowl", "expected different names"),
    ("car,car", "expected different names"), ("car=", "expected different names"),
    ("=car", "expected different names"),
    ("car,02958343", "car and 02958343 are both the folder 02958343; expected one category for each folder"),
    ("car,airplane,rifle", r"lacks the categories airplane, rifle; it holds the folders 02958343 \(car\), "
                           "bowls, my mugs; expected those of")])
def test_bad_and_missing_categories(root, config, text, message):
    config.data.categories = text
    with pytest.raises(UserError, match=message):
        shapenet.list_files(root, config)


def test_category_without_renders_is_refused(tmp_path, config):
    make_object(tmp_path / "car" / "a", RED)
    make_object(tmp_path / "bowl" / "a", RED, pattern="x_r_{:03d}_depth0001.png")
    config.data.categories = "car,bowl"
    with pytest.raises(UserError, match="bowl holds no renders; expected PNG files in folders bowl/<object>"):
        shapenet.list_files(tmp_path, config)


def test_linked_categories_and_objects_are_read_and_circular_links_end(tmp_path, config):
    a, data = tmp_path / "big disk" / "models" / "a", tmp_path / "data"
    make_object(a, RED, num=2)
    make_object(tmp_path / "elsewhere" / "views", RED, num=1, pattern="far.png")
    for name, target in {"up": "..", "root": tmp_path / "big disk", "self": "self", "gone": "nowhere",
                         "far": tmp_path / "elsewhere"}.items():
        (a / name).symlink_to(target)
    (tmp_path / "elsewhere" / "back").symlink_to(a)
    (data / "bowl").mkdir(parents=True)
    (data / "car").symlink_to(tmp_path / "big disk" / "models")
    (data / "bowl" / "b").symlink_to(a)
    # With two links that lead nowhere.
    assert len(set(files_below(a))) == len(list(files_below(a))) == 5
    config.data.categories = "car,bowl"
    names = [entry.name for entry in shapenet.list_files(data, config).entries]
    assert names == [f"{folder}/{file}" for folder in ("car/a", "bowl/b")
                     for file in ("000.png", "001.png", "far/views/far.png")]


@pytest.mark.parametrize("size, channels", [(28, 1), (32, 3)])
def test_renders_that_are_not_square_are_padded(tmp_path, size, channels):
    render = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    render.paste(RED, (0, 0, 10, 20))
    render.save(tmp_path / "a.png")
    image = shapenet.decode_render(tmp_path / "a.png", size, channels)
    assert image.shape == (1, size, size, channels) and image.dtype == np.uint8
    # 0.299 * 200 for grey.
    assert image[0, size // 2, 1].tolist() == ([60] if channels == 1 else [200, 0, 0])
    assert (image[0, :, -1] == 255).all()


def test_check_says_what_is_there_and_what_is_missing(root, config, tmp_path):
    config.data.categories = "car,rifle,bowl,airplane"
    assert shapenet.check_directory(root, config) == [
        "car: folder 02958343 (car), 2 objects, 5 renders",
        "02958343: 1 objects with fewer than 3 renders: other has 2",
        "02958343: 18 files of depth, normals, albedo or ids are not read",
        "bowl: folder bowls, 1 objects, 4 renders",
        "bowls: 1 objects without renders, left out: empty",
        "bowls: 1 PNG files beside the folders of the objects, left out: stray.png",
        "missing categories: rifle, airplane", "folders that are not used: my mugs"]
    assert shapenet.check_directory(tmp_path, config) == ["missing categories: car, rifle, bowl, airplane"]


@pytest.mark.slow
def test_real_shapenet(real_data, tmp_path):
    config = config_lib.load_preset("shapenet")
    whole, subset = registry.load_split(config, real_data / "shapenet", tmp_path)
    assert whole.notes == ()
    assert whole.class_names == ("car", "airplane", "bowl", "can", "rifle")
    assert whole.class_counts().tolist() == [810, 3630, 690, 600, 1020]
    # 20 cans are 0.2592 of 77.16 objects.
    assert subset.class_counts().tolist() == [14 * 30, 11 * 30, 8 * 30, 20 * 30, 22 * 30]
    assert (np.asarray(subset.images[::50]).min(axis=(1, 2, 3)) < 200).all()

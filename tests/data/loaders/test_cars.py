"""3D Cars: MATLAB files of two formats, and the refusal of all others."""

import h5py
import numpy as np
import pytest
import scipy.io

from eig_tf import config as config_lib
from eig_tf.data import registry
from eig_tf.data.loaders import cars
from eig_tf.errors import UserError

SHAPE = (128, 128, 3, 24, 4)


def make_renders(blue):
    """Return renders whose colour identifies them; the upper right quarter is black."""
    im = np.empty(SHAPE, np.uint8)
    im[:, :, 0] = 10 * np.arange(24)[:, np.newaxis]
    im[:, :, 1] = 60 * np.arange(4)
    im[:, :, 2] = blue
    im[:64, 64:] = 0
    return im


def write_hdf5(path, arrays, userblock=512):
    """Write a file as MATLAB 7.3 does: with its own header, and reversed axes."""
    with h5py.File(path, "w", userblock_size=userblock) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T)
    if userblock:
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Three cars, one in each format, and names that are not cars."""
    directory = tmp_path_factory.mktemp("cars with 'quotes' ü")
    scipy.io.savemat(directory / "car_002_mesh.mat", {"im": make_renders(102)})
    scipy.io.savemat(directory / "car_007_mesh.mat", {"im": make_renders(107)}, do_compression=True)
    write_hdf5(directory / "car_030_mesh.mat", {"im": make_renders(130)})
    for name in ("car_02_mesh.mat", "car_0021_mesh.mat", "readme.txt", ".hidden"):
        (directory / name).write_text("x")
    return directory


@pytest.fixture
def config():
    """The preset with a class set of the small directory; tests may change it."""
    config = config_lib.load_preset("cars")
    config.data.class_set = "030,002"
    return config


def test_images_labels_and_names_follow_the_class_set(directory, config, tmp_path):
    config.data.imbalance = "0.75,0.25"
    image_set, subset = registry.load_split(config, directory, tmp_path)
    images = np.asarray(image_set.images)
    assert images.shape == (192, 64, 64, 3)
    assert image_set.class_names == ("030", "002")
    assert image_set.labels.tolist() == [0] * 96 + [1] * 96
    assert image_set.names[[95, 96]].tolist() == ["car_030_mesh.mat", "car_002_mesh.mat"]
    for car, blue in ((0, 130), (1, 102)):
        for azimuth, elevation in ((0, 0), (1, 0), (23, 1), (5, 3)):
            image = images[96 * car + 24 * elevation + azimuth]
            # Lower left, and black where the file has the first rows and the last columns.
            assert image[48, 16].tolist() == [10 * azimuth, 60 * elevation, blue]
            assert image[16, 48].tolist() == [0, 0, 0]
    # The imbalance takes 32 different renders of the second car.
    assert subset.class_counts().tolist() == [96, 32]
    assert len({image[48, 16].tobytes() for image in subset.images[96:]}) == 32


@pytest.mark.parametrize("size, channels", [(28, 1), (32, 3), (64, 1)])
def test_size_and_channels(size, channels, directory, config):
    config.data.image_size, config.data.channels = size, channels
    listing = cars.list_files(directory, config)
    images = listing.decode(directory / "car_002_mesh.mat", listing.entries[1])
    assert images.shape == (96, size, size, channels) and images.dtype == np.uint8
    if channels == 1:
        # Azimuth 10, elevation 2; the weights of ITU-R 601.
        grey = 0.299 * 100 + 0.587 * 120 + 0.114 * 102
        assert abs(int(images[58, -4, 3, 0]) - grey) <= 1
    # Shrinking smooths.
    checkers = (np.indices((128, 128)).sum(axis=0) % 2 * 255).astype(np.uint8)
    shrunk = cars.resize_renders(np.stack([checkers] * 3, axis=-1)[np.newaxis], size, channels)
    assert np.abs(shrunk[0, 4:-4, 4:-4].astype(int) - 127).max() <= 3


def test_the_four_kinds_of_file_give_the_same(directory, tmp_path):
    write_hdf5(tmp_path / "car_109_mesh.mat", {"im": make_renders(109)}, userblock=0)
    for folder, name, blue in ((directory, "002", 102), (directory, "007", 107), (directory, "030", 130),
                               (tmp_path, "109", 109)):
        renders = cars.read_renders(folder / f"car_{name}_mesh.mat")
        assert renders.shape == (96, 128, 128, 3) and renders.dtype == np.uint8
        expected = make_renders(blue).transpose(4, 3, 0, 1, 2).reshape(renders.shape)
        np.testing.assert_array_equal(renders, expected)


SMALL = np.zeros((128, 128, 3, 24, 2), np.uint8)
REFUSED = {
    "key": ({"image": SMALL}, "holds image; expected the array 'im'"),
    "shape": ({"im": SMALL}, "'im' is uint8 [128, 128, 3, 24, 2]; expected uint8 [128, 128, 3, 24, 4]"),
    "flat": ({"im": np.zeros((1, 7), np.uint8)}, "'im' is uint8 [1, 7]; expected uint8 [128, 128, 3, 24, 4]"),
    "type": ({"im": np.zeros(SHAPE, np.int8)},
             "'im' is int8 [128, 128, 3, 24, 4]; expected uint8 [128, 128, 3, 24, 4]"),
    "empty": ({}, "holds no arrays; expected the array 'im'"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("write", [scipy.io.savemat, write_hdf5])
def test_other_content_is_refused(case, write, tmp_path):
    arrays, expected = REFUSED[case]
    path = tmp_path / "car_001_mesh.mat"
    write(path, arrays)
    with pytest.raises(UserError) as refusal:
        cars.read_renders(path)
    assert str(refusal.value).startswith(str(path)) and str(refusal.value).endswith(expected)


def test_hdf5_group_in_place_of_the_array_is_refused(tmp_path):
    with h5py.File(tmp_path / "car_001_mesh.mat", "w") as file:
        file.create_group("im")
    with pytest.raises(UserError, match="'im' is a group"):
        cars.read_renders(tmp_path / "car_001_mesh.mat")


@pytest.mark.parametrize("name", ["002", "007", "030"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_truncated_file_gives_one_sentence(name, share, directory, tmp_path):
    content = (directory / f"car_{name}_mesh.mat").read_bytes()
    path = tmp_path / "car_001_mesh.mat"
    path.write_bytes(content[:max(140, int(len(content) * share))])
    with pytest.raises(UserError, match="expected a MATLAB") as refusal:
        cars.read_renders(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(("content", "words"), [
    *((content, r"car_001_mesh\.mat starts with .*; expected a MATLAB 5 or 7.3 file")
      for content in (b"", b"not MATLAB's", b"\x89PNG\r\n\x1a\n", b"MATLAB 4")),
    (None, "truncated or damaged")], ids=["empty", "text", "png", "version 4", "one byte flipped"])
def test_other_and_damaged_files_are_refused(content, words, directory, tmp_path):
    if content is None:
        content = bytearray((directory / "car_007_mesh.mat").read_bytes())
        content[len(content) // 2] ^= 0xFF
    (tmp_path / "car_001_mesh.mat").write_bytes(content)
    with pytest.raises(UserError, match=words):
        cars.read_renders(tmp_path / "car_001_mesh.mat")


def test_one_damaged_car_and_an_empty_directory_end_the_preparation(directory, config, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(UserError, match=r"holds no files named car_NNN_mesh\.mat; expected those of 3D Cars"):
        cars.list_files(data, config)
    (data / "car_002_mesh.mat").symlink_to(directory / "car_002_mesh.mat")
    (data / "car_030_mesh.mat").write_bytes(b"")
    with pytest.raises(UserError, match=r"car_030_mesh\.mat starts with"):
        registry.load(config, data, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("images*"))


def test_check_says_what_is_there_and_what_is_missing(directory, config, tmp_path):
    lines = cars.check_directory(directory, config)
    assert lines[:2] == ["3 files named car_NNN_mesh.mat, 002 to 030",
                         "3 other names, which are ignored: car_0021_mesh.mat, car_02_mesh.mat, readme.txt"]
    assert lines[2] == "the paper's class set 0: 8 of 10 missing: 009, 004, 001, 025, 026, 024, 043, 023"
    assert len(lines) == 7
    assert cars.check_directory(tmp_path, config)[0] == "0 files named car_NNN_mesh.mat"


@pytest.mark.slow
def test_real_cars(real_data, config, tmp_path):
    config.data.class_set = "random"
    image_set = registry.load(config, real_data / "cars", tmp_path)
    images = np.asarray(image_set.images)
    assert images.shape == (960, 64, 64, 3)
    assert image_set.class_counts().tolist() == [96] * 10
    # Cars on white, and a car in every render.
    assert images[:, 0].min() == 255
    assert (images.min(axis=(1, 2, 3)) < 128).all()
    # From the side at elevation 0 a car is wider than high, unless rows and columns are swapped.
    side = images[image_set.labels == 0][6].min(axis=-1) < 250
    assert side.any(axis=0).sum() > 1.5 * side.any(axis=1).sum()

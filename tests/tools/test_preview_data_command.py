"""The preview as a user runs it: a picture, or what is found and what is missing."""

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import prepared, registry


@pytest.fixture
def tool(repository):
    return repository / "tools" / "preview_data.py"


@pytest.fixture
def refused(tool, command, tmp_path):
    """Runs the tool, which must refuse its input and write nothing; returns its sentence and output."""
    def run(*arguments):
        before = sorted(tmp_path.rglob("*.png"))
        result = command(tool, *arguments)
        assert result.returncode == 2
        assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
        assert "training can start" not in result.stdout
        assert sorted(tmp_path.rglob("*.png")) == before
        return result.stderr, result.stdout
    return run


@pytest.fixture
def folder(tmp_path):
    """Two classes of four images."""
    for number, name in enumerate(("cats", "dogs")):
        (tmp_path / "my $ data" / name).mkdir(parents=True)
        for index in range(4):
            pixels = np.random.default_rng(number).integers(0, 256, (40, 32, 3), np.uint8)
            Image.fromarray(pixels + np.uint8(index)).save(tmp_path / "my $ data" / name / f"{index}.png")
    return tmp_path / "my $ data"


@pytest.mark.parametrize("arguments, words", [
    ([], ["--output is missing", "--check"]),
    (["--output=."], ["--output is '.', a directory"]),
    (["--output=a.jpg"], ["--output is 'a.jpg'", "ends in .png"]),
    (["--output=missing/a.png"], ["--output is 'missing/a.png'", "'missing' is not a directory"]),
    (["--output=a.png", "--check"], ["--output is given", "--check"]),
    (["--output=a.png", "a.png"], ["unexpected argument 'a.png'"]),
    (["--output=a.png", "--image_size=32"], ["--image_size is given", "digits"]),
], ids=" ".join)
def test_bad_flags_are_refused_before_any_work(refused, arguments, words):
    sentence, said = refused("--dataset=digits", *arguments)
    assert all(word in sentence for word in words) and said == ""


def test_dataset_must_be_named(refused):
    assert "--dataset is missing" in refused("--check")[0]


def test_help_lists_the_flags(tool, command):
    result = command(tool, "--dataset=cars", "--help")
    assert result.returncode == 0
    assert "--output" in result.stdout and "--config.augment.crop" in result.stdout


def test_picture_of_a_folder(tool, command, folder, tmp_path):
    result = command(tool, "--dataset=folder", f"--data_dir={folder}", "--image_size=32", "--output=a.png")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1].split() == ["picture", "a.png"]
    assert "images per class: cats: 4, dogs: 4" in result.stdout
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 300
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "cache", "my $ data"}


def test_check_says_what_is_there_and_writes_nothing(tool, command, folder, tmp_path):
    arguments = (tool, "--dataset=folder", f"--data_dir={folder}", "--check")
    result = command(*arguments)
    assert result.returncode == 2
    assert "--config.training.batch_size is 50" in result.stderr
    result = command(*arguments, "--config.training.batch_size=8")
    assert result.returncode == 0, result.stderr
    assert "2 sub-folders with images" in result.stdout
    assert result.stdout.splitlines()[-2:] == ["8 files would be read, of 2 classes", "training can start"]
    assert {path.name for path in tmp_path.iterdir()} == {"my $ data"}


@pytest.mark.slow
def test_check_of_what_is_incomplete(refused, tmp_path):
    (tmp_path / "cars").mkdir()
    (tmp_path / "cars" / "car_003_mesh.mat").write_bytes(b"")
    sentence, said = refused("--dataset=cars", "--data_dir=cars", "--check")
    assert "1 files named car_NNN_mesh.mat" in said and "the paper's class set 0: " in said
    assert "--class_set=0 has ids that were not found" in sentence


@pytest.mark.slow
def test_check_compares_fractions_with_classes(refused, folder):
    sentence, said = refused("--dataset=folder", f"--data_dir={folder}", "--check", "--imbalance=0.5,0.3,0.2")
    assert "has 3 fractions; the data has 2 classes" in sentence and "2 sub-folders" in said


@pytest.mark.slow
def test_check_names_the_files_of_mnist(refused, tmp_path):
    (tmp_path / "idx").mkdir()
    (tmp_path / "idx" / "train-images.idx3-ubyte").write_bytes(b"")
    (tmp_path / "idx" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    sentence, said = refused("--dataset=mnist", "--data_dir=idx", "--check")
    assert said.splitlines() == [
        "train-images-idx3-ubyte: found", "train-labels-idx1-ubyte: missing",
        "t10k-images-idx3-ubyte: missing", "t10k-labels-idx1-ubyte: found"]
    assert "train-labels-idx1-ubyte" in sentence


@pytest.mark.slow
def test_check_without_files(tool, command, refused):
    for dataset, words in (("digits", "part of scikit-learn"), ("mnist", "Keras's copy")):
        result = command(tool, f"--dataset={dataset}", "--check")
        assert result.returncode == 0 and words in result.stdout
    assert "--data_dir is missing" in refused("--dataset=ytf", "--check")[0]
    assert "--split is 50" in refused("--dataset=digits", "--split=50", "--check")[0]


@pytest.mark.slow
def test_check_of_a_prepared_set(tool, command, refused, folder, tmp_path):
    config = config_lib.load_preset("folder")
    prepared.write_prepared(registry.load(config, folder, tmp_path / "cache"), config, tmp_path / "out")
    arguments = ["--dataset=folder", "--data_dir=out", "--check", "--config.training.batch_size=8"]

    result = command(tool, *arguments)
    assert result.returncode == 0, result.stderr
    assert "8 images of 64 x 64 x 3, 2 classes\ntraining can start" in result.stdout
    assert "holds 8 images" in refused(*arguments[:-1])[0]
    assert "--image_size is 64 there, 32 here" in refused(*arguments, "--image_size=32")[0]
    assert "has 3 fractions" in refused(*arguments, "--imbalance=0.5,0.3,0.2")[0]

    (tmp_path / "out" / "labels.npy").unlink()
    sentence, said = refused(*arguments)
    assert "labels.npy" in sentence and "8 images of 64 x 64 x 3" in said
    (tmp_path / "out" / "dataset_info.json").write_text("{}")
    assert "dataset_info.json has the format_version None" in refused(*arguments)[0]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [
    ["--dataset=mnist", "--data_dir=mnist"], ["--dataset=cars", "--data_dir=cars", "--class_set=random"],
    ["--dataset=chairs", "--data_dir=rendered_chairs", "--class_set=random"],
    ["--dataset=shapenet", "--data_dir=shapenet"], ["--dataset=ytf", "--data_dir=youtube_faces"],
], ids=lambda arguments: arguments[0])
def test_real_data(tool, command, real_data, tmp_path, arguments):
    arguments = [argument.replace("--data_dir=", f"--data_dir={real_data}/") for argument in arguments]
    checked = command(tool, *arguments, "--check")
    drawn = command(tool, *arguments, "--output=a.png")
    assert (checked.returncode, drawn.returncode) == (0, 0), checked.stderr + drawn.stderr
    assert checked.stdout.endswith("training can start\n")
    assert (tmp_path / "a.png").stat().st_size > 50_000

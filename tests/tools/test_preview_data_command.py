"""The preview as a user runs it: a picture, or what is found and what is missing."""

import shutil

import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import prepared, registry


@pytest.fixture
def preview(run, refused):
    """Runs the command; returns its output, or its sentence and its output when it must be refused."""
    def start(*arguments, refuses=False):
        result = run("preview_data", *arguments)
        if refuses:
            assert "training can start" not in result.stdout
            return refused(result), result.stdout
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout
    return start


@pytest.fixture
def folder(make_folder):
    """Two classes of four images."""
    return make_folder("my $ data", 4)


def test_picture_of_a_folder(preview, folder, tmp_path):
    printed = preview("--dataset=folder", f"--data_dir={folder}", "--image_size=32", "--output=a.png")
    assert printed.splitlines()[-1].split() == ["picture", "a.png"]
    assert "images per class: blue: 4, red: 4" in printed
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 300
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "cache", "my $ data"}


def test_check_says_what_is_there_and_writes_nothing(preview, folder, tmp_path):
    arguments = ("--dataset=folder", f"--data_dir={folder}", "--check")
    assert "--config.training.batch_size is 50" in preview(*arguments, refuses=True)[0]
    printed = preview(*arguments, "--config.training.batch_size=8")
    assert "2 sub-folders with images" in printed
    assert "\n8 files would be read, of 2 classes\n" in printed
    assert printed.splitlines()[-2:] == [
        "together: --image_size=32 --preset=cpu --config.discriminator_augment.shift=4 "
        "--config.training.batch_size=4 --config.training.epochs=600 --num_codes=2", "training can start"]
    sentence, said = preview(*arguments, "--imbalance=0.5,0.3,0.2", refuses=True)
    assert "has 3 fractions; the data has 2 classes" in sentence and "2 sub-folders" in said
    assert {path.name for path in tmp_path.iterdir()} == {"my $ data"}


@pytest.mark.slow
def test_suggested_flags_of_an_archive_can_be_given(preview, folder, tmp_path):
    shutil.make_archive(tmp_path / "images", "zip", folder)
    arguments = ("--dataset=folder", "--data_dir=images.zip")
    sentence, said = preview(*arguments, "--check", refuses=True)
    assert "--config.training.batch_size is 50" in sentence and "of 2 classes" in said
    (together,) = (line for line in said.splitlines() if line.startswith("together: "))
    flags = together.split()[1:]
    assert "--config.training.batch_size=4" in flags
    assert preview(*arguments, "--check", *flags).endswith("training can start\n")
    assert {path.name for path in tmp_path.iterdir()} == {"images.zip", "my $ data"}


@pytest.mark.slow
def test_check_of_what_is_incomplete(preview, tmp_path):
    (tmp_path / "cars").mkdir()
    (tmp_path / "cars" / "car_003_mesh.mat").write_bytes(b"")
    sentence, said = preview("--dataset=cars", "--data_dir=cars", "--check", refuses=True)
    assert "1 files named car_NNN_mesh.mat" in said and "the paper's class set 0: " in said
    assert "--class_set=0 has ids that were not found" in sentence


@pytest.mark.slow
def test_check_names_the_files_of_mnist(preview, tmp_path):
    (tmp_path / "idx").mkdir()
    (tmp_path / "idx" / "train-images.idx3-ubyte").write_bytes(b"")
    (tmp_path / "idx" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    sentence, said = preview("--dataset=mnist", "--data_dir=idx", "--check", refuses=True)
    assert said.splitlines() == [
        "train-images-idx3-ubyte: found", "train-labels-idx1-ubyte: missing",
        "t10k-images-idx3-ubyte: missing", "t10k-labels-idx1-ubyte: found"]
    assert "train-labels-idx1-ubyte" in sentence


@pytest.mark.slow
def test_check_without_files(preview):
    for dataset, words in (("digits", "part of scikit-learn"), ("mnist", "Keras's copy")):
        assert words in preview(f"--dataset={dataset}", "--check")
    assert "--data_dir is missing" in preview("--dataset=ytf", "--check", refuses=True)[0]
    assert "--split is 50" in preview("--dataset=digits", "--split=50", "--check", refuses=True)[0]


@pytest.mark.slow
def test_check_of_a_prepared_set(preview, folder, tmp_path):
    config = config_lib.load_preset("folder")
    prepared.write_prepared(registry.load(config, folder, tmp_path / "cache"), config, tmp_path / "out")
    arguments = ["--dataset=folder", "--data_dir=out", "--check", "--config.training.batch_size=8"]
    assert "8 images of 64 x 64 x 3, 2 classes\ntraining can start" in preview(*arguments)
    for changed, words in ((["--config.training.batch_size=50"], "holds 8 images"),
                           (["--image_size=32"], "--image_size is 64 there, 32 here"),
                           (["--imbalance=0.5,0.3,0.2"], "has 3 fractions")):
        assert words in preview(*arguments, *changed, refuses=True)[0]
    (tmp_path / "out" / "labels.npy").unlink()
    sentence, said = preview(*arguments, refuses=True)
    assert "labels.npy" in sentence and "8 images of 64 x 64 x 3" in said
    (tmp_path / "out" / "dataset_info.json").write_text("{}")
    assert "dataset_info.json has the format_version None" in preview(*arguments, refuses=True)[0]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [
    ["--dataset=mnist", "--data_dir=mnist"], ["--dataset=cars", "--data_dir=cars", "--class_set=random"],
    ["--dataset=chairs", "--data_dir=rendered_chairs", "--class_set=random"],
    ["--dataset=shapenet", "--data_dir=shapenet"], ["--dataset=ytf", "--data_dir=youtube_faces"],
], ids=lambda arguments: arguments[0])
def test_real_data(preview, real_data, tmp_path, arguments):
    arguments = [argument.replace("--data_dir=", f"--data_dir={real_data}/") for argument in arguments]
    assert preview(*arguments, "--check").endswith("training can start\n")
    preview(*arguments, "--output=a.png")
    assert (tmp_path / "a.png").stat().st_size > 50_000

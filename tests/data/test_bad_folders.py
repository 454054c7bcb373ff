"""Folders that cannot be trained on, or only partly: one sentence each, no traceback, nothing that hangs."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import registry
from eig_tf.errors import UserError


@pytest.fixture
def config():
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


def paint(path, number=1, seed=0):
    """Images of noise, each another one."""
    generator = np.random.default_rng(seed)
    path.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        Image.fromarray(generator.integers(0, 256, [12, 12, 3], np.uint8)).save(path / f"{index}.png")


def refused(load):
    with pytest.raises(UserError) as error:
        load()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_empty_folder(load):
    assert "holds no images: it is empty; expected files named *.png" in refused(load)


def test_folder_of_other_files(data, load):
    (data / "a.tiff").write_text("x")
    assert "1 files are no images by their names and are ignored: a.tiff" in refused(load)


def test_one_class_is_trained_on_and_said(data, load):
    paint(data / "only", 3)
    assert "one class, only: there is nothing to compare categories with" in load().notes[0]


def test_fractions_for_one_class(data, config, tmp_path):
    paint(data / "only", 3)
    config.data.imbalance = "0.5,0.5"
    sentence = refused(lambda: registry.load_split(config, data, tmp_path / "cache"))
    assert sentence == "--imbalance=0.5,0.5 has 2 fractions; the data has 1 classes; expected one for each"


def test_equal_images_are_said(data, load):
    for index in range(4):
        Image.new("RGB", (9, 9), "red").save(data / f"{index}.png")
    assert load().notes == ("all 4 files have the same content, so that there is nothing to learn",)
    Image.new("RGB", (9, 9), "blue").save(data / "4.png")
    assert load().notes == ()


def test_file_given_as_directory(config, data, tmp_path):
    (data / "a.png").write_bytes(b"x")
    sentence = refused(lambda: registry.load(config, data / "a.png", tmp_path / "cache"))
    assert re.search(r"--data_dir is .*a\.png', which is no directory", sentence)


@pytest.mark.parametrize(("name", "content"), [
    ("text.png", b"hello"), ("empty.jpg", b""), ("html.gif", b"<html>404</html>")])
def test_damaged_files_are_left_out_and_said_below_the_share(data, load, config, name, content):
    paint(data, 30)
    (data / name).write_bytes(content)
    image_set = load()
    assert len(image_set.images) == 30
    assert f"1 left out as missing or unreadable: {name}" in image_set.notes[0]
    config.data.max_unreadable = 0.0
    assert f"1 of 31 files are missing or unreadable ({name}" in refused(load)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_truncated_pictures(data, load, suffix):
    paint(data, 30)
    path = data / f"cut.{suffix}"
    Image.effect_noise((50, 50), 80).save(path)
    path.write_bytes(path.read_bytes()[:-500])
    image_set = load()
    assert len(image_set.images) == 30
    assert f"cut.{suffix}" in image_set.notes[0]


def test_nothing_but_damaged_files(data, load, config):
    for index in range(5):
        (data / f"{index}.png").write_text("no")
    sentence = refused(load)
    assert "5 of 5 files are missing or unreadable" in sentence
    assert "and 2 more" in sentence
    config.data.max_unreadable = 1.0
    assert "holds no image that can be read" in refused(load)


def test_decompression_bomb(data, load):
    Image.new("1", (15_000, 15_000)).save(data / "bomb.png")
    assert "bomb.png: too large, a decompression bomb" in refused(load)


def test_names_that_are_hard(data, load):
    names = ["a b.png", "it's.png", 'say "hi".png', "Füße.png", "日本.png", "new\nline.png", "-rf.png",
             "%s{}.png"]
    for index, name in enumerate(names):
        Image.new("RGB", (5, 5), (index, 0, 0)).save(data / name)
    image_set = load()
    assert sorted(image_set.names) == sorted(names)
    for image, name in zip(image_set.images, image_set.names):
        assert image[0, 0, 0] == names.index(name)


def test_name_that_is_no_utf8(data, load):
    with open(os.path.join(os.fsencode(data), b"caf\xe9.png"), "wb") as file:
        Image.new("RGB", (5, 5), "red").save(file, format="PNG")
    image_set = load()
    assert os.fsencode(str(image_set.names[0])) == b"caf\xe9.png"
    assert len(load().images) == 1


def test_links_in_circles_end(data, load):
    paint(data / "a", 2)
    (data / "a" / "again").symlink_to(data)
    (data / "self").symlink_to(data / "self")
    (data / "b").symlink_to(data / "a")
    (data / "dangling.png").symlink_to(data / "nowhere.png")
    image_set = load()
    # A folder that two names lead to is read once.
    assert image_set.names.tolist() == ["a/0.png", "a/1.png"]


def test_link_to_a_file_is_followed(data, load, tmp_path):
    paint(tmp_path / "elsewhere", 1)
    (data / "here.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    assert load().names.tolist() == ["here.png"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read")
def test_folder_that_may_not_be_read(data, tmp_path):
    paint(data / "closed", 2)
    (data / "closed").chmod(0)
    code = ("import os; os.setuid(65534)\n"
            "from eig_tf.data import trees\n"
            f"print(list(trees.files_below({str(data)!r})))")
    for directory in (data, *data.parents[:-2]):
        directory.chmod(0o755)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    (data / "closed").chmod(0o755)
    if "No module named" in result.stderr or "Permission denied: '/root" in result.stderr:
        pytest.skip("the package itself may not be read by others")
    assert "PermissionError" in result.stderr
    assert "closed" in result.stderr


TINY = ("-m", "eig_tf.train", "--dataset=folder", "--data_dir=data", "--image_size=28",
        "--config.networks.width=0.05", "--config.training.epochs=1")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "words"), [
    (0, "holds no images"), (7, "--config.training.batch_size is 50; the training set holds 7 images")])
def test_command_refuses_in_one_sentence(command, data, number, words):
    paint(data, number)
    result = command(*TINY)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


@pytest.mark.slow
def test_command_trains_on_equal_images_without_nan(command, data, tmp_path):
    for index in range(20):
        Image.new("RGB", (9, 9), "red").save(data / f"{index}.png")
    result = command(*TINY, "--config.training.batch_size=10", "--workdir=run")
    assert result.returncode == 0, result.stderr
    assert "all 20 files have the same content" in result.stdout
    assert "no labels" in result.stdout
    losses = (tmp_path / "run" / "history.csv").read_text().splitlines()[1].split(",")
    assert np.isfinite([float(value) for value in losses]).all()


@pytest.mark.slow
def test_command_from_folder_to_evaluation(command, data, tmp_path, repository):
    for seed, name in enumerate(("cat", "dog")):
        paint(data / name, 15, seed)
    assert command(*TINY, "--config.training.batch_size=10", "--workdir=run", "--num_codes=3").returncode == 0
    result = command(repository / "tools" / "evaluate.py", "run", "--images_per_code=10")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "evaluation.json").is_file()


@pytest.mark.slow
def test_evaluation_of_images_without_labels_is_refused(command, data, repository):
    paint(data, 20)
    assert command(*TINY, "--config.training.batch_size=10", "--workdir=run").returncode == 0
    result = command(repository / "tools" / "evaluate.py", "run")
    assert result.returncode == 2
    assert "the images have no labels; evaluation compares codes with two classes" in result.stderr

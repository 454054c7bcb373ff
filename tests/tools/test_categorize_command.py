"""Sorting images as a user does it, with the first weights of a small run."""

import csv
import os

import numpy as np
import pytest
from PIL import Image

from eig_tf.data import prepared, registry
from eig_tf.evaluation import categories


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.slow
def test_the_runs_own_data(run, first_weights):
    trained = first_weights.path
    result = run("categorize", trained)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    header, *rows = read(trained / "categories.csv")
    assert header == ["file", "code", "probability", "class"]
    assert [row[0] for row in rows] == [str(index) for index in range(1797)]
    assert [row[3] for row in rows[:10]] == list("0123456789")
    assert all(0 <= int(row[1]) < 10 and 0.1 <= float(row[2]) <= 1 for row in rows)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("1797 images from scikit-learn's digits")
    printed = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in lines[2:12]}
    codes = [row[1] for row in rows]
    assert printed == {str(code): codes.count(str(code)) for code in range(10)}
    assert f"picture  {trained / 'categories.png'}" in lines
    with Image.open(trained / "categories.png") as image:
        image.verify()


def test_a_flat_folder_of_other_images(run, first_weights, tmp_path):
    folder = tmp_path / "my images"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, [4, 40, 50, 3], dtype=np.uint8)
    names = [b"a, b.png", b"gr\xfc\xdfe.png", b"line\nbreak.png", "größe.png".encode()]
    for name, image in zip(names, pixels):
        # Pillow takes the format from the name, which it cannot print; a file object has none.
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            Image.fromarray(image).save(file, "PNG")
    result = run("categorize", first_weights.path, f"--images={folder}", "--output=found.csv")
    assert result.returncode == 0, result.stderr
    header, *rows = read(tmp_path / "found.csv")
    assert header == ["file", "code", "probability"]
    assert sorted(os.fsencode(row[0]) for row in rows) == sorted(names)
    with Image.open(tmp_path / "found.png") as image:
        image.verify()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_with_classes(first_weights, tmp_path):
    for name, colour in (("cats", 0), ("dogs", 255)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("L", (30, 30), colour).save(tmp_path / "pets" / name / "one.png")
    image_set, found = categories.categorize(
        first_weights.path, tmp_path / "pets.csv", tmp_path / "pets", cache_dir=tmp_path / "cache")
    assert image_set.image_shape == (28, 28, 1)
    _, *rows = read(tmp_path / "pets.csv")
    assert [[row[0], row[3]] for row in rows] == [["cats/one.png", "cats"], ["dogs/one.png", "dogs"]]
    assert [int(row[1]) for row in rows] == found.codes.tolist()


def test_data_set_that_has_moved(first_weights, tmp_path):
    config = first_weights.load_config()
    whole = registry.load(config)
    prepared.write_prepared(whole.subset(np.arange(6)), config, tmp_path / "moved")
    found, _ = categories.categorize(
        first_weights.path, tmp_path / "a.csv", data_dir=tmp_path / "moved", cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(found.images, whole.images[:6])


def test_both_files_are_written_or_neither(first_weights, tmp_path, monkeypatch):
    def fail(figure, path):
        path.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(categories, "save_figure", fail)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_text("of an earlier call")
    with pytest.raises(OSError, match="No space"):
        categories.categorize(first_weights.path, tmp_path / "out" / "a.csv")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.csv"]
    assert (tmp_path / "out" / "a.csv").read_text() == "of an earlier call"

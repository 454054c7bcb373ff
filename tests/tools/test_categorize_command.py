"""Sorting images as a user does it, with the first weights of a small run."""

import csv
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from eig_tf.categories.categorizer import save_categorizer
from eig_tf.categories.grouping import CodeGrouping, save_grouping
from eig_tf.data import prepared, registry
from eig_tf.evaluation import categorize
from eig_tf.networks.categorizer import build_categorizer


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
    # A line on the progress comes first where encoding takes longer than a moment.
    start = next(index for index, line in enumerate(lines) if line.startswith("1797 images from"))
    printed = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in lines[start + 2:start + 12]}
    codes = [row[1] for row in rows]
    assert printed == {str(code): codes.count(str(code)) for code in range(10)}
    assert f"picture  {trained / 'categories.png'}" in lines
    with Image.open(trained / "categories.png") as image:
        image.verify()


def test_a_flat_folder_of_other_images(first_weights, tmp_path):
    folder = tmp_path / "my images"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, [4, 40, 50, 3], dtype=np.uint8)
    names = [b"a, b.png", b"gr\xfc\xdfe.png", b"line\nbreak.png", "größe.png".encode()]
    for name, image in zip(names, pixels):
        # Pillow takes the format from the name, which it cannot print; a file object has none.
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            Image.fromarray(image).save(file, "PNG")
    categorize.categorize(
        first_weights.path, tmp_path / "found.csv", folder, cache_dir=tmp_path / "cache")
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
    image_set, found, notes = categorize.categorize(
        first_weights.path, tmp_path / "pets.csv", tmp_path / "pets", cache_dir=tmp_path / "cache")
    assert image_set.image_shape == (28, 28, 1)
    _, *rows = read(tmp_path / "pets.csv")
    assert [[row[0], row[3]] for row in rows] == [["cats/one.png", "cats"], ["dogs/one.png", "dogs"]]
    assert [int(row[1]) for row in rows] == found.codes.tolist()
    assert notes == list(image_set.notes)
    archive = shutil.make_archive(tmp_path / "pets", "zip", tmp_path / "pets")
    _, again, _ = categorize.categorize(
        first_weights.path, tmp_path / "again.csv", archive, cache_dir=tmp_path / "cache")
    assert again.codes.tolist() == found.codes.tolist()
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "pets.csv").read_bytes()


def write_categories(directory, epochs):
    """Two categories with five of the ten codes each, and a categorizer with its first weights."""
    directory.categories.mkdir()
    save_categorizer(build_categorizer((28, 28, 1), 2), directory.categories / "categorizer.keras")
    grouping = CodeGrouping(np.arange(10) % 2, np.ones(10), np.eye(2)[:, np.arange(10) % 2] / 5,
                            np.array([0.5, 0.5]), np.array([0.5, 0.5]), np.zeros([9, 4]), epochs, 1.0)
    save_grouping(grouping, directory.categories / "categories.json")


def test_a_run_with_categories(run, first_weights, make_folder, tmp_path):
    folder = make_folder("things.2024", 3)
    table = first_weights.path / "categories_things.2024.csv"
    epochs = first_weights.restore_model()[2]
    write_categories(first_weights, epochs)
    try:
        result = run("categorize", first_weights.path, f"--images={folder}")
        header, *rows = read(table)
        shutil.rmtree(first_weights.categories)
        write_categories(first_weights, epochs + 1)
        _, _, notes = categorize.categorize(
            first_weights.path, tmp_path / "by_code.csv", folder, cache_dir=tmp_path / "cache")
    finally:
        shutil.rmtree(first_weights.categories)
        table.unlink()
        table.with_suffix(".png").unlink()
    assert (result.returncode, result.stderr) == (0, "")
    assert header == ["file", "category", "probability", "code", "code_probability", "class"]
    assert all(row[1] in "01" and float(row[2]) >= 0.5 and 0 <= int(row[3]) < 10 for row in rows)
    printed = [line.split() for line in result.stdout.splitlines()]
    start = next(index for index, line in enumerate(printed) if line[0] == "category")
    categories = [row[1] for row in rows]
    assert {line[0]: int(line[1]) for line in printed[start + 1:start + 3]} == {
        name: categories.count(name) for name in "01"}
    assert "note: " not in result.stdout
    assert read(tmp_path / "by_code.csv")[0] == ["file", "code", "probability", "class"]
    assert f"categories.json is of epoch {epochs + 1}, the checkpoint of epoch {epochs}" in notes[-1]


def test_data_set_that_has_moved(first_weights, tmp_path):
    config = first_weights.load_config()
    whole = registry.load(config)
    prepared.write_prepared(whole.subset(np.arange(6)), config, tmp_path / "moved")
    found, _, _ = categorize.categorize(
        first_weights.path, tmp_path / "a.csv", data_dir=tmp_path / "moved", cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(found.images, whole.images[:6])


def test_both_files_are_written_or_neither(first_weights, tmp_path, monkeypatch):
    def fail(figure, path):
        path.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(categorize, "save_figure", fail)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_text("of an earlier call")
    with pytest.raises(OSError, match="No space"):
        categorize.categorize(first_weights.path, tmp_path / "out" / "a.csv")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.csv"]
    assert (tmp_path / "out" / "a.csv").read_text() == "of an earlier call"

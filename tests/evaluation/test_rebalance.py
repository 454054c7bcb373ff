"""Balanced groups of real and generated images, on a stand-in whose images show their code."""

import csv
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.categories.categorizer import categorize_in_batches, load_categorizer, save_categorizer
from eig_tf.categories.grouping import CodeGrouping, save_grouping
from eig_tf.data import registry
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.evaluation import rebalance
from eig_tf.evaluation.decisions import Decisions, run_identifier
from eig_tf.evaluation.rebalance import Groups, Sorter, balance_groups, group_by_category, group_by_class
from eig_tf.figures import tiling
from eig_tf.models.base import Latents
from eig_tf.networks.categorizer import build_categorizer
from eig_tf.runs.run_directory import RunDirectory


class CodeImages:
    """A model whose images have the brightness 40 x code; the first number of the noise is in a corner."""

    image_shape, num_codes = (4, 4, 1), 4

    def sample_latents(self, num, seed, code):
        return Latents(tf.random.stateless_uniform([num, 2], seed), code, tf.zeros([num, 0]))

    def generate(self, latents):
        level = 40.0 * tf.cast(tf.argmax(latents.code, axis=1), tf.float32) / 127.5 - 1
        images = tf.tile(level[:, tf.newaxis, tf.newaxis, tf.newaxis], [1, 4, 4, 1])
        return tf.concat([images[:, :3], images[:, 3:] + latents.noise[:, 0, None, None, None] * 0.1], axis=1)


def category_of(images):
    """Categories 0 (codes 0 and 1) and 1 (code 2); of code 3, every image is half of each of 1 and 2."""
    code = np.rint(images[:, 0, 0, 0] / 40).astype(int)
    return np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0.45, 0.55]])[code]


@pytest.fixture
def sorter():
    distribution = np.array([[0.25, 0.75, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return Sorter(CodeImages(), category_of, distribution, np.array([0.5, 0.2, 0.3]))


def codes_of(images):
    return np.rint(images[:, 0, 0, 0] / 40).astype(int)


def generated(group):
    """The images and probabilities of a group, and the number of its blocks."""
    images, probabilities = zip(*group.blocks)
    return np.concatenate(images), np.concatenate(probabilities), len(images)


def test_rare_groups_get_images_of_their_codes_and_large_ones_stay(sorter):
    of_image = np.array([0] * 3 + [1] * 400 + [-1] * 50)
    first, second = balance_groups(sorter, Groups(["a", "b"], np.array([0, 1, -1]), of_image))
    assert first.kept.tolist() == [0, 1, 2] and first.wanted == 397
    images, _, num_blocks = generated(first)
    assert len(images) == 397 and num_blocks == 2
    share = np.bincount(codes_of(images), minlength=4) / 397
    assert share[0] == pytest.approx(0.25, abs=0.08) and share[0] + share[1] == 1
    assert len(np.unique(images[:, 3, 0, 0])) > 5
    assert second.kept.tolist() == list(range(3, 403)) and list(second.blocks) == []


def test_categories_of_one_group_weigh_by_their_prior(sorter):
    groups = Groups(["a"], np.array([0, 0, -1]), np.zeros(1, int))
    (group,) = balance_groups(sorter, groups, per_group=1001)
    share = np.bincount(codes_of(generated(group)[0]), minlength=4) / 1000
    np.testing.assert_allclose(share, [0.5 / 0.7 * 0.25, 0.5 / 0.7 * 0.75, 0.2 / 0.7, 0], atol=0.05)


def test_what_does_not_look_like_the_group_is_not_kept(sorter):
    groups = Groups(["a"], np.array([-1, -1, 0]), np.zeros(1, int))
    (strict,) = balance_groups(sorter, groups, per_group=100_001, min_probability=0.6)
    images, _, num_blocks = generated(strict)
    # The search ends when it is hopeless.
    assert (len(images), num_blocks) == (0, 10)
    (lenient,) = balance_groups(sorter, groups, per_group=61, min_probability=0.5)
    images, probabilities, _ = generated(lenient)
    assert len(images) == 60 and probabilities == pytest.approx(np.full(60, 0.55))


def test_all_probabilities_together_are_one_whatever_their_rounding(sorter):
    thirds = sorter._replace(
        probabilities=lambda images: np.full([len(images), 3], 1 / 3, np.float32) * 0.9999999)
    (group,) = balance_groups(thirds, Groups(["a"], np.zeros(3, int), np.zeros(1, int)), 11, 1.0)
    assert len(generated(group)[0]) == 10


def test_a_group_without_codes_and_one_with_too_many_images(sorter):
    groups = Groups(["a", "b"], np.array([0, -1, -1]), np.zeros(10, int))
    first, second = balance_groups(sorter, groups)
    assert (first.num_real, first.wanted) == (10, 0)
    assert (second.num_real, second.wanted, list(second.blocks)) == (0, 10, [])
    assert (first.has_codes, second.has_codes) == (True, False)
    (few,) = balance_groups(sorter, Groups(["a"], np.array([0, -1, -1]), np.zeros(10, int)), per_group=4)
    assert (few.num_real, few.wanted) == (10, 0)
    assert len(set(few.kept)) == 4 and list(few.kept) == sorted(few.kept)


def test_equal_seeds_draw_equal_images(sorter):
    groups = Groups(["a"], np.array([0, -1, -1]), np.zeros(1, int))
    one, other, third = (generated(next(balance_groups(sorter, groups, 20, seed=seed)))[0]
                         for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, other)
    assert (one != third).any()


def test_merged_categories_are_one_group_and_rejected_ones_none():
    decisions = Decisions(["", "cat", "", ""], np.array([0, 1, 1, 3]), ["", "", "", "reject"])
    groups = group_by_category(np.array([0, 1, 2, 3]), 4, decisions)
    assert groups.names == ["category_00", "cat"]
    assert groups.of_category.tolist() == groups.of_image.tolist() == [0, 1, 1, -1]


def test_categories_belong_to_the_class_of_most_of_their_images():
    labels = np.array([0, 0, 1, 1, 1, -1, -1])
    groups = group_by_class(np.array([0, 0, 0, 1, 1, 1, 2]), 3, ImageSet(None, labels, ("x", "y"), ""))
    assert groups.of_category.tolist() == [0, 1, -1] and groups.of_image.tolist() == labels.tolist()


@pytest.mark.parametrize(("names", "expected"), [
    (["cat", "a/b", ".x", "größe"], ["cat", "a_b", "_x", "größe"]), (["a/b", "a_b"], ["00_a_b", "01_a_b"]),
    (["", "b"], ["00_", "01_b"]), (["..", "a\nb"], ["_.", "a_b"]), (["Cat", "cat"], ["00_Cat", "01_cat"]),
    (["images.csv"], ["00_images.csv"]), (["__MACOSX"], ["00___MACOSX"]), (["ö" * 300], ["ö" * 100])])
def test_names_of_directories(names, expected):
    assert rebalance._directory_names(names) == expected


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, write_first_weights):
    """A run on digits with its first weights, whose ten codes are of three categories."""
    config = config_lib.load_preset("digits")
    config.networks.width = 0.1
    directory = write_first_weights(tmp_path_factory.mktemp("runs") / "run", config)
    directory.categories.mkdir()
    # With these weights, two of the categories have images.
    keras.utils.set_random_seed(5)
    save_categorizer(build_categorizer((28, 28, 1), 3), directory.categories / "categorizer.keras")
    of_code = np.arange(10) % 3
    distribution = np.eye(3)[:, of_code] / np.bincount(of_code)[:, np.newaxis]
    save_grouping(CodeGrouping(of_code, np.ones(10), distribution, np.full(3, 1 / 3), np.full(3, 1 / 3),
                               np.zeros([9, 4]), 1, 1.0), directory.categories / "categories.json")
    return directory.path


def write_decisions(path, run_dir, *entries):
    """Decisions on three categories: (name, merged_into, decision) each."""
    keys = ("name", "merged_into", "decision")
    path.write_text(json.dumps({
        "version": 1, "run": run_identifier(RunDirectory(run_dir), grouped=True), "epochs": 1,
        "categories": [{"category": number, **dict(zip(keys, entry))}
                       for number, entry in enumerate(entries)]}))
    return path


def test_a_folder_is_written_whole_and_read_back(run_dir, tmp_path, monkeypatch):
    output = tmp_path / "balanced"
    table, _ = rebalance.rebalance(run_dir, output, by="class", per_group=60, min_probability=0.0)
    assert len(table.splitlines()) == 11
    with open(output / rebalance.TABLE, newline="") as file:
        rows = list(csv.DictReader(file))
    files = {str(path.relative_to(output)) for path in output.glob("*/*.png")}
    assert {row["file"] for row in rows} == files and len(rows) == len(files)
    whole, trained = registry.load_split(config_lib.load_preset("digits"))
    real = [row for row in rows if row["origin"] == "real"]
    counts = np.minimum(np.bincount(trained.labels), 60)
    assert [sum(row["group"] == str(label) for row in real) for label in range(10)] == counts.tolist()
    for row in real[::40]:
        # A source is an index in the whole set, as in the table of tools/categorize.py.
        assert row["group"] == str(whole.labels[int(row["source"])])
        with Image.open(output / row["file"]) as image:
            np.testing.assert_array_equal(np.asarray(image), whole.images[int(row["source"])][..., 0])
    assert all(0 <= float(row["probability"]) <= 1 for row in rows if row["origin"] == "generated")
    config = config_lib.load_preset("folder")
    config.data.image_size, config.data.channels = 28, 1
    loaded = registry.load(config, output, tmp_path / "cache")
    assert len(loaded.images) == len(rows) and loaded.class_names == tuple("0123456789")
    with pytest.raises(UserError, match="which exists; expected the name of a new folder"):
        rebalance.rebalance(run_dir, output)

    def fail(pixels):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(tiling, "to_image", fail)
    with pytest.raises(OSError, match="No space"):
        rebalance.rebalance(run_dir, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["balanced", "cache"]


def test_decisions_name_merge_and_leave_out_categories(run_dir, tmp_path, monkeypatch):
    decisions = write_decisions(tmp_path / "d.json", run_dir, ("a/b", None, None), ("", 0, None),
                                ("x", None, "reject"))
    table, notes = rebalance.rebalance(run_dir, tmp_path / "out", per_group=5, decisions_path=decisions)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["a_b"]
    assert len(table.splitlines()) == 2
    left_out = [note for note in notes if note.endswith("are of rejected categories; they are left out")]
    image_set = registry.load_split(config_lib.load_preset("digits"))[1]
    network = load_categorizer(run_dir / "categories" / "categorizer.keras")
    num_rejected = int((categorize_in_batches(network, image_set.images).argmax(axis=1) == 2).sum())
    assert left_out == ([f"{num_rejected:,} images are of rejected categories; they are left out"]
                        if num_rejected else [])
    network.layers[-1].bias.assign([100.0, 0.0, 0.0])
    monkeypatch.setattr("eig_tf.runs.category_files.load_categorizer", lambda path: network)
    table, notes = rebalance.rebalance(run_dir, tmp_path / "one", per_group=5)
    assert [path.name for path in (tmp_path / "one").iterdir() if path.is_dir()] == ["category_00"]
    assert notes[-2:] == [f"category_0{number} has no image and is left out: the run recognizes less than a "
                          "tenth of what it generates for it" for number in (1, 2)]
    rejected = write_decisions(tmp_path / "r.json", run_dir, *[("", None, "reject")] * 3)
    with pytest.raises(UserError, match="which rejects all images"):
        rebalance.rebalance(run_dir, tmp_path / "none", decisions_path=rejected)
    assert not (tmp_path / "none").exists()

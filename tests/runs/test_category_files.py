"""The categories of a run directory: written whole or not at all, and read back; on real digits."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from eig_tf import config as config_lib
from eig_tf.categories import categorizer, discovery, partitions
from eig_tf.categories.evidence import group_codes
from eig_tf.categories.grouping import save_grouping
from eig_tf.data.loaders import digits
from eig_tf.errors import UserError
from eig_tf.models.registry import build_model
from eig_tf.networks.categorizer import build_categorizer
from eig_tf.runs import category_files
from eig_tf.runs.run_directory import RunDirectory


@pytest.fixture(scope="module")
def config():
    config = config_lib.load_preset("digits", method="agglomerative_infogan")
    config.networks.width, config.networks.num_codes, config.categories.num_categories = 0.0625, 6, 3
    config.categories.categorizer_steps = 2
    return config


@pytest.fixture(scope="module")
def model(config):
    return build_model(config)


@pytest.fixture(scope="module")
def images():
    return np.asarray(digits.load_images().images)[:150]


@pytest.fixture
def update(monkeypatch, config, model, images, tmp_path):
    """Finds the categories of a run directory with little training; takes the epochs and options."""
    monkeypatch.setattr(categorizer, "ROUNDS", 1)
    monkeypatch.setattr(partitions, "NEIGHBOURS", (8,))
    monkeypatch.setattr(discovery, "IMAGES_PER_CODE", 10)

    def run(epochs, images=images, num_categories=3):
        directory = RunDirectory(tmp_path / "run")
        with threadpool_limits(1):
            category_files.find_run_categories(directory, category_files.discovery_settings(config), model,
                                               epochs, images, num_categories)
        return directory
    return run


@pytest.mark.slow
def test_categories_belong_to_a_checkpoint_and_are_written_at_once(
        update, contents, model, images, capsys, monkeypatch):
    directory = update(4)
    assert sorted(contents(directory.path)) == [
        "categories/categories.json", "categories/categorizer.keras", "categories/settings.json"]
    assert "finds 3 categories of real images" in capsys.readouterr().out
    grouping, network = category_files.load_categories(directory, model, 4)
    assert sorted(set(grouping.code_to_category)) == [0, 1, 2] and len(grouping.code_to_category) == 6
    assert grouping.epochs == 4 and grouping.linkage.shape == (5, 4)
    assert grouping.prior.sum() == pytest.approx(1) and grouping.fractions.sum() == pytest.approx(1)
    np.testing.assert_allclose(grouping.code_distribution.sum(axis=1), 1)
    probabilities = categorizer.categorize_in_batches(network, images)
    counts = np.bincount(probabilities.argmax(axis=1), minlength=3)
    np.testing.assert_allclose(grouping.fractions, counts / len(images))
    assert category_files.load_categories(directory, model, 5) is None
    before = contents(directory.path)

    def fail(*arguments):
        raise OSError("the disk is full")
    # A failure between the two files leaves the directory as it was.
    with monkeypatch.context() as broken:
        broken.setattr(category_files, "save_grouping", fail)
        with pytest.raises(OSError, match="the disk is full"):
            update(5)
    assert contents(directory.path) == before
    assert [path.name for path in directory.path.iterdir()] == ["categories"]
    update(5, num_categories=2)
    assert category_files.load_categories(directory, model, 5).grouping.num_categories == 2
    assert sorted(contents(directory.path)) == sorted(before)


@pytest.mark.slow
def test_damaged_files_are_refused_until_they_are_found_again(update, model):
    directory = update(1)
    for name in (category_files.CATEGORIZER, category_files.GROUPING):
        path = directory.categories / name
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(UserError, match=f"{name} cannot be read: "):
            category_files.load_categories(directory, model, 1)
    update(1)
    assert category_files.load_categories(directory, model, 1).grouping.num_categories == 3


def test_files_of_another_checkpoint_or_of_other_sizes_are_not_used(model, tmp_path):
    directory, notes = RunDirectory(tmp_path), []
    assert category_files.load_categories(directory, model, 2, notes) is None and notes == []
    directory.categories.mkdir()
    table, network = (directory.categories / name for name in (
        category_files.GROUPING, category_files.CATEGORIZER))
    two = group_codes(np.tile(np.eye(2), [3, 1]), np.ones([6, 2]), np.ones([6, 2]), np.full(6, 1 / 6),
                      np.full(2, 0.5), 2, 0.0)
    save_grouping(two, table)
    categorizer.save_categorizer(build_categorizer((28, 28, 1), 2), network)
    assert category_files.load_categories(directory, model, 2, notes).grouping.num_categories == 2
    assert notes == []
    assert category_files.load_categories(directory, model, 3, notes) is None
    assert notes == [f"{table} is of epoch 2, the checkpoint of epoch 3: its categories are not used; "
                     f"tools/find_categories.py {tmp_path} updates them"]
    categorizer.save_categorizer(build_categorizer((28, 28, 1), 4), network)
    with pytest.raises(UserError, match=r"categorizer\.keras has images \[28, 28, 1\] and 4 categories; "
                                        r"expected images \[28, 28, 1\] and 2 categories"):
        category_files.load_categories(directory, model, 2)
    third = np.full(3, 1 / 3)
    save_grouping(group_codes(np.eye(3), np.ones([3, 3]), np.ones([3, 3]), third, third, 2, 0.0), table)
    with pytest.raises(UserError, match=r"categories\.json is of 3 codes; expected the 6 of the model"):
        category_files.load_categories(directory, model, 2)


@pytest.mark.parametrize(("num_images", "num_categories", "sentence"), [
    (150, 7, "--num_categories is 7; expected 2 to 6, the number of codes"),
    (150, 1, "--num_categories is 1; expected 2 to 6, the number of codes"),
    (7, 5, "--num_categories is 5; the training set holds 7 images; expected at least 8 images")])
def test_too_many_categories_are_refused(update, images, tmp_path, num_images, num_categories, sentence):
    with pytest.raises(UserError) as error:
        update(1, images[:num_images], num_categories=num_categories)
    assert str(error.value) == sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_fewest_images_are_grouped(update, images, model):
    directory = update(1, images[:5], num_categories=2)
    grouping = category_files.load_categories(directory, model, 1).grouping
    assert sorted(set(grouping.code_to_category)) == [0, 1]
    assert 0 <= grouping.consensus <= 1


@pytest.mark.slow
def test_codes_are_grouped_anew_for_later_weights_by_the_same_categorizer(
        update, config, model, images, contents):
    directory = update(3, images[:50])
    first = category_files.load_categories(directory, model, 3)
    assert category_files.load_categories(directory, model, 5, since=4) is None
    earlier = category_files.load_categories(directory, model, 5, since=3)
    network = contents(directory.path)["categories/categorizer.keras"]
    with threadpool_limits(1):
        category_files.regroup_run(directory, config, model, 5, images[:50], earlier)
    found = category_files.load_categories(directory, model, 5)
    assert contents(directory.path)["categories/categorizer.keras"] == network
    # The weights are the same, so that all but the number of epochs is.
    assert (found.grouping.epochs, first.grouping.epochs) == (5, 3)
    for name, value in first.grouping._asdict().items():
        if name != "epochs":
            np.testing.assert_array_equal(getattr(found.grouping, name), value, err_msg=name)

"""All figures of small runs with their first weights."""

import contextlib
import shutil

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.categories.categorizer import save_categorizer
from eig_tf.categories.evidence import group_codes
from eig_tf.categories.grouping import save_grouping
from eig_tf.errors import UserError
from eig_tf.evaluation import plots
from eig_tf.evaluation.record import EvaluationRecord, save_record
from eig_tf.evaluation.run_figures import (
    FIGURES,
    FigureOptions,
    code_label,
    match_categories,
    order_codes,
)
from eig_tf.models.registry import build_model
from eig_tf.networks.categorizer import build_categorizer
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment

ALWAYS = ["codes.png", "neighbours.png", "overview.png", "prior.png"]
HISTORY = "epoch,d_loss,g_loss\n1,0.5,0.7\n2,0.4,0.8\n"


def make_run(path, config, data_dir=None):
    """A run of two epochs, as training leaves it, with the first weights of its networks."""
    path.mkdir()
    directory = RunDirectory(path)
    config_lib.save_config(config, directory.config)
    directory.save_environment(RunEnvironment(data_dir))
    manager = directory.checkpoint_manager(build_model(config))
    manager.checkpoint.epochs_done.assign(2)
    manager.save(checkpoint_number=2)
    return directory


def digits():
    config = config_lib.load_preset("digits")
    config.networks.width = 0.1
    return config


def write_evaluation(directory, num_codes, epochs=2):
    save_record(EvaluationRecord(
        directory.load_config().to_dict(), epochs, [str(label) for label in range(10)],
        np.ones([num_codes, 10]), [*range(10), *[None] * (num_codes - 10)], true_fractions=[0.1] * 10,
        prior=[1 / num_codes] * num_codes, prior_learned=True), directory.evaluation)


def grouping_of(num_codes, epochs=2, prior=None):
    """Categories 0, 1, 2, 0, 1, 2, ... of codes whose images are all of their category."""
    evidence = np.eye(3)[np.arange(num_codes) % 3]
    prior = np.full(num_codes, 1 / num_codes) if prior is None else np.array(prior)
    return group_codes(evidence, evidence, evidence, prior, np.array([0.5, 0.3, 0.2]), epochs, 1.0)


@contextlib.contextmanager
def categories_in(directory, grouping):
    directory.categories.mkdir()
    save_grouping(grouping, directory.categories / "categories.json")
    save_categorizer(build_categorizer((28, 28, 1), 3), directory.categories / "categorizer.keras")
    try:
        yield
    finally:
        shutil.rmtree(directory.categories)


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A run with nothing but its config and checkpoint."""
    return make_run(tmp_path_factory.mktemp("bare") / "run", digits())


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """An evaluated run with twelve codes for ten classes and a continuous code."""
    config = digits()
    config.networks.num_codes, config.networks.num_continuous = 12, 1
    directory = make_run(tmp_path_factory.mktemp("full") / "run", config)
    directory.history.write_text(HISTORY)
    header = ",".join(f"p{code}" for code in range(12))
    directory.prior.write_text(f"epoch,{header}\n" + "".join(
        f"{epoch},{','.join(['0.083333'] * 12)}\n" for epoch in (1, 2)))
    write_evaluation(directory, 12)
    return directory


def options(**changes):
    return FigureOptions(**{"columns": 1, **changes})


def test_a_bare_run_is_drawn_and_what_is_missing_is_said(bare, tmp_path):
    paths, notes = plots.plot_run(bare.path, tmp_path / "figures", options(columns=2))
    assert names_in(tmp_path / "figures") == ALWAYS == sorted(path.name for path in paths)
    text = " ".join(notes)
    for missing in ("tools/evaluate.py", "prior.csv is missing", "history.csv is missing",
                    "no continuous codes", "no categories; the hierarchy of its codes is left out"):
        assert missing in text
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 100


@pytest.mark.slow
def test_a_full_run_in_both_formats(full, tmp_path):
    paths, notes = plots.plot_run(full.path, tmp_path, options(columns=3), formats=("png", "pdf"))
    stems = ["codes", "confusion", "losses", "neighbours", "overview", "prior", "prior_history",
             "traversal_0"]
    assert names_in(tmp_path) == sorted(f"{stem}.{suffix}" for stem in stems for suffix in ("pdf", "png"))
    assert len(paths) == 16
    (note,) = notes
    assert "the run has no categories" in note and "tools/find_categories.py" in note
    assert all(path.read_bytes().startswith(b"%PDF") for path in paths if path.suffix == ".pdf")


def test_equal_calls_write_equal_files_and_seeds_change_them(bare, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        plots.plot_run(bare.path, tmp_path / name, options(codes=[3, 0], seed=seed))
    for name in ALWAYS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        if name != "prior.png":
            assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


def test_chosen_figures_are_drawn_alone_and_small(bare, tmp_path):
    plots.plot_run(bare.path, tmp_path, options(columns=8, small=True), ["codes", "overview"])
    assert names_in(tmp_path) == ["codes.png", "overview.png"]
    for path in tmp_path.iterdir():
        assert path.stat().st_size < 150_000


@pytest.mark.parametrize(("figures", "codes", "sentence"), [
    (["codes", "code"], None, "--figures has 'code'; expected some of overview, codes, "),
    ([], None, "--figures is empty; expected some of overview, codes, "),
    (["codes"], [0, 10], "--codes has 10; the run has 10 codes, expected .* 0 to 9")])
def test_figures_and_codes_that_do_not_exist(bare, tmp_path, figures, codes, sentence):
    with pytest.raises(UserError, match=sentence):
        plots.plot_run(bare.path, tmp_path / "figures", options(codes=codes), figures)
    assert names_in(tmp_path) == []


def drawn(monkeypatch, run, *names, cache_dir=None, **changes):
    """The figures that would be written, by name, and the notes."""
    found = {}
    monkeypatch.setattr(plots, "save_figures", lambda figures, *_: found.update(figures))
    _, notes = plots.plot_run(run.path, "unused", options(**changes), names, cache_dir=cache_dir)
    return found, notes


def texts(artist):
    return [text.get_text() for text in artist.texts]


def test_grids_name_codes_classes_and_their_order(full, monkeypatch):
    figures, _ = drawn(monkeypatch, full, "codes", "traversal")
    for name in ("codes", "traversal_0"):
        labels = [text for text in texts(figures[name]) if text.startswith("code ")]
        assert labels[0] == "code 0\np = 0.083\n0: 10 %" and labels[11] == "code 11\np = 0.083\nno class"
        assert any("ordered by" in text.replace("\n", " ") for text in texts(figures[name]))


def test_chosen_codes_stand_in_the_given_order(full, monkeypatch):
    figures, _ = drawn(monkeypatch, full, "codes", "overview", codes=[11, 0], as_columns=True)
    for figure in figures.values():
        labels = [text.split("\n")[0] for text in texts(figure) if text.startswith("code ")]
        assert labels == ["code 11", "code 0"]


def test_an_overview_shows_images_codes_and_both_distributions(full, monkeypatch):
    figure = drawn(monkeypatch, full, "overview", codes=[11, 0])[0]["overview"]
    samples, images, bars = figure.axes
    assert samples.images[0].get_array().shape == (2 * 58 - 2, 7 * 58 - 2, 3)
    assert images.images[0].get_array().shape == (2 * 58 - 2, 6 * 58 - 2, 3)
    # Code 11 matches no class, and class 0 has a tenth of the images.
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], [1 / 12, 1 / 12, 0, 0.1], rtol=1e-5)
    assert [text.strip() for text in texts(bars)] == ["8.3 %", "8.3 %", "10.0 %"]
    assert {"out: 2 of 12 codes", "learned", "true share", "code 11", "code 0\n0"} <= set(texts(figure))


def test_a_run_with_categories_is_drawn_by_category(full, monkeypatch):
    grouping = grouping_of(12, prior=[0.05] * 3 + [0.85 / 9] * 9)
    with categories_in(full, grouping):
        figures, notes = drawn(monkeypatch, full, "overview", "codes", "hierarchy")
        chosen, _ = drawn(monkeypatch, full, "overview", "codes", codes=[11, 0])
    assert notes == []
    labels = [text.split("\n") for text in texts(figures["codes"]) if text.startswith("code ")]
    assert [line[0] for line in labels] == [
        f"code {code}, category {category}" for category in range(3)
        for code in (category + 3, category + 6, category + 9, category)]
    # All classes are as frequent; of equals, the first is named.
    assert all(line[2] == "0: 10 %" for line in labels)
    assert "ordered by category" in texts(figures["codes"])[0].replace("\n", " ")
    samples, images, bars = figures["overview"].axes
    assert samples.images[0].get_array().shape[0] == images.images[0].get_array().shape[0] == 3 * 58 - 2
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], [1 / 3] * 3 + [0.1] * 3, rtol=1e-5)
    assert "out: one category in each row" in texts(figures["overview"])
    assert sum(text.startswith("category ") for text in texts(figures["overview"])) == 3
    found = texts(figures["hierarchy"])
    assert sum(text.startswith("code ") for text in found) == 12 and "code 3, p = 0.083, 100 %" in found
    assert any(text.startswith("category 2: prior 33.3 %, images 20.0 %") for text in found)
    for figure, first in (("overview", "code 11"), ("codes", "code 11, category 2")):
        assert first in [text.split("\n")[0] for text in texts(chosen[figure])]
    assert "out: 2 of 12 codes" in texts(chosen["overview"])
    _, notes = drawn(monkeypatch, full, "overview", codes=list(range(11)))
    assert notes == ["the overview shows the first 10 of the 11 codes"]


def test_categories_of_other_weights_and_damaged_ones(bare, monkeypatch):
    with categories_in(bare, grouping_of(10, epochs=1)):
        figures, notes = drawn(monkeypatch, bare, "codes", "hierarchy")
    assert list(figures) == ["codes"] and not any("category" in text for text in texts(figures["codes"]))
    assert any("categories.json is of epoch 1, the checkpoint of epoch 2" in note for note in notes)
    with categories_in(bare, grouping_of(10)._replace(linkage=np.zeros([9, 4]))), \
            pytest.raises(UserError, match=r"categories\.json: linkage is no hierarchy of the codes"):
        drawn(monkeypatch, bare, "hierarchy")
    with categories_in(bare, grouping_of(9)), \
            pytest.raises(UserError, match="is of 9 codes; expected the 10"):
        drawn(monkeypatch, bare, "codes")


def test_an_old_evaluation_is_said_to_be_old(full, monkeypatch):
    write_evaluation(full, 12, epochs=1)
    try:
        _, notes = drawn(monkeypatch, full, "prior")
    finally:
        write_evaluation(full, 12)
    assert len(notes) == 1 and "of epoch 1, the checkpoint of epoch 2" in notes[0]


def test_a_fixed_distribution_is_not_called_learned(tmp_path, monkeypatch):
    config = digits()
    config.method = "uniform_infogan"
    figures, _ = drawn(monkeypatch, make_run(tmp_path / "run", config), "codes", "overview", "prior")
    title = texts(figures["codes"])[0].replace("\n", " ")
    assert "its fixed probability" in title and "learned" not in title
    assert "fixed" in texts(figures["overview"]) and "true share" not in texts(figures["overview"])
    assert "fixed" in [text.get_text() for text in figures["prior"].legends[0].get_texts()]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_flat_folder_without_labels(tmp_path, monkeypatch, channels):
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, [12, 32, 32, 3], dtype=np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "images" / f"{index}.png")
    config = config_lib.load_preset("folder")
    config.data.image_size, config.data.channels, config.networks.width = 28, channels, 0.1
    directory = make_run(tmp_path / "run", config, str(tmp_path / "images"))
    figures, _ = drawn(monkeypatch, directory, *FIGURES, cache_dir=str(tmp_path / "cache"))
    assert sum(text.startswith("image ") for text in texts(figures["neighbours"])) == 6
    assert {"prior", "overview"} <= set(figures)


@pytest.mark.parametrize("name, text", [
    ("history.csv", ""), ("history.csv", "epoch\n1\n"), ("history.csv", "epoch,d_loss\n"),
    ("history.csv", "epoch,d_loss\n1,2\n2\n"), ("history.csv", "epoch,d_loss\n1,x\n"),
    ("history.csv", "a,b\n1,2\n"), ("prior.csv", "epoch,p0\n1,1\n"), ("prior.csv", "epoch,p0\n1,\x00\n"),
])
def test_damaged_tables_are_named(bare, tmp_path, name, text):
    (bare.path / name).write_text(text)
    try:
        with pytest.raises(UserError, match=rf"{name} (cannot be read|has 1 codes)"):
            plots.plot_run(bare.path, tmp_path / "figures", options(), ["prior_history", "losses"])
    finally:
        (bare.path / name).unlink()


class Unwritable(Figure):
    def savefig(self, path, **options):
        path.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")


def test_all_figures_are_written_or_none(tmp_path):
    drawn = {"a": Figure(), "b": Unwritable(), "c": Figure()}
    with pytest.raises(OSError, match="No space"):
        plots.save_figures(drawn, tmp_path / "new", ("png",))
    assert names_in(tmp_path) == []
    (tmp_path / "a.png").write_text("of an earlier call")
    with pytest.raises(OSError, match="No space"):
        plots.save_figures(drawn, tmp_path, ("png",))
    assert names_in(tmp_path) == ["a.png"]
    assert (tmp_path / "a.png").read_text() == "of an earlier call"


def test_a_directory_in_the_place_of_a_figure(tmp_path):
    (tmp_path / "b.png").mkdir()
    with pytest.raises(UserError, match=r"b\.png is a directory; expected a file or nothing"):
        plots.save_figures({"a": Figure(), "b": Figure()}, tmp_path, ("png",))
    assert names_in(tmp_path) == ["b.png"]


def record(code_to_class=(1, None, 0), class_names=("cat", "dog")):
    return EvaluationRecord(
        config={}, epochs=3, class_names=class_names, confusion=[[250, 750], [500, 500], [0, 0]],
        code_to_class=code_to_class, true_fractions=[0.25, 0.75], prior=[0.5, 0.3, 0.2], prior_learned=True)


def test_codes_are_ordered_and_labelled_by_their_classes():
    order, words = order_codes([0.5, 0.3, 0.2], record())
    assert order == [2, 0, 1] and "class" in words
    assert [code_label(code, 0.25, record()) for code in order] == [
        "code 2\np = 0.250\ncat: 0 %", "code 0\np = 0.250\ndog: 75 %", "code 1\np = 0.250\nno class"]
    assert order_codes([0.3, 0.5, 0.2], record([None, None, 0]))[0] == [2, 0, 1]


def test_without_an_evaluation_the_most_probable_is_first():
    order, words = order_codes(np.array([0.2, 0.4, 0.4]))
    assert order == [1, 2, 0] and "probable" in words
    assert code_label(7, 0.1234) == "code 7\np = 0.123"


def test_long_and_strange_names_stay_on_their_line():
    found = record(class_names=("cat\n", "x" * 50))
    assert code_label(2, 0, found).split("\n")[2:] == ["cat\\n: 0 %"]
    assert len(code_label(0, 0, found).split("\n")[2]) <= 24


def test_categories_are_matched_by_the_images_of_their_codes():
    """Of code 0 most images are dogs, of code 1 half are, and code 2 has none at all."""
    grouping = grouping_of(3)
    assert match_categories(grouping, record()) == [1, 0, None]
    # Categories 0 and 1 prefer the dog; 0 more so.
    assert match_categories(grouping._replace(code_distribution=np.array([[1.0, 0, 0], [0.5, 0.5, 0]])),
                            record()) == [1, 0]
    assert code_label(1, 0.3, record(), category=4) == "code 1, category 4\np = 0.300\ncat: 50 %"

"""Making a run directory ready: new, continued, refused, started anew; nothing is lost on the way."""

import os

import pytest

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.runs import environment, run_preparation
from eig_tf.runs.run_directory import RunEnvironment
from eig_tf.runs.run_preparation import check_outside_images, prepare_run_directory


@pytest.fixture
def config():
    config = config_lib.load_preset("digits")
    config.training.epochs = 4
    return config


@pytest.fixture
def run(config, tmp_path):
    """A run directory with something worth keeping."""
    directory = prepare_run_directory(tmp_path / "run", config)
    directory.save_environment(RunEnvironment())
    directory.history.write_text("epoch,d_loss\n1,1.386294\n")
    return directory


def changed(config, **fields):
    other = config.copy_and_resolve_references()
    for field, value in fields.items():
        group, name = field.split("__")
        other[group][name] = value
    return other


@pytest.mark.parametrize("overwrite", [False, True])
def test_new_or_empty_directory_is_made_with_its_parents_and_the_config_saved(config, tmp_path, overwrite):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "runs" / "first", tmp_path / "empty"):
        directory = prepare_run_directory(str(path), config, overwrite)
        assert directory.path == path
        assert config_lib.config_differences(directory.load_config(), config) == []


def test_other_images_are_refused_and_nothing_is_touched(config, run):
    run.save_environment(RunEnvironment("/a", {"num_images": 5, "digest": "one"}))
    before = run.environment.read_bytes()
    prepare_run_directory(run.path, config, data={"num_images": 5, "digest": "one"})
    for other in ({"num_images": 6, "digest": "one"}, {"num_images": 5, "digest": "two"}):
        with pytest.raises(UserError, match=f"a run on other images .5 then, {other['num_images']} now"):
            prepare_run_directory(run.path, changed(config, training__epochs=10), data=other)
    assert run.environment.read_bytes() == before
    assert run.load_config().training.epochs == 4
    prepare_run_directory(run.path, config, overwrite=True, data=other)
    assert not run.history.exists()


def test_fewer_epochs_than_are_done_are_refused(config, run):
    run.history.write_text("epoch,d_loss\n1,1.3\n2,1.2\n3,1.1\n")
    with pytest.raises(UserError, match=r"training\.epochs: 4 saved, 2 asked"):
        prepare_run_directory(run.path, changed(config, training__epochs=2))
    prepare_run_directory(run.path, changed(config, training__epochs=3))


@pytest.mark.parametrize("epochs", [1, 4, 10])
def test_other_numbers_of_epochs_go_on_with_everything_kept(config, run, epochs):
    """The config is saved when the checkpoint fits. The run did not record its images: it takes any."""
    data = {"num_images": 6, "digest": "one"}
    prepare_run_directory(run.path, changed(config, training__epochs=epochs), data=data)
    assert run.load_config().training.epochs == 4
    assert run.history.read_text() == "epoch,d_loss\n1,1.386294\n"


def test_a_run_without_a_step_takes_another_config(config, run):
    """Its networks may not have fitted into the memory."""
    run.history.unlink()
    other = changed(config, networks__width=0.125)
    prepare_run_directory(run.path, other)
    assert config_lib.config_differences(run.load_config(), other) == []


@pytest.mark.parametrize("damaged", [False, True])
def test_overwrite_starts_anew(config, run, damaged):
    if damaged:
        run.config.write_text("{")
    other = changed(config, training__batch_size=32)
    prepare_run_directory(run.path, other, overwrite=True)
    assert config_lib.config_differences(run.load_config(), other) == []
    assert not run.history.exists()


def test_damaged_config_is_refused_and_left_for_its_owner(config, run):
    run.config.write_text('{"training": {"epochs": 4')
    with pytest.raises(UserError, match=r"config\.json"):
        prepare_run_directory(run.path, config)
    assert run.config.read_text() == '{"training": {"epochs": 4'
    assert run.history.is_file()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(("name", "sentence"), [
    ("chapter1.tex", "exists and holds no run"),
    ("config.json", r"config\.json (that eig_tf\.train did not write|is not a config that)")])
def test_directory_of_somebody_else_is_refused_and_untouched(config, tmp_path, name, sentence, overwrite):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / name).write_text('{"name": "website", "port": 8080}')
    with pytest.raises(UserError, match=sentence):
        prepare_run_directory(tmp_path / "thesis", config, overwrite)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == [name]


@pytest.mark.parametrize("overwrite", [False, True])
def test_file_in_the_way_is_refused_and_untouched(config, tmp_path, overwrite):
    (tmp_path / "file").write_text("precious")
    for path in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / ("x" * 300)):
        with pytest.raises(UserError, match="--workdir") as error:
            prepare_run_directory(path, config, overwrite)
        assert str(path) in str(error.value)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_directory_without_write_permission_is_refused(config, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        prepare_run_directory(tmp_path / "locked" / "run", config)


@pytest.mark.parametrize("overwrite", [False, True])
def test_link_to_a_run_is_that_run(config, run, tmp_path, overwrite):
    (tmp_path / "latest").symlink_to(run.path)
    prepare_run_directory(tmp_path / "latest", config, overwrite)
    assert run.config.is_file()
    assert run.history.is_file() != overwrite


@pytest.fixture
def trained_in(run):
    """Records a segment of two epochs in a precision."""
    def record(precision):
        segment = {**environment.current_segment(precision, 1), "last_epoch": 2}
        run.save_environment(RunEnvironment(segments=(segment,)))
    return record


def test_auto_that_means_another_precision_here_is_refused(config, run, trained_in, monkeypatch):
    monkeypatch.setattr(run_preparation, "resolve_precision", lambda asked: "float32")
    trained_in("float32")
    prepare_run_directory(run.path, config)
    trained_in("mixed_bfloat16")
    with pytest.raises(UserError) as error:
        prepare_run_directory(run.path, config)
    assert str(error.value).startswith(
        f"{run.path} was trained in mixed_bfloat16, and --config.training.precision=auto means float32 on "
        "this machine; expected --config.training.precision=mixed_bfloat16")


def test_a_loss_scale_is_needed_to_go_on_in_float16(config, run, trained_in):
    trained_in("float32")
    with pytest.raises(UserError, match="was trained in float32, without the loss scale that mixed_float16"):
        prepare_run_directory(run.path, changed(config, training__precision="mixed_float16"))
    trained_in("mixed_float16")
    prepare_run_directory(run.path, changed(config, training__precision="mixed_float16"))


def test_a_run_directory_lies_outside_of_the_images(tmp_path):
    """But may be hidden in them, or beside them, and other data sets are read by known names."""
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "images")
    for inside in ("images", "images/runs/a", "link/runs"):
        with pytest.raises(UserError, match="which lies in the folder of the images, "):
            check_outside_images(tmp_path / inside, "folder", tmp_path / "images")
        check_outside_images(tmp_path / inside, "cars", tmp_path / "images")
    for outside in ("images/.runs/a", "images2", "runs"):
        check_outside_images(tmp_path / outside, "folder", tmp_path / "images")
    check_outside_images(tmp_path, "digits", None)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_precision_that_is_stated_is_accepted(config, run, trained_in, precision):
    trained_in("mixed_bfloat16")
    prepare_run_directory(run.path, changed(config, training__precision=precision))
    assert run.load_config().training.precision == "auto"

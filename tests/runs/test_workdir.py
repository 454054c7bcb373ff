"""Making a run directory ready: new, continued, refused, started anew; nothing is lost on the way."""

import os

import pytest

from eig_tf import config as config_lib
from eig_tf.config.fields import default_config
from eig_tf.errors import UserError
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.runs.workdir import prepare


@pytest.fixture
def config():
    config = default_config()
    config.dataset = "digits"
    config.training.epochs = 4
    return config


@pytest.fixture
def run(config, tmp_path):
    """A run directory with something worth keeping."""
    directory = prepare(tmp_path / "run", config)
    directory.save_environment({"data_dir": None})
    directory.history.write_text("epoch,d_loss\n1,1.386294\n")
    return directory


def changed(config, **fields):
    other = config.copy_and_resolve_references()
    for field, value in fields.items():
        group, name = field.split("__")
        other[group][name] = value
    return other


def test_new_directory_is_made_with_its_parents_and_the_config_saved(config, tmp_path):
    directory = prepare(str(tmp_path / "runs" / "first"), config)
    assert isinstance(directory, RunDirectory)
    assert directory.path == tmp_path / "runs" / "first"
    assert config_lib.config_differences(directory.load_config(), config) == []


def test_empty_directory_will_do(config, tmp_path):
    (tmp_path / "empty").mkdir()
    assert prepare(tmp_path / "empty", config).config.is_file()


def test_same_config_goes_on_with_everything_kept(config, run):
    prepare(run.path, config)
    assert run.history.read_text() == "epoch,d_loss\n1,1.386294\n"


def test_other_images_are_refused_and_nothing_is_touched(config, run):
    run.save_environment({"data_dir": "/a", "data": {"num_images": 5, "digest": "one"}})
    before = run.environment.read_bytes()
    prepare(run.path, config, data={"num_images": 5, "digest": "one"})
    for other in ({"num_images": 6, "digest": "one"}, {"num_images": 5, "digest": "two"}):
        with pytest.raises(UserError, match=f"a run on other images .5 then, {other['num_images']} now"):
            prepare(run.path, changed(config, training__epochs=10), data=other)
    assert run.environment.read_bytes() == before
    assert run.load_config().training.epochs == 4
    prepare(run.path, config, overwrite=True, data=other)
    assert not run.history.exists()


def test_runs_that_did_not_record_their_images_go_on(config, run):
    prepare(run.path, config, data={"num_images": 6, "digest": "one"})
    assert run.history.is_file()


def test_more_epochs_go_on_and_are_saved(config, run):
    prepare(run.path, changed(config, training__epochs=10))
    assert run.load_config().training.epochs == 10
    assert run.history.is_file()


def test_fewer_epochs_are_refused(config, run):
    with pytest.raises(UserError, match=r"training\.epochs: 4 saved, 3 asked"):
        prepare(run.path, changed(config, training__epochs=3))
    assert run.load_config().training.epochs == 4


def test_another_config_is_refused_with_every_differing_key_named(config, run):
    other = changed(config, loss__contrastive_weight=5.0, training__batch_size=32, training__epochs=10)
    with pytest.raises(UserError) as error:
        prepare(run.path, other)
    message = str(error.value)
    assert str(run.path) in message and "--overwrite" in message
    assert "loss.contrastive_weight: 10.0 saved, 5.0 asked" in message
    assert "training.batch_size: 64 saved, 32 asked" in message
    assert "epochs" not in message
    assert config_lib.config_differences(run.load_config(), config) == []
    assert run.history.is_file()


def test_overwrite_starts_anew(config, run):
    other = changed(config, training__batch_size=32)
    prepare(run.path, other, overwrite=True)
    assert config_lib.config_differences(run.load_config(), other) == []
    assert not run.history.exists()


def test_overwrite_of_nothing_is_a_new_run(config, tmp_path):
    assert prepare(tmp_path / "new", config, overwrite=True).config.is_file()


def test_overwrite_replaces_a_run_with_a_damaged_config(config, run):
    run.config.write_text("{")
    prepare(run.path, config, overwrite=True)
    assert config_lib.config_differences(run.load_config(), config) == []


def test_damaged_config_is_refused_and_left_for_its_owner(config, run):
    run.config.write_text('{"training": {"epochs": 4')
    with pytest.raises(UserError, match=r"config\.json"):
        prepare(run.path, config)
    assert run.config.read_text() == '{"training": {"epochs": 4'
    assert run.history.is_file()


@pytest.mark.parametrize("overwrite", [False, True])
def test_directory_with_other_files_is_refused_and_untouched(config, tmp_path, overwrite):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("precious")
    with pytest.raises(UserError, match="exists and holds no run"):
        prepare(tmp_path / "thesis", config, overwrite)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.tex"]


def test_overwrite_does_not_delete_the_project_of_somebody_else_with_a_config_of_its_own(config, tmp_path):
    project = tmp_path / "website"
    project.mkdir()
    (project / "config.json").write_text('{"name": "website", "port": 8080}')
    (project / "index.html").write_text("precious")
    with pytest.raises(UserError, match="website"):
        prepare(project, config, overwrite=True)
    assert sorted(path.name for path in project.iterdir()) == ["config.json", "index.html"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_file_in_the_way_is_refused_and_untouched(config, tmp_path, overwrite):
    (tmp_path / "file").write_text("precious")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="--workdir") as error:
            prepare(path, config, overwrite)
        assert str(path) in str(error.value)
    assert (tmp_path / "file").read_text() == "precious"


def test_name_too_long_for_the_file_system_is_refused(config, tmp_path):
    with pytest.raises(UserError, match="--workdir"):
        prepare(tmp_path / ("x" * 300), config)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_directory_without_write_permission_is_refused(config, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        prepare(tmp_path / "locked" / "run", config)


@pytest.mark.parametrize("overwrite", [False, True])
def test_link_to_a_run_is_that_run(config, run, tmp_path, overwrite):
    (tmp_path / "latest").symlink_to(run.path)
    prepare(tmp_path / "latest", config, overwrite)
    assert run.config.is_file()
    assert run.history.is_file() != overwrite

"""The plan of a run on a folder: the division of the time, the choices and the comparison of requests."""

import shutil

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.folder_runs import plan as planning
from eig_tf.folder_runs.plan import Plan, Request
from eig_tf.runs.step_timing import StepTime


def request(minutes=30.0, preset=None, **fields):
    return Request("images", minutes, preset,
                   {name.replace("__", "."): value for name, value in fields.items()})


def test_time_is_divided_by_hand():
    config = config_lib.load_preset("folder", "cpu", planning.METHOD)
    config.categories.categorizer_steps, config.categories.contrastive_steps = 200, 80
    # 25 s and 0.02 s for each of 500 images are kept. 8 times 200 steps and 5 times 80 are 2,000 of 0.5 s;
    # 0.4 of 1,000 s are 0.4 of them. The remaining 600 s are 30 epochs of 10 steps of 2 s.
    budget = planning.divide_time(1035, StepTime(10, 2.0), 0.5, 500, config)
    assert budget[:3] == (30, 80, 32)
    # At least: ten epochs, which are 100 steps, and a quarter of the steps of the categorizer.
    assert budget.least_seconds == pytest.approx(35 + 10 * 20 + 250)
    # Much time: no more than the preset's steps, and the paper's epochs.
    assert planning.divide_time(1e6, StepTime(10, 2.0), 0.5, 500, config)[:3] == (600, 200, 80)
    # Given steps keep their 800 s, and the others are of the 0.4 that is left of 2,500 s: all 200 s of them.
    given = {"categories.categorizer_steps"}
    budget = planning.divide_time(2535, StepTime(10, 2.0), 0.5, 500, config, given)
    assert budget[2:] == (80, 35 + 800 + 0.25 * 200 + 200) and budget.epochs == 75
    # Where nothing of the 0.4 is left, the others get a quarter.
    assert planning.divide_time(1035, StepTime(10, 2.0), 0.5, 500, config, given)[::2] == (10, 20)
    both = {*given, "categories.contrastive_steps"}
    assert planning.divide_time(2035, StepTime(10, 2.0), 0.5, 500, config, both) == (50, 200, 80, 1235)
    # One step in an epoch: a hundred epochs at least. No more than 4,000 images are partitioned.
    assert planning.divide_time(0, StepTime(1, 1.0), 1.0, 10**6, config) == (100, 50, 20, 25 + 80 + 500 + 100)


def test_the_median_side_is_of_the_files_of_a_folder_a_list_and_an_archive(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for index, size in enumerate([(40, 90), (80, 50), (300, 60)]):
        Image.new("RGB", size).save(folder / f"{index}.png")
    (folder / "3.png").touch()
    (tmp_path / "list.csv").write_text("file\nimages/0.png\nimages/1.png\nimages/2.png\n")
    shutil.make_archive(str(tmp_path / "archive"), "zip", folder)
    config = planning.config_of_fields(request(), "cpu")
    images = ImageSet(np.zeros([3, 32, 32, 3], np.uint8), None, (), "")
    for place in ("images", "list.csv", "archive.zip"):
        assert planning.median_side(str(tmp_path / place), config, images) == 50


def test_what_is_given_is_kept_and_the_rest_is_chosen():
    config = planning.config_of_size(request(), "cpu", 32, 100)
    assert (config.data.image_size, config.training.batch_size) == (32, 25)
    assert config.discriminator_augment.shift == 4 and config.categories.choose_number
    assert (config.categories.num_categories, config.networks.num_codes) == (10, 30)
    assert planning.config_of_size(request(), "cpu", 64, 5000).networks.num_codes == 60
    given = planning.config_of_size(request(categories__num_categories=7, training__batch_size=11,
                                            discriminator_augment__shift=1), "cpu", 32, 100)
    assert (given.training.batch_size, given.discriminator_augment.shift) == (11, 1)
    assert (given.categories.choose_number, given.networks.num_codes) == (False, 21)
    assert not given.data.stretch_contrast and not given.categories.ignore_colours
    other_light = planning.config_of_size(request(), "cpu", 32, 100, True)
    assert other_light.data.stretch_contrast and other_light.categories.ignore_colours
    assert not planning.config_of_size(request(data__stretch_contrast=False), "cpu", 32, 100,
                                       True).data.stretch_contrast
    nine = planning.config_of_size(request(networks__num_codes=9), "cpu", 32, 100)
    assert (nine.categories.num_categories, nine.networks.num_codes) == (9, 9)
    with pytest.raises(UserError, match="images holds 39 images; expected at least 40"):
        planning.config_of_size(request(), "cpu", 32, 39)


def test_reasons_name_flags_and_how_to_switch_mirroring_off():
    config = planning.config_of_size(request(), "cpu", 32, 100)
    lines = planning.explain_config(config, {"training.epochs": 5}, StepTime(4, 0.5), 0.25)
    assert "--config.training.epochs=100: given" in lines
    assert any("--num_categories=auto" in line and "30 codes" in line for line in lines)
    assert any("--config.augment.flip=False" in line for line in lines)
    assert not any("stretch" in line for line in lines)
    config.augment.flip, config.data.stretch_contrast = False, True
    assert any(line.startswith("--config.data.stretch_contrast=True: the brightness differs more")
               for line in planning.explain_config(config, {}, StepTime(4, 0.5), 0.25))
    assert not any("flip" in line for line in planning.explain_config(config, {}, StepTime(4, 0.5), 0.25))


def test_a_plan_is_read_back_and_other_flags_are_named(tmp_path):
    config, path = planning.config_of_size(request(), "cpu", 32, 100), tmp_path / "plan.json"
    assert planning.load_plan(path) is None
    planning.save_plan(Plan(request().flags(), config.to_dict(), ["why"]), path)
    plan = planning.load_plan(path)
    assert config_lib.config_differences(config_lib.config_from_dict(plan.config), config) == []
    assert plan.reasons == ["why"]
    planning.check_same_request(plan, request(), path)
    with pytest.raises(UserError) as error:
        planning.check_same_request(plan, request(4.0, augment__flip=False), path)
    assert str(error.value) == (
        f"{path} is of another command (--config.augment.flip: None then, False now; --minutes: 30.0 then, "
        "4.0 now); expected the same one, or another --workdir")
    path.write_text('{"flags": {}}')
    with pytest.raises(UserError, match=r"plan\.json is not a plan that this version wrote"):
        planning.load_plan(path)


@pytest.fixture
def plan(monkeypatch, tmp_path):
    """Makes the plan of 48 images of 70x70 pixels on two cores, where a step takes `seconds[size]`."""
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(48):
        Image.new("RGB", (70, 70), (5 * index, 0, 0)).save(folder / f"{index}.png")

    def make(seconds, minutes, preset=None, **fields):
        monkeypatch.setattr(planning, "measure_step", lambda config, *place: StepTime(
            48 // config.training.batch_size, seconds[config.data.image_size]))
        monkeypatch.setattr(planning, "measure_categorizer_step", lambda image_set, config: 0.01)
        asked = request(minutes, preset, **fields)._replace(folder=str(folder))
        return planning.make_plan(asked, str(tmp_path / "cache"), "cpu")
    return make


def test_a_plan_takes_the_largest_size_that_the_time_suffices_for(plan):
    found = plan({64: 0.5, 32: 0.1}, 30)
    assert found.config["data"]["image_size"] == 64 and found.config["preset"] == "cpu"
    assert "--image_size=64: the median of the images' shorter sides is 70 pixels" in found.reasons
    assert "--preset=cpu: there is no GPU" in found.reasons
    # 1,000 steps at 64x64 would take 1,500 s, more than 0.6 of half an hour.
    found = plan({64: 1.5, 32: 0.1}, 30)
    assert found.config["data"]["image_size"] == 32
    assert "--image_size=32: 30 minutes are not enough for 1,000 steps at more pixels" in found.reasons
    found = plan({64: 1.5}, 30, "cpu", data__image_size=64)
    assert {"--image_size=64: given", "--preset=cpu: given"} <= set(found.reasons)


def test_too_short_a_time_is_refused_with_what_is_needed_unless_the_epochs_are_given(plan):
    with pytest.raises(UserError, match=r"--minutes is 1; expected at least \d+\.\d for 48 images of 32x32"):
        plan({64: 9.0, 32: 5.0}, 1)
    found = plan({64: 9.0, 32: 5.0}, 1, training__epochs=3)
    assert found.config["training"]["epochs"] == 3 and found.flags["--config.training.epochs"] == 3

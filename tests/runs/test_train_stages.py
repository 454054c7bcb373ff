"""A list of colour images with two stages and the cpu preset: train, continue, evaluate, draw, export."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from eig_tf.data import pictures
from eig_tf.runs.run_directory import RunDirectory

pytestmark = pytest.mark.slow

FLAGS = ("--dataset=folder", "--preset=cpu", "--data_dir=list.csv", "--image_size=32", "--num_codes=3",
         "--noexport", "--resize=pad", "--cache_dir=cache", "--config.networks.width=0.0625",
         "--config.networks.stages=2", "--config.training.batch_size=20",
         "--config.training.precision=float32")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with sixty noisy images of two colours, and a list with labels for fifty of them."""
    directory = tmp_path_factory.mktemp("place")
    rows = ["file,label"]
    generator = np.random.default_rng(0)
    for name, colour in (("blue", (40, 60, 200)), ("red", (200, 40, 40))):
        (directory / "images" / name).mkdir(parents=True)
        for index in range(30):
            noise = generator.integers(-40, 41, [32, 32, 3])
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(directory / "images" / name / f"{index}.png")
            rows.append(f"images/{name}/{index}.png,{name if index < 25 else ''}")
    (directory / "list.csv").write_text("\n".join(rows))
    return directory


@pytest.fixture(scope="module")
def run_dir(place, train):
    """A run of two epochs that stopped after the first, and one that did not."""
    for workdir, epochs in (("stopped", 1), ("stopped", 2), ("straight", 2)):
        result = train(place, *FLAGS, f"--workdir={workdir}", f"--config.training.epochs={epochs}")
        assert result.status == 0, result.stderr
    return place / "stopped"


def test_a_run_that_goes_on_ends_where_one_in_one_go_does(run_dir, place, variables, assert_same_run):
    assert_same_run(run_dir, place / "straight")
    assert any("ema_generator" in name for name in variables(run_dir))


def test_evaluation_figures_and_export_of_the_averaged_second_stage(run_dir, place, command, repository):
    cache = place / "cache"
    for tool, *arguments in (("evaluate", "--images_per_code=20"), ("plot",), ("export",)):
        extra = [] if tool == "export" else [f"--cache_dir={cache}", f"--data_dir={place / 'list.csv'}"]
        result = command(repository / "tools" / f"{tool}.py", run_dir, *arguments, *extra)
        assert result.returncode == 0, result.stderr
    text = (run_dir / "evaluation.json").read_text(encoding="utf-8")
    assert str(place) not in text  # results are passed on; paths of a machine should not be
    evaluation = json.loads(text)
    assert "list.csv" in evaluation["training"]["data_source"]
    assert evaluation["training"]["num_training_images"] == 60
    # Four fifths of the labelled images.
    assert (evaluation["judge"]["num_train"], evaluation["judge"]["num_test"]) == (40, 10)
    assert np.shape(evaluation["confusion"]) == (3, 2)  # three codes, two classes
    assert evaluation["judge"]["architecture"] == "small_cnn"
    assert evaluation["judge"]["accuracy"] == 1.0  # red and blue
    assert {"codes.png", "neighbours.png"} <= {path.name for path in (run_dir / "figures").iterdir()}
    model = RunDirectory(run_dir).restore_model()[1]
    version = run_dir / "export" / "folder" / "1"
    signatures = tf.saved_model.load(str(version)).signatures
    served = signatures["generate"](
        code=tf.constant([0, 2]), seed=tf.constant([1, 2], tf.int64))["images"]
    # The noise of a row is drawn from the row's seed, by the model itself.
    noise = np.concatenate([model.sample_latents(1, tf.constant([seed, 0], tf.int64), np.eye(3)[:1]).noise
                            for seed in (1, 2)])
    latents = [noise, np.eye(3, dtype=np.float32)[[0, 2]], np.zeros([2, 0], np.float32)]
    expected = (model.ema_generator(latents, training=False)[-1] + 1) / 2
    np.testing.assert_allclose(served, expected, atol=1e-5)
    tall = place / "tall.png"
    gradient = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[:, np.newaxis, np.newaxis], [1, 20, 3])
    Image.fromarray(gradient).save(tall)
    pixels = pictures.fit(pictures.read(tall), 32, "pad").astype(np.float32) / 255
    np.testing.assert_allclose(
        signatures["categorize_bytes"](image_bytes=tf.constant([tall.read_bytes()]))["probabilities"],
        signatures["categorize"](images=tf.constant([pixels]))["probabilities"], atol=0.02)

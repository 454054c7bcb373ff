import os

import numpy as np
import pytest

from benchmarks import input_pipeline
from benchmarks.worker import measure_in_process
from eig_tf.config import load_preset
from eig_tf.data import registry
from eig_tf.data.image_set import StoredImages
from eig_tf.errors import UserError


@pytest.mark.parametrize("number", [2, 8])
def test_file_repeats_the_images_up_to_the_count(tmp_path, number):
    images = np.random.default_rng(0).integers(0, 256, [3, 4, 4, 2], np.uint8)
    input_pipeline.write_repeated_images(tmp_path / "images", images, number)

    assert (tmp_path / "images").stat().st_size == number * 32
    stored = StoredImages(tmp_path / "images", [number, 4, 4, 2])
    np.testing.assert_array_equal(stored[:], images[[0, 1, 2, 0, 1, 2, 0, 1][:number]])


def test_digits_in_the_size_of_the_preset():
    digits = registry.load(load_preset("digits")).images[:1000]
    np.testing.assert_array_equal(input_pipeline.source_images(load_preset("mnist")), digits)
    colour = input_pipeline.source_images(load_preset("cars"))

    assert colour.shape == (1000, 64, 64, 3) and colour.dtype == np.uint8
    assert (colour == colour[..., :1]).all()
    assert colour.min() == 0 and colour.max() > 240
    # Each digit is still itself: shrunk, it is closer to its original than to any other.
    shrunk = colour[:20, ::2, ::2, 0][:, 2:-2, 2:-2].astype(float)
    small = digits[:20, ..., 0].astype(float)
    distances = ((shrunk[:, None] - small[None])**2).mean(axis=(2, 3))
    np.testing.assert_array_equal(distances.argmin(axis=1), np.arange(20))


def test_what_cannot_be_measured_is_refused():
    config = load_preset("cars")
    with pytest.raises(UserError, match="--data_dir is 'nowhere', which is not a directory"):
        input_pipeline.source_images(config, "nowhere")
    with pytest.raises(UserError, match=r"temporary directory .* has .* GB free; expected 1228800\.\d GB"):
        input_pipeline.measure_input_pipelines([config], 1, 1, [100, 10**11])
    config.training.batch_size = 60
    with pytest.raises(UserError, match="the batch size of --dataset=cars is 60; expected 59 or less"):
        input_pipeline.measure_input_pipelines([load_preset("ytf"), config], 1, 1, [100, 59])


def test_process_measures_its_memory():
    """An array is anonymous memory, and stays in the peak after its deletion."""
    before = input_pipeline.memory_mib()
    block = np.ones(100 * 2**20, np.uint8)
    filled = input_pipeline.memory_mib()
    del block
    after = input_pipeline.memory_mib()

    assert 0 < before["anonymous"] < before["resident"]
    for kind in ("anonymous", "resident"):
        assert filled[kind] - before[kind] == pytest.approx(100, abs=5)
        assert after[kind] == pytest.approx(before[kind], abs=5)
    assert after["peak"] > filled["resident"] - 5  # The kernel's counters lag a little.


@pytest.mark.slow
def test_worker_runs_on_the_cores_that_it_is_given(tmp_path):
    config = load_preset("digits")
    path = tmp_path / "images"
    input_pipeline.write_repeated_images(path, input_pipeline.source_images(config), 200)
    source = {"name": "digits", "config": config.to_dict(), "path": str(path), "shape": [200, 28, 28, 1]}
    core = min(os.sched_getaffinity(0))
    result = measure_in_process("input_pipeline", "measure_rates", cores=[core], sources=[source], steps=20,
                                repeats=2)["digits"]

    ms, cpu_ms = result["ms"], result["cpu_ms"]
    assert 0 < ms["min"] <= ms["median"] <= ms["max"]
    # One core does no more than a millisecond's work in a millisecond, but for the start of the pipeline.
    assert 0 < cpu_ms["min"] < 3 * ms["max"]

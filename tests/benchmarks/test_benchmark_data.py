import numpy as np
import pytest

from benchmarks import data, data_report, data_worker
from eig_tf.config import load_preset
from eig_tf.data.loaders import digits
from eig_tf.data.stored_images import StoredImages
from eig_tf.errors import UserError


def test_file_repeats_the_images_up_to_the_count(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, [3, 4, 4, 2], np.uint8)
    data.write_images(tmp_path / "images", images, 8)

    assert (tmp_path / "images").stat().st_size == 8 * 32
    stored = StoredImages(tmp_path / "images", [8, 4, 4, 2])
    np.testing.assert_array_equal(stored[:], images[[0, 1, 2, 0, 1, 2, 0, 1]])


def test_fewer_images_than_there_are(tmp_path):
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2, 1)
    data.write_images(tmp_path / "images", images, 2)

    assert (tmp_path / "images").read_bytes() == images[:2].tobytes()


def test_digits_in_the_size_of_the_preset():
    np.testing.assert_array_equal(data.source_images(load_preset("mnist")), digits.load().images[:1000])
    colour = data.source_images(load_preset("cars"))

    assert colour.shape == (1000, 64, 64, 3) and colour.dtype == np.uint8
    assert (colour == colour[..., :1]).all()
    assert colour.min() == 0 and colour.max() > 240
    # Each digit is still itself: shrunk, it is closer to its original than to any other.
    shrunk = colour[:20, ::2, ::2, 0][:, 2:-2, 2:-2].astype(float)
    small = digits.load().images[:20, ..., 0].astype(float)
    distances = ((shrunk[:, None] - small[None])**2).mean(axis=(2, 3))
    np.testing.assert_array_equal(distances.argmin(axis=1), np.arange(20))


def test_sets_of_the_user_need_their_directory():
    with pytest.raises(UserError, match="--data_dir is 'nowhere', which is no directory"):
        data.source_images(load_preset("cars"), "nowhere")


def test_no_room_is_said_before_anything_is_measured():
    with pytest.raises(UserError, match=r"temporary directory .* has .* GB free; expected 1228800\.\d GB"):
        data.run([load_preset("cars")], 1, 1, [100, 10**11])


def test_batch_larger_than_the_set_is_refused():
    config = load_preset("cars")
    config.training.batch_size = 60
    with pytest.raises(UserError, match="the batch size of --dataset=cars is 60; expected 59 or less"):
        data.run([load_preset("ytf"), config], 1, 1, [100, 59])


def test_process_measures_its_memory():
    """Of what it holds, a block that it fills is anonymous, and stays in the peak when it is gone."""
    before = data_worker.memory_mib()
    block = np.ones(100 * 2**20, np.uint8)
    filled = data_worker.memory_mib()
    del block
    after = data_worker.memory_mib()

    assert 0 < before["anonymous"] < before["resident"]
    for kind in ("anonymous", "resident"):
        assert filled[kind] - before[kind] == pytest.approx(100, abs=5)
        assert after[kind] == pytest.approx(before[kind], abs=5)
    assert after["peak"] > filled["resident"] - 5  # the kernel's counters lag a little


@pytest.mark.slow
def test_worker_runs_on_the_cores_that_it_is_given(tmp_path):
    config = load_preset("digits")
    path = tmp_path / "images"
    data.write_images(path, data.source_images(config), 200)
    row = {"name": "digits", "config": config.to_dict(), "path": str(path), "shape": [200, 28, 28, 1]}
    result = data._work("rates", [0], rows=[row], steps=20, repeats=2)["digits"]

    ms, cpu_ms = result["ms"], result["cpu_ms"]
    assert 0 < ms["min"] <= ms["median"] <= ms["max"]
    # One core does no more than a millisecond's work in a millisecond, but for the start of the pipeline.
    assert 0 < cpu_ms["min"] < 3 * ms["max"]


def test_report_says_what_was_measured():
    report = {
        "machine": "2 x Processor", "load_at_start": 0.25, "packages": {"tensorflow": "2.15.1"},
        "images": "--dataset=folder", "steps": 200, "repeats": 7, "note": "A note.",
        "rates": [{"name": "ytf", "cores": 2, "image_shape": [64, 64, 3], "batch_size": 50,
                   "pairs_per_second": {"median": 9876, "min": 8765, "max": 10987},
                   "cpu_microseconds_per_pair": 201.5}],
        "memory": [{"name": "ytf", "images": 250_000, "batches": 5000, "file_mib": 2930, "mib": {
            "start": {"resident": 470, "anonymous": 200, "peak": 471},
            "end": {"resident": 560, "anonymous": 280, "peak": 690}}}]}
    lines = data_report.describe(report).splitlines()

    assert lines[0] == "2 x Processor, load 0.2 at the start; tensorflow 2.15.1"
    assert lines[1] == "images: --dataset=folder; 7 repeats of 200 batches"
    assert lines[4].split() == ["ytf", "64x64x3", "2", "9876", "8765", "10987", "201.5"]
    assert lines[7].split() == ["ytf", "250000", "2930", "5000", "470", "560", "690", "280"]
    assert len(lines[3].rstrip()) == len(lines[4]) and len(lines[6].rstrip()) == len(lines[7])
    assert lines[-1] == "A note."

import pytest

from benchmarks import reports
from benchmarks.scaling import Layout, measure_scaling
from benchmarks.worker import RepeatedMeasurement
from eig_tf.config import load_preset
from eig_tf.errors import UserError


def test_layouts_in_words():
    assert [Layout(*layout).describe() for layout in (
        (1, 1, "global"), (1, 2, "local"), (2, 1, "global"), (2, 4, "global"))] == [
        "1 device", "2 devices, local", "2 processes of 1 device, global",
        "2 processes of 4 devices, global"]


def test_a_batch_that_cannot_be_divided_is_refused():
    with pytest.raises(UserError, match="batch_size is 64, and there are 3 devices"):
        measure_scaling(load_preset("mnist"), [3], 1, 1, 1)


@pytest.mark.slow
def test_figures_of_small_networks():
    config = load_preset("digits")
    config.networks.width, config.training.batch_size = 0.05, 8
    report = measure_scaling(config, [2], 2, steps=1, repeats=1)
    rows = {row["name"]: row for row in report["rows"]}

    assert list(rows) == ["1 device", "2 devices, global", "2 devices, local",
                          "2 processes of 1 device, global", "2 processes of 1 device, local"]
    first = rows["1 device"]["ms"]["median"]
    for name, row in rows.items():
        assert row["images_per_second"] * row["ms"]["median"] == pytest.approx(8e3)
        assert row["ratio"] == pytest.approx(first / row["ms"]["median"])
        assert len(row["peak_mib"]) == row["processes"] and row["peak_mib"][0]["process"] > 200
        if name.endswith("global"):
            alone = rows[name.replace("global", "local")]["ms"]["median"]
            assert row["share_of_agreeing"] == pytest.approx(1 - alone / row["ms"]["median"])
        else:
            assert row["share_of_agreeing"] is None
        assert name in reports.format_scaling_report(report)


@pytest.mark.slow
def test_a_process_that_fails_says_so():
    process = RepeatedMeasurement("scaling", "prepare_step", config={}, devices="cpu:0", steps=1)
    process.start()
    with pytest.raises(ChildProcessError, match="ended with status 1"):
        process.result()
    process.end()

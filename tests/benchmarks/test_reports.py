"""The text of the reports; all tables come from one function."""

import pytest

from benchmarks import reports

RUN = {"machine": "2 x Processor", "load_at_start": 0.25, "packages": {"tensorflow": "2.15.1"},
       "note": "A note.", "repeats": 7}
CONFIG = {"dataset": "cars", "preset": "cpu", "method": "some_method", "networks_width": 0.25,
          "image_shape": [64, 64, 3]}
MS = {"median": 12.5, "min": 11.0, "max": 14.0}


def test_columns_are_aligned_and_short_rows_run_over_them():
    assert reports.format_table(["name", "a", "long heading"], [
        ["x", "1.25", "2"], ["longer", "a text that is longer than its column"], ["y", "10", "300"]]) == [
        "name       a  long heading",
        "x       1.25             2",
        "longer  a text that is longer than its column",
        "y         10           300"]


@pytest.mark.parametrize("routing, shown", [("head", "some_method, head routing, batch 50"),
                                            (None, "some_method, batch 50")])
def test_step_report(routing, shown):
    rates = {"ms": MS, "images_per_second": 4000.4}
    lines = reports.format_step_report({
        **RUN, **CONFIG, "gradient_routing": routing, "batch_size": 50, "steps": 4, "precision": "float32",
        "step": [{"name": "fused Adam, float32", **rates, "ratio": 0.5},
                 {"name": "fused Adam, mixed_bfloat16", "skipped": "it needs another CPU"}],
        "parts": [{"name": "encode a batch", **rates, "share_of_step": 0.25}],
        "pipeline": {"batches_per_second": 1234.5, "needed_per_second": 80.04, "starves": False},
        "fit": [{"name": "fit", **rates, "ratio_to_step": 1.125}],
        "arithmetic": {"gflop_per_step": 12.345, "step_gflop_per_second": 99.6, "share": 0.504,
                       "matrix_product_size": 2048, "matrix_product_gflop_per_second": 197.6}}).splitlines()

    assert lines[:2] == [
        "2 x Processor, load 0.2 at the start; tensorflow 2.15.1",
        f"preset cars (cpu), 64x64x3, networks of width 0.25, {shown}; 7 repeats of 4 steps"]
    assert lines[4].split() == ["fused", "Adam,", "float32", "12.50", "11.00", "14.00", "4000", "0.50"]
    assert lines[5] == "fused Adam, mixed_bfloat16  skipped: it needs another CPU"
    assert lines[8].split() == ["encode", "a", "batch", "12.50", "11.00", "14.00", "4000", "0.25"]
    assert lines[9] == ("The input pipeline alone makes 1234 batches/s, the step takes 80.0: it does not "
                        "starve the step.")
    assert lines[-3] == ("The step is 12.35 GFLOP and runs at 100 GFLOP/s, 50% of the 198 GFLOP/s of a "
                         "matrix product of size 2048 in the same precision.")
    assert lines[-1] == "A note."


@pytest.mark.parametrize("first, last_lines", [
    ({"processes": 3, "load_seconds": 0.91, "warm_up_seconds": 6.25, "requests": [
        {"signature": "generate", "batch_size": 64, "cold_ms": 812.34, "warm_ms": 15.25, "later_ms": 12.12}]},
     ["generate              64       812.3     15.2   12.1",
      "Loading takes 0.9 s, the warm-up requests 6.2 s; medians of 3 processes of each kind."]),
    ({"skipped": "a reason"}, ["first requests skipped: a reason"])])
def test_serving_report(first, last_lines):
    lines = reports.format_serving_report({
        **RUN, **CONFIG, "precision": "float32", "first_requests": first,
        "requests": [{"signature": "generate", "batch_size": size, "requests": 14, "ms": {**MS, "p99": 13.75},
                      "images_per_second": 5120.4, "reference": "bare generator", "ratio": 0.976}
                     for size in (64, 256)],
        "goal": {"ratio": 0.95, "batch_sizes": [64, 256], "ratios": [0.976, 0.9], "reached": False},
        "new_sizes": {"batch_sizes": 17, "signatures": [{"signature": "generate", "first_to_second": 1.055}]},
    }).splitlines()

    assert lines[1] == "preset cars (cpu), 64x64x3, networks of width 0.25, some_method, float32; 7 repeats"
    assert lines[3].split()[:2] == ["batch", "64"] and lines[6].split()[:2] == ["batch", "256"]
    assert lines[4].split() == lines[7].split() == ["generate", "14", "12.50", "13.75", "5120", "0.98"]
    assert lines[9] == ("Of the bare generator's images/s, generate makes 0.98 at batch 64, 0.90 at batch "
                        "256: the goal of 0.95 is missed.")
    assert lines[11].startswith("17 batch sizes") and lines[12].split() == ["generate", "1.05"]
    assert lines[-len(last_lines) - 2:-2] == last_lines

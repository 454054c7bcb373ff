import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from benchmarks import precision, reports
from benchmarks.worker import measure_in_process
from eig_tf.config import load_preset
from eig_tf.errors import UserError

NAMES = [f"{name}{suffix}" for suffix in ("", ", XLA")
         for name in ("float32", "TF32", "mixed_bfloat16", "mixed_float16")]


def row(name, ratio=1.0, near=True):
    return {"name": name, "ratio": ratio, "near": near}


def test_the_fastest_precision_that_is_near_float32_everywhere_is_chosen():
    networks = [[row("float32"), row("TF32", 2.0), row("mixed_bfloat16", 4.0), row("mixed_float16", 5.0),
                 {"name": "TF32, XLA", "ratio": 9.0}],
                [row("float32"), row("TF32", 1.5), row("mixed_bfloat16", 0.7),
                 row("mixed_float16", 5.0, near=False)]]
    assert precision.choose_precision(networks) == "TF32"
    assert precision.choose_precision(networks[:1]) == "mixed_float16"
    networks[0][1] = {"name": "TF32", "near": True, "skipped": "a reason"}
    assert precision.choose_precision(networks) == "mixed_bfloat16"
    networks[1] = [{"name": name, "skipped": "a reason"} for name in NAMES]
    assert precision.choose_precision(networks) is None


def test_ratios_and_nearness_are_to_the_first_row():
    rows = [{"name": "float32", "ms": {"median": 8.0}, "losses": {"d_loss": 2.0, "g_loss": 0.1}},
            {"name": "TF32", "ms": {"median": 4.0}, "losses": {"d_loss": 2.09, "g_loss": 0.14}},
            {"name": "mixed_float16", "skipped": "a reason", "losses": {"d_loss": 2.11, "g_loss": 0.1}},
            {"name": "mixed_bfloat16", "losses": {"d_loss": float("nan"), "g_loss": 0.1}}]
    precision._compare_with_first(rows)

    assert [found.get("ratio") for found in rows] == [1.0, 2.0, None, None]
    assert [found["near"] for found in rows] == [True, True, False, False]


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured():
    with pytest.raises(UserError, match="no GPU is visible"):
        precision.measure_precisions([load_preset("mnist")], 1, 1, 1, 1.0)


@pytest.mark.parametrize("seconds", [1.0, 0.0])
def test_when_the_time_is_up_all_is_skipped_and_saved(monkeypatch, seconds):
    monkeypatch.setattr(precision, "measure_in_process", run_out_of_time)
    saved = []
    report = precision.measure_precisions([load_preset("mnist")], 1, 1, 1, seconds, allow_cpu=True,
                                          save=lambda unfinished: saved.append(json.dumps(unfinished)))
    (network,) = report["networks"]
    assert [found["name"] for found in network["rows"]] == NAMES
    assert all(found["skipped"] == "the time is up" for found in network["rows"])
    assert report["auto"] is report["first_losses"] is None
    assert len(json.loads(saved[0])["networks"][0]["rows"]) == 1 and json.loads(saved[-1]) == report
    text = reports.format_precision_report(report)
    assert "too little time to choose auto" in text and "were not compared" in text


def run_out_of_time(module, function, timeout, **arguments):
    assert 0 < timeout <= 1
    raise subprocess.TimeoutExpired(function, timeout)


@pytest.mark.slow
def test_script_at_tiny_size(repository, tmp_path):
    environment = {**os.environ, "PYTHON": sys.executable, "XDG_CACHE_HOME": str(tmp_path)}
    output = tmp_path / "gpu.json"
    result = subprocess.run([repository / "benchmarks" / "gpu.sh", "--tiny", output], text=True,
                            capture_output=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    assert "the export generates images of shape (3, 28, 28, 1)" in result.stdout
    report = json.loads(output.read_text())
    (network,) = report["networks"]
    assert [found["name"] for found in network["rows"]] == NAMES[:4]  # Each takes a minute with XLA.
    assert all("near" in found and found["preparation_seconds"] > 0 for found in network["rows"])
    assert report["first_losses"]["agree"] and report["first_losses"]["cpu_losses"]["d_loss"] > 1
    assert f"auto should mean {report['auto']}" in result.stdout


@pytest.mark.slow
def test_a_step_compiled_with_xla_is_measured():
    config = load_preset("digits")
    config.networks.width, config.training.batch_size = 0.05, 8
    (found,) = measure_in_process("precision", "measure_rows", config=config.to_dict(), tf32=False,
                                  names=["float32"], with_xla=True, steps=1, repeats=1, loss_steps=1)
    assert found["name"] == "float32, XLA" and "losses" not in found
    assert found["images_per_second"] == pytest.approx(8e3 / found["ms"]["median"])

import json
import shutil
from pathlib import Path

import pytest

TOOL = Path(__file__).parent.parent.parent / "tools" / "benchmark.py"


def test_without_a_checkout_is_one_sentence(command, refused, tmp_path):
    (tmp_path / "installed").mkdir()
    shutil.copy(TOOL, tmp_path / "installed" / "benchmark.py")
    result = command(tmp_path / "installed" / "benchmark.py")
    assert refused(result) == (f"{tmp_path / 'benchmarks'} is missing, which is not part of the installed "
                               "package; expected tools/benchmark.py of a checkout")


def _figures(command, tmp_path, *flags):
    """Return what the command writes and prints; check that its temporary files are gone."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    result = command(TOOL, *flags, "--output=figures.json", TMPDIR=str(scratch), timeout=600)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} == {"figures.json", "scratch"}
    assert list(scratch.iterdir()) == []
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {"machine", "packages", "note", "load_at_start"} <= figures.keys()
    return figures, result


@pytest.mark.slow
@pytest.mark.parametrize("method, routing, flags", [
    ("gumbel_infogan", "shared", ["--routing=shared"]), ("joint_vae", None, [])])
def test_figures_of_a_small_batch(command, tmp_path, method, routing, flags):
    figures, result = _figures(command, tmp_path, "--steps=1", "--repeats=2", "--batch_size=4",
                               "--dataset=digits", f"--method={method}", *flags)
    assert "Figures are ratios on one machine" in result.stdout
    assert "precision" in figures
    assert (figures["dataset"], figures["method"], figures["gradient_routing"], figures["batch_size"],
            figures["steps"], figures["repeats"]) == ("digits", method, routing, 4, 1, 2)
    measured = [row for row in figures["step"] if "skipped" not in row]
    assert len(figures["step"]) == 3 and len(measured) >= 2
    assert len(figures["parts"]) == 4 and len(figures["fit"]) == 2
    for row in measured + figures["parts"] + figures["fit"]:
        ms = row["ms"]
        assert 0 < ms["min"] <= ms["median"] <= ms["max"]
        assert row["images_per_second"] * ms["median"] == pytest.approx(4 * 1e3)
        assert row["name"] in result.stdout
    assert measured[0]["ratio"] == 1
    package = next(row for row in measured if row["name"] == figures["package_step"])
    step_ms = package["ms"]["median"]
    for row in figures["parts"]:
        assert row["share_of_step"] * step_ms == pytest.approx(row["ms"]["median"])
    assert figures["pipeline"]["needed_per_second"] * step_ms == pytest.approx(1e3)
    arithmetic = figures["arithmetic"]
    assert arithmetic["step_gflop_per_second"] * step_ms == pytest.approx(arithmetic["gflop_per_step"] * 1e3)
    assert 0 < arithmetic["share"] < 1


@pytest.mark.slow
def test_figures_of_a_small_pipeline(command, tmp_path):
    figures, result = _figures(command, tmp_path, "--what=data", "--dataset=digits", "--steps=5",
                               "--repeats=2", "--num_images=200", "--num_images=400")
    assert figures["rates"][0]["cores"] == 1
    for row in figures["rates"]:
        assert (row["name"], row["image_shape"], row["batch_size"]) == ("digits", [28, 28, 1], 64)
        pairs = row["pairs_per_second"]
        assert 0 < pairs["min"] <= pairs["median"] <= pairs["max"]
        assert str(pairs["median"]) in result.stdout
    assert [(row["images"], row["batches"]) for row in figures["memory"]] == [(200, 6), (400, 6)]
    for row in figures["memory"]:
        start, end = row["mib"]["start"], row["mib"]["end"]
        assert 50 < start["resident"] < end["resident"] < 5000
        assert start["anonymous"] < end["anonymous"]


@pytest.mark.slow
def test_figures_of_a_small_served_model(command, tmp_path):
    figures, result = _figures(command, tmp_path, "--what=serving", "--dataset=digits", "--steps=2",
                               "--repeats=1")
    assert (figures["dataset"], figures["preset"], figures["networks_width"], figures["image_shape"],
            figures["repeats"]) == ("digits", "paper", 0.25, [28, 28, 1], 1)
    rows = {(row["signature"], row["batch_size"]): row for row in figures["requests"]}
    signatures = {"generate", "generate_png", "generate_from_code", "sample", "sample_each", "categorize",
                  "categorize_bytes", "embed"}
    assert rows.keys() == {(name, size) for name in signatures | {"bare generator", "bare encoder"}
                           for size in (1, 8, 64, 256)}
    for (name, size), row in rows.items():
        ms, bare = row["ms"], rows[row["reference"], size]
        assert row["reference"] == ("bare encoder" if name in (
            "bare encoder", "categorize", "categorize_bytes", "embed") else "bare generator")
        assert row["requests"] == 2
        assert 0 < ms["min"] <= ms["median"] <= ms["max"] == ms["p99"]
        assert row["images_per_second"] * ms["median"] == pytest.approx(size * 1e3)
        assert row["ratio"] == pytest.approx(row["images_per_second"] / bare["images_per_second"])
        assert name in result.stdout
    assert figures["goal"]["ratios"] == [rows["generate", size]["ratio"] for size in (64, 256)]
    new_sizes = figures["new_sizes"]["signatures"]
    assert {row["signature"] for row in new_sizes} == signatures
    for row in new_sizes:
        assert 0.1 < row["first_to_second"] < 10
    first = {(row["signature"], row["batch_size"]): row for row in figures["first_requests"]["requests"]}
    assert first.keys() == {(name, size) for name in signatures for size in (1, 64)}
    for name in signatures - {"sample"}:  # It has no warm-up requests.
        assert first[name, 1]["warm_ms"] < first[name, 1]["cold_ms"]


@pytest.mark.slow
def test_profile_of_a_small_step(command, tmp_path):
    figures, result = _figures(command, tmp_path, "--what=profile", "--dataset=digits", "--width=0.0625",
                               "--steps=2")
    rows = {row["name"]: row for row in figures["rows"]}
    assert {"convolutions", "matrix products", "other operations"} <= set(rows)
    assert sum(row["share"] for row in rows.values()) == pytest.approx(1)
    # What contains operations, such as the whole function, is none itself.
    assert all(" " in name or name.isidentifier() for name in rows)
    assert 0 < figures["step_share_of_product_rate"] < figures["arithmetic_share_of_product_rate"] < 1.5
    assert "convolutions" in result.stdout

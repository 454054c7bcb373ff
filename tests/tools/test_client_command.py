"""`tools/client.py` as a user runs it, against a model server of another process."""

import csv
import io
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).parent.parent.parent
TOOL = REPOSITORY / "tools" / "client.py"
SERVING_TESTS = REPOSITORY / "tests" / "serving"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """The gRPC and the REST address of a server of `arithmetic_model`."""
    yield from _serve(tmp_path_factory)


@pytest.fixture(scope="module")
def category_addresses(tmp_path_factory):
    """As `addresses`, of a model with categories."""
    yield from _serve(tmp_path_factory, categories=True)


def _serve(tmp_path_factory, **options):
    base = tmp_path_factory.mktemp("models") / "toy"
    runpy.run_path(str(SERVING_TESTS / "arithmetic_model.py"))["save"](base / "3", **options)
    process = subprocess.Popen(
        [sys.executable, SERVING_TESTS / "model_server.py", "--model_name=toy", f"--model_base_path={base}",
         "--port=0", "--rest_api_port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        found = [re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())[0] for _ in range(2)]
        yield found[0], f"http://{found[1]}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def by_rest(command, without_tensorflow, addresses):
    """Runs a verb by REST, without TensorFlow."""
    def run(*arguments):
        return command(TOOL, *arguments, f"--address={addresses[1]}", "--model=toy",
                       PYTHONPATH=without_tensorflow)
    return run


@pytest.mark.slow
def test_status_is_the_same_by_grpc_and_rest(command, by_rest, addresses):
    finished = command(TOOL, "status", f"--address={addresses[0]}", "--model=toy")
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert lines[0] == "version 3 AVAILABLE"
    assert "  generate          code int32 [N], seed int64 [N] -> images float32 [N, 2, 2, 1]" in lines
    assert by_rest("status").stdout == finished.stdout


@pytest.mark.slow
def test_generate_draws_a_row_a_code(by_rest, tmp_path):
    finished = by_rest("generate", "--codes=3,1", "--per_code=2", "--output=grid.png")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "output  grid.png\n", "")
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    # Two cells of 2x2 and a gap of 2 each way; the code k is grey of k / 4.
    assert grid.shape == (6, 6)
    assert (grid[:2, :2] == 191).all() and (grid[:2, 4:] == 191).all()
    assert (grid[4:, :2] == 64).all() and (grid[4:, 4:] == 64).all()
    assert (grid[2:4] == 255).all() and (grid[:, 2:4] == 255).all()


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "levels"), [
    (["generate", "--per_code=1", "--seed=7"],
     {f"code_000{code}_seed_7.png": level for code, level in enumerate((0, 64, 128, 191))}),
    # The code of the seed s is s mod 4.
    (["sample", "--count=3", "--seed=6"],
     {"seed_6_code_0002.png": 128, "seed_7_code_0003.png": 191, "seed_8_code_0000.png": 0})])
def test_images_are_written_as_files(by_rest, tmp_path, arguments, levels):
    assert by_rest(*arguments, "--output=images").returncode == 0
    assert set(os.listdir(tmp_path / "images")) == set(levels)
    for name, level in levels.items():
        assert (np.asarray(Image.open(tmp_path / "images" / name)) == level).all()


def _write_grey(path, code, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), round(code * 255 / 4)).save(path, **options)


@pytest.mark.slow
def test_a_folder_is_sorted(by_rest, tmp_path):
    codes = {f"{name}/{number}.{suffix}": (number + shift) % 4 for shift, name in enumerate("ab")
             for number in range(12) for suffix in ("png", "jpg", "webp")}
    for name, code in codes.items():
        _write_grey(tmp_path / "folder" / name, code)
    content = io.BytesIO()
    Image.new("L", (8, 8)).save(content, "PNG")
    (tmp_path / "folder" / "a" / "cut.png").write_bytes(content.getvalue()[:50])
    (tmp_path / "folder" / "b" / "no\nimage.jpg").write_text("no image")
    (tmp_path / "folder" / "notes.txt").write_text("ignored")
    finished = by_rest("categorize", "folder", "--output=found.csv")
    assert (finished.returncode, finished.stderr) == (0, "")
    *left_out, output = finished.stdout.splitlines()
    assert output == "output  found.csv"
    assert [line.split(":")[1] for line in left_out[:2]] == [" a/cut.png", " b/no\\nimage.jpg"]
    assert left_out[2:] == [f"code    {code}         18 images" for code in range(4)]
    with open(tmp_path / "found.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["file", "code", "probability", "class"]
    assert {file: int(code) for file, code, _, _ in rows} == codes
    assert {probability for _, _, probability, _ in rows} == {"0.775000"}
    assert all(file.startswith(f"{name}/") for file, _, _, name in rows)
    assert [file for file, *_ in rows[:4]] == ["a/0.jpg", "a/0.png", "a/0.webp", "a/1.jpg"]


@pytest.mark.slow
def test_images_and_tables_by_category(command, without_tensorflow, category_addresses, tmp_path):
    """By REST, the seeds 6 and 7 take the first and the second code of each category."""
    def run(*arguments):
        finished = command(TOOL, *arguments, f"--address={category_addresses[1]}", "--model=toy",
                           PYTHONPATH=without_tensorflow)
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout.splitlines()

    assert run("generate", "--categories=1", "--per_code=2", "--seed=6", "--output=one") == ["output  one"]
    assert set(os.listdir(tmp_path / "one")) == {
        "category_0001_seed_6_code_0002.png", "category_0001_seed_7_code_0003.png"}
    run("generate", "--categories=all", "--per_code=2", "--seed=6", "--output=grid.png")
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    assert [grid[0, 0], grid[0, 4], grid[4, 0], grid[4, 4]] == [0, 64, 128, 191]
    for code in (0, 1, 1, 3):
        _write_grey(tmp_path / "folder" / f"{code}.png", code)
    assert run("categorize", "folder", "--output=found.csv") == [
        "category    0          2 images", "category    1          1 images", "output  found.csv"]
    assert (tmp_path / "found.csv").read_text().splitlines() == [
        "file,category,probability,code,code_probability",
        "0.png,0,0.850000,0,0.775000", "1.png,0,0.850000,1,0.775000", "3.png,1,0.850000,3,0.775000"]


@pytest.mark.slow
def test_a_model_without_categories_is_named(by_rest, refused, tmp_path):
    finished = by_rest("generate", "--categories=0", "--output=grid.png")
    assert refused(finished) == ("--categories is given, but the model 'toy' has no categories; expected "
                                 "--codes, or a model that was exported with categories")
    assert not (tmp_path / "grid.png").exists()


@pytest.mark.slow
def test_too_many_unreadable_files_write_nothing(by_rest, refused, tmp_path):
    _write_grey(tmp_path / "folder" / "good.png", 1)
    (tmp_path / "folder" / "bad.png").write_text("no image")
    finished = by_rest("categorize", "folder", "--output=found.csv")
    sentence = refused(finished)
    assert sentence.startswith("folder: 1 of 2 files are unreadable (bad.png: not an image; expected PNG, ")
    assert sentence.endswith("); expected a share of at most 0.05")
    assert not (tmp_path / "found.csv").exists()


@pytest.mark.slow
def test_what_the_server_refuses_is_one_sentence(by_rest, refused, tmp_path):
    finished = by_rest("generate", "--codes=4", "--output=grid.png")
    assert refused(finished) == "code ranges from 4 to 4; expected numbers from 0 to 3"
    assert not (tmp_path / "grid.png").exists()

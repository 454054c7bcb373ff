"""A small run on a folder whose names are hostile, its report, and a browser."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.categories.categorizer import save_categorizer
from eig_tf.categories.grouping import CodeGrouping, save_grouping
from eig_tf.evaluation.record import EvaluationRecord, save_record
from eig_tf.networks.categorizer import build_categorizer
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment
from eig_tf.sweeps.spec import parse_spec
from eig_tf.sweeps.sweep_directory import RunStatus, SweepDirectory

CLASSES = ["<b>&'\"", "plain", "<!--<script>"]
FILES = [b'a"><img src=x onerror=alert(1)>.png', b"line\nbreak.png", b"gr\xfc\xdfe.png", "größe.png".encode(),
         b"{{ 7 * 7 }}, x.png", b"{% raw %}.png"]


def write_images(folder):
    generator = np.random.default_rng(0)
    for number, label in enumerate(CLASSES):
        (folder / label).mkdir(parents=True)
        for name in FILES:
            pixels = generator.integers(0, 80, (28, 28, 3), dtype=np.uint8)
            pixels[..., number] += np.uint8(170)
            # Pillow takes the format from the name, which it cannot print; a file object has none.
            with open(os.path.join(os.fsencode(folder / label), name), "wb") as file:
                Image.fromarray(pixels).save(file, "PNG")


def write_run(path, data_dir, num_codes=6, num_categories=3):
    """The `RunDirectory` of small networks with their first weights, as if after two epochs."""
    from eig_tf.models.registry import build_model
    config = config_lib.load_preset("folder")
    config.data.image_size, config.networks.width, config.networks.num_codes = 28, 0.0625, num_codes
    directory = RunDirectory(path)
    manager = directory.checkpoint_manager(build_model(config))
    manager.checkpoint.epochs_done.assign(2)
    manager.save(checkpoint_number=2)
    config_lib.save_config(config, directory.config)
    directory.save_environment(RunEnvironment(data_dir=str(data_dir)))
    directory.history.write_text("epoch,d_loss,g_loss\n1,1.5,nan\n2,0.5,2.0\n")
    codes = ",".join(f"p{code}" for code in range(num_codes))
    share = ",".join([f"{1 / num_codes}"] * num_codes)
    directory.prior.write_text(f"epoch,{codes}\n1,{share}\n2,{share}\n")
    if num_categories:
        directory.categories.mkdir()
        save_categorizer(build_categorizer((28, 28, 3), num_categories),
                         directory.categories / "categorizer.keras")
        of_code = np.arange(num_codes) % num_categories
        distribution = np.eye(num_categories)[:, of_code] * num_categories / num_codes
        even = np.full(num_categories, 1 / num_categories)
        save_grouping(CodeGrouping(of_code, np.ones(num_codes), distribution, even, even,
                                   np.zeros([num_codes - 1, 4]), 2, 1.0),
                      directory.categories / "categories.json")
    return directory


@pytest.fixture
def make_run():
    """Writes a run directory; see `write_run`."""
    return write_run


@pytest.fixture(scope="package")
def report(tmp_path_factory):
    """The run and the HTML file of its report."""
    from eig_tf.reports.run_report import report_run
    place = tmp_path_factory.mktemp("reports")
    write_images(place / "images")
    directory = write_run(place / 'a "run" <i>', place / "images")
    report_run(directory.path, place / "report.html", cache_dir=place / "cache")
    return directory, place / "report.html"


@pytest.fixture(scope="package")
def browser(tmp_path_factory):
    """Headless Chromium that downloads into `browser.downloads`; tests are skipped without it."""
    webdriver = pytest.importorskip("selenium.webdriver")
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("there is no Chromium with chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    downloads = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options, webdriver.ChromeService(driver))
    started.downloads = downloads
    yield started
    started.quit()


@pytest.fixture
def sweep(tmp_path):
    """Three seeds of two methods; the last run is not evaluated, and one failed with a hostile sentence."""
    directory = SweepDirectory(tmp_path / "a sweep")
    spec = parse_spec({"runs": [{"dataset": "digits", "method": ["uniform_infogan", "elastic_infogan"],
                                 "seed": [0, 1, 2]}]}, "digits.yaml")
    directory.prepare(spec)
    for number, run in enumerate(spec.runs[:-1]):
        path = directory.run(run.name)
        (path / "samples").mkdir(parents=True)
        config = config_lib.load_preset("digits", method=run.method)
        save_record(EvaluationRecord(
            config.to_dict(), 2, ("<b>", "one"), np.eye(2), [0, None], [0.5, 0.5], [0.25, 0.75], True,
            {"nmi": number / 10, "ent": 1.0}), path / "evaluation.json")
        (path / "history.csv").write_text(f"epoch,d_loss\n1,{1.0 + number}\n2,0.5\n"[:25 - (number == 0) * 6])
        Image.new("RGB", (30, 30)).save(path / "samples" / "codes_epoch_0002.png")
        directory.save_status(run.name, RunStatus("done", 1, 60.0))
    directory.save_status(spec.runs[-1].name, RunStatus("failed", 3, 1.0, "<script>alert(1)</script>"))
    return directory

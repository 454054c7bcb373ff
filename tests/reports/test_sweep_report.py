"""The report of a sweep that is not finished, with evaluations by hand."""

import html.parser

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.evaluation.record import EvaluationRecord, save_record
from eig_tf.reports.sweep_report import report_sweep, summarize_values
from eig_tf.sweeps.spec import parse_spec
from eig_tf.sweeps.sweep_directory import RunStatus, SweepDirectory


class Cells(html.parser.HTMLParser):
    """The texts of the cells of the first table, row by row, and all addresses."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.addresses, self._inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("href", "src")]
        if tag == "tr":
            self.rows.append([])
        self._inside = tag in ("td", "th") or (self._inside and tag in ("small", "a", "button"))
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self._inside:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._inside = False


def test_values_of_runs():
    found = summarize_values([0.5, None, 0.7])
    assert found == {"mean": 0.6, "sd": pytest.approx(0.02**0.5), "n": 2}
    assert summarize_values([None]) == {"mean": None, "sd": None, "n": 0}


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
        (path / "history.csv").write_text("epoch,d_loss\n1,1.0\n2,0.5\n"[:25 - (number == 0) * 6])
        Image.new("RGB", (30, 30)).save(path / "samples" / "codes_epoch_0002.png")
        directory.save_status(run.name, RunStatus("done", 1, 60.0))
    directory.save_status(spec.runs[-1].name, RunStatus("failed", 3, 1.0, "<script>alert(1)</script>"))
    return directory


def test_means_and_links(sweep, tmp_path):
    found, notes = report_sweep(sweep.path, tmp_path / "report.html")
    assert (found, notes) == ("6 runs: 5 done, 1 failed", [])
    cells = Cells((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert cells.rows[:3] == [
        ["data set", "method", "n", "NMI", "ENT"],
        ["digits", "uniform_infogan", "3", "0.100 ± 0.100", "1.000 ± 0.000"],
        ["digits", "elastic_infogan", "2", "0.350 ± 0.071", "1.000 ± 0.000"]]
    assert "a%20sweep/runs/digits-elastic_infogan-split0-seed1/" in cells.addresses
    for address in cells.addresses:
        assert address.startswith(("#", "data:", "a%20sweep/runs/"))
    assert "<script>alert" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_values_of_lists_are_rows_of_their_own(tmp_path):
    """Means are over splits and seeds only; NMI of a method with categories is that of its categories."""
    directory = SweepDirectory(tmp_path / "sweep")
    spec = parse_spec({"runs": [
        {"dataset": "digits", "method": "uniform_infogan", "seed": [0, 1], "num_codes": [10, 30]},
        {"dataset": "digits", "method": "agglomerative_infogan"}]}, "digits.yaml")
    directory.prepare(spec)
    for run in spec.runs:
        directory.run(run.name).mkdir(parents=True)
        grouped = run.method == "agglomerative_infogan"
        save_record(EvaluationRecord(
            run.config, 2, ("zero", "one"), np.eye(2), [0, 1], [0.5, 0.5], [0.5, 0.5], True,
            {"nmi": run.config["networks"]["num_codes"] / 100, "ent": 1.0},
            categories={"nmi": 0.9, "ent": 0.1} if grouped else None), directory.evaluation(run.name))
    report_sweep(directory.path, tmp_path / "report.html")
    rows = Cells((tmp_path / "report.html").read_text(encoding="utf-8")).rows[1:4]
    assert [row[1:4] for row in rows] == [
        ["uniform_infogan, num_codes10", "2", "0.100 ± 0.000"],
        ["uniform_infogan, num_codes30", "2", "0.300 ± 0.000"], ["agglomerative_infogan", "1", "0.900"]]


def test_a_sweep_that_has_just_begun(tmp_path):
    directory = SweepDirectory(tmp_path)
    directory.prepare(parse_spec({"runs": [{"dataset": "digits", "method": "uniform_infogan"}]}, "a.yaml"))
    assert report_sweep(tmp_path, tmp_path / "report.html") == ("1 run: 1 waiting", [])
    assert "No run is evaluated yet." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_damaged_sweep(tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(UserError, match=r"sweep\.json cannot be read: it lacks 'runs'; expected the file"):
        report_sweep(tmp_path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()

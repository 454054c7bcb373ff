"""The report of a sweep that is not finished, with evaluations by hand."""

import html.parser
import re

import numpy as np
import pytest

from eig_tf.errors import UserError
from eig_tf.evaluation.record import EvaluationRecord, save_record
from eig_tf.reports.sweep_report import report_sweep, summarize_values
from eig_tf.sweeps.spec import parse_spec
from eig_tf.sweeps.sweep_directory import SweepDirectory


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


def test_means_ranks_curves_and_links(sweep, tmp_path):
    found, notes = report_sweep(sweep.path, tmp_path / "report.html")
    assert (found, notes) == ("6 runs: 5 done, 1 failed", [])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    cells = Cells(text)
    assert cells.rows[:3] == [
        ["data set", "method", "n", "NMI", "ENT"],
        ["digits", "uniform_infogan", "3", "0.100 ± 0.100", "1.000 ± 0.000"],
        ["digits", "elastic_infogan", "2", "0.350 ± 0.071", "1.000 ± 0.000"]]
    assert "a%20sweep/runs/digits-elastic_infogan-split0-seed1/" in cells.addresses
    for address in cells.addresses:
        assert address.startswith(("#", "data:", "a%20sweep/runs/"))
    assert "<script>alert" not in text
    # The mean of ENT is the same, so that it is the best of both.
    assert re.findall(r'<td class="number best" data-value="([^"]*)">', text) == ["1.0", "0.35", "1.0"]
    assert re.findall(r"<strong>(\w+)</strong>, NMI ([\d.]+): .*?-seed(\d)/", text) == [
        ("best", "0.200", "2"), ("median", "0.100", "1"), ("worst", "0.000", "0"),
        ("best", "0.400", "1"), ("worst", "0.300", "0")]
    # The mean of 1, 2 and 3, since one run has a single epoch, and from that of 4 and 5 to 0.5.
    assert "d_loss: 2 lines from epoch 1 to 2, between 0.5 and 4.5" in text
    assert re.findall(r'points="([^"]*)"', text) == ["0.00,62.50", "0.00,0.00 100.00,100.00"]


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

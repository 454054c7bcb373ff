import csv

import pytest
from PIL import Image

from eig_tf.reproduction.comparison import Cell, Difference, Table
from eig_tf.reproduction.false_negatives import compute_false_negatives
from eig_tf.reproduction.table_files import format_csv, format_latex, format_markdown, write_table


@pytest.fixture
def table():
    cells = {
        ("cars", "uniform_infogan", "nmi"): Cell(
            0.61234, 0.05, 3, (0.499, 0.205), Difference(-0.12, -0.2, -0.04, 3)),
        ("cars", "elastic_infogan", "nmi"): Cell(0.7323, None, 1, (0.85, None), None),
        ("cars", "joint_vae", "nmi"): Cell(None, None, 0, None, None)}
    rows = {"cars": ("uniform_infogan", "elastic_infogan", "joint_vae")}
    return Table("table1", "50 % & more_or_less", "About.", ("nmi",), rows, cells, {"cars": ("a note",)})


def test_markdown(table):
    assert format_markdown(table, ["a remark"]) == """# 50 % & more_or_less

About.

## cars

| method | NMI | paper | difference of NMI [95 %] |
| --- | --- | --- | --- |
| uniform_infogan | 0.612 ± 0.050 (3) | 0.499 ± 0.205 | -0.120 [-0.200, -0.040] (3) |
| elastic_infogan | 0.732 (1) | 0.850 |  |
| joint_vae | missing |  |  |

- a note

- a remark
"""


def test_csv_has_all_digits_and_empty_cells(table):
    header, *rows = csv.reader(format_csv(table).splitlines())
    first, second, third = (dict(zip(header, row)) for row in rows)
    assert (first["mean"], first["paper_std"], first["low"], first["differences"]) == (
        "0.61234", "0.205", "-0.2", "3")
    assert (second["std"], second["paper"], second["difference"]) == ("", "0.85", "")
    assert (third["mean"], third["runs"], third["difference_to"]) == ("", "0", "elastic_infogan")


def test_latex_escapes_and_is_complete(table):
    text = format_latex(table)
    assert r"uniform\_infogan & 0.612 $\pm$ 0.050 (3) & 0.499 $\pm$ 0.205 & " in text
    assert r"joint\_vae & missing &  &  \\" in text and text.count(r"\hline") == 3
    assert text.startswith("% 50 % & more_or_less\n") and r"\begin{tabular}{lrrr}" in text


def test_all_files_are_written(table, tmp_path):
    paths = write_table(table, tmp_path / "new" / "output")
    assert [path.name for path in paths] == [f"table1.{suffix}" for suffix in ("md", "csv", "tex", "png")]
    assert sorted(path.name for path in (tmp_path / "new" / "output").iterdir()) == sorted(
        path.name for path in paths)
    with Image.open(paths[-1]) as picture:
        assert min(picture.size) > 100


def test_expected_false_negatives_are_the_papers():
    """Supplement 2: 0.119 +- 0.008 over the 50 splits of MNIST, 0.0363 on ytf."""
    table = compute_false_negatives()
    mnist, ytf = (table.cells[dataset, "class fractions", "expected_false_negatives"]
                  for dataset in ("mnist", "ytf"))
    assert mnist.num == 50 and mnist.published == (0.119, 0.008)
    assert mnist.mean == pytest.approx(0.119, abs=1e-3) and mnist.std == pytest.approx(0.008, abs=1e-4)
    assert ytf.published == (0.0363, None) and ytf.mean == pytest.approx(0.0363, abs=5e-5)
    # 0.1851^2 + 0.1481^2 + 0.1111^2 + 0.2592^2 + 0.2962^2
    shapenet = table.cells["shapenet", "class fractions", "expected_false_negatives"]
    assert shapenet.mean == pytest.approx(0.223458, abs=1e-6)
    assert "| class fractions | 0.1199 ± 0.0080 (50) | 0.1190 ± 0.0080 |" in format_markdown(table)

"""The report of a run as a user makes it, and its decisions in the table of categories."""

import csv
import json
import re

import pytest


def decisions_of(page, **changes):
    """What the page of a run of ten codes saves after code 3 was merged into code 5."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"))[1])
    entries = [{"category": code, "name": f"code, \"{code}\"\n", "merged_into": 5 if code == 3 else None,
                "decision": "keep" if code == 5 else None} for code in range(10)]
    return {"version": 1, "run": data["run"]["id"], "epochs": data["run"]["epochs"], "categories": entries,
            **changes}


@pytest.mark.slow
def test_a_report_and_its_decisions_in_the_table(run, refused, first_weights, make_folder, tmp_path):
    made = run("report", first_weights.path)
    page = first_weights.path / "report.html"
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-2:] == [
        "1,205 images in 10 codes", f"report  {page}, {page.stat().st_size / 2**20:.1f} MiB"]
    assert "history.csv is missing" in made.stdout
    (tmp_path / "d.json").write_text(json.dumps(decisions_of(page)), encoding="utf-8")
    folder = make_folder("things", 9)
    plain = run("categorize", first_weights.path, f"--images={folder}", "--output=plain.csv")
    sorted_ = run("categorize", first_weights.path, f"--images={folder}", "--output=a.csv",
                  "--decisions=d.json")
    assert (plain.returncode, sorted_.returncode, sorted_.stderr) == (0, 0, "")
    with open(tmp_path / "plain.csv", newline="") as before, open(tmp_path / "a.csv", newline="") as after:
        rows = list(zip(csv.DictReader(before), csv.DictReader(after)))
    assert len(rows) == 18
    for old, new in rows:
        category = "5" if old["code"] == "3" else old["code"]
        assert new == {"file": old["file"], "category": category, "probability": old["probability"],
                       "code": old["code"], "code_probability": old["probability"], "class": old["class"],
                       "name": f"code, \"{category}\"\n", "decision": "keep" if category == "5" else ""}
    (tmp_path / "d.json").write_text(json.dumps(decisions_of(page, run="0123")), encoding="utf-8")
    sentence = refused(run("categorize", first_weights.path, "--decisions=d.json", "--output=b.csv"))
    assert sentence.startswith("--decisions is 'd.json', which is of run '0123'; expected decisions of run '")
    assert not (tmp_path / "b.csv").exists()

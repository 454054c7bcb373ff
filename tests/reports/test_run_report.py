"""The report of a run, as a file."""

import html.parser
import json
import shlex

import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.reports import page
from eig_tf.reports.run_report import report_run, training_command


class Page(html.parser.HTMLParser):
    """What is in a page: tags with their attributes, texts by the id of their element, and addresses."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.data, self._in_data = [], "", False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._in_data = dict(attributes).get("id") == "data"

    def handle_data(self, data):
        if self._in_data:
            self.data += data

    def handle_endtag(self, tag):
        self._in_data = False


def test_names_break_neither_html_nor_json(report):
    directory, path = report
    found = Page(path)
    tags = [tag for tag, _ in found.tags]
    assert tags.count("script") == 2 and not {"b", "i", "img"} & set(tags)
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    data = json.loads(found.data)
    assert data["run"]["name"] == directory.path.name == 'a "run" <i>'
    assert data["map"]["classNames"] == ["<!--<script>", "<b>&'\"", "plain"]
    assert len(data["map"]["names"]) == len(data["map"]["x"]) == 18 == sum(data["counts"])
    for part in ("line\\nbreak.png", "\\udcfc\\udcdfe.png", "größe.png", "{{ 7 * 7 }}, x.png"):
        assert any(name.endswith(part) for name in data["map"]["names"])


def test_the_page_needs_nothing_else(report):
    addresses = [value for _, attributes in Page(report[1]).tags for name, value in attributes.items()
                 if name in ("src", "href", "srcset", "action", "data", "xlink:href")]
    assert addresses and all(address.startswith(("#", "data:")) for address in addresses)
    assert "http" not in report[1].read_text(encoding="utf-8").split('id="training"')[0]


def test_every_image_has_a_text_and_every_label_a_target(report):
    found = Page(report[1])
    for tag, attributes in found.tags:
        if (attributes.get("role") in ("img", "region", "application")
                or "thumb" in attributes.get("class", "")):
            assert attributes.get("aria-label"), (tag, attributes)
    ids = {attributes["id"] for _, attributes in found.tags if "id" in attributes}
    links = {attributes["href"][1:] for tag, attributes in found.tags
             if tag == "a" and attributes["href"] != "#"}
    assert links <= ids


def test_a_directory_without_a_run(tmp_path):
    with pytest.raises(UserError, match=r"is no run directory: it has no config\.json; expected one that"):
        report_run(tmp_path, tmp_path / "a.html")


@pytest.mark.slow
@pytest.mark.parametrize(("num_images", "num_categories"), [(2, 2), (9, 0)])
def test_two_images_and_a_run_without_categories(make_run, tmp_path, num_images, num_categories):
    (tmp_path / "images").mkdir()
    for number in range(num_images):
        Image.new("RGB", (28, 28), (9, 9, 9)).save(tmp_path / "images" / f"{number}.png")
    directory = make_run(tmp_path / "run", tmp_path / "images", 3, num_categories)
    directory.history.unlink()
    found, notes = report_run(directory.path, tmp_path / "a.html", cache_dir=tmp_path / "cache")
    nouns = f"{num_categories} categories" if num_categories else "3 codes"
    assert found == f"{num_images} images in {nouns}"
    assert f"{directory.history} is missing; its figure is left out" in notes
    data = json.loads(Page(tmp_path / "a.html").data)
    assert data["map"]["classes"] is None and data["map"]["x"] == [5000] * num_images


def test_an_earlier_report_stays_when_there_is_no_space(tmp_path, monkeypatch):
    (tmp_path / "a.html").write_text("of an earlier call")

    def fail(self, *arguments, **options):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("pathlib.Path.write_text", fail)
    with pytest.raises(OSError, match="No space"):
        page.write_page("sweep.html", tmp_path / "a.html", name="", found="", columns=[], rows=[], curves=[],
                        examples=[], runs=[], notes=[])
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    assert (tmp_path / "a.html").read_bytes() == b"of an earlier call"


def test_the_command_trains_the_same():
    config = config_lib.load_preset("folder", "cpu", "agglomerative_infogan")
    config.training.epochs, config.augment.flip, config.seed = 3, False, 7
    command = training_command(config, "/my images/it's")
    assert command.startswith("python -m eig_tf.train --dataset=folder --preset=cpu "
                              "--method=agglomerative_infogan ")
    assert set(shlex.split(command)[6:]) == {
        "--seed=7", "--config.training.epochs=3", "--config.augment.flip=False", "--data_dir=/my images/it's"}

"""The reports of a run and of a sweep in a real browser: what people do with them."""

import contextlib
import json
import time

import pytest

from eig_tf.reports.sweep_report import report_sweep

pytestmark = pytest.mark.slow
NAME = 'cars & "trucks" <b>\'s\\'


@pytest.fixture
def page(report, browser):
    """The browser with the report open, without decisions of an earlier test."""
    browser.get(report[1].as_uri())
    browser.execute_script("localStorage.clear()")
    browser.get_log("browser")
    browser.get(report[1].as_uri())
    return browser


def find(page, selector):
    return page.find_element("css selector", selector)


def texts(page, selector):
    return [element.text for element in page.find_elements("css selector", selector)]


def set_name(page, category, name):
    page.execute_script("const input = document.querySelector(`[data-rename='${arguments[0]}']`);"
                        "input.value = arguments[1]; input.dispatchEvent(new Event('change'))",
                        category, name)


def merge(page, category, into):
    page.execute_script("const select = document.querySelector(`[data-merge='${arguments[0]}']`);"
                        "select.value = arguments[1]; select.dispatchEvent(new Event('change'))",
                        category, into)


def test_it_loads_without_errors_and_runs_no_name(page):
    assert page.get_log("browser") == []
    assert page.execute_script("return document.images.length") == 0
    shown = page.execute_script(
        "const c = document.getElementById('canvas'); return Array.from("
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data).some(Boolean)")
    assert shown


def test_tables_are_sorted(page):
    header = find(page, "#category-table th:nth-child(1) button")
    page.execute_script("arguments[0].click()", header)
    assert texts(page, "#category-table tbody th") == ["category 0", "category 1", "category 2"]
    assert find(page, "#category-table th:nth-child(1)").get_attribute("aria-sort") == "ascending"
    page.execute_script("arguments[0].click()", header)
    assert texts(page, "#category-table tbody th") == ["category 2", "category 1", "category 0"]


def test_decisions_are_shown_kept_and_downloaded(page, report):
    counts = page.execute_script("return JSON.parse(document.getElementById('data').textContent).counts")
    set_name(page, 1, NAME)
    merge(page, 0, "1")
    page.execute_script("document.querySelector('#category-2 [data-mark=reject]').click()")
    for _ in range(2):  # The second time after the page was opened again.
        assert find(page, "#category-title-1 [data-name-of]").text == NAME
        cells = dict(zip(texts(page, "#category-table tbody th"),
                         texts(page, "#category-table td:nth-child(2)")))
        assert cells == {NAME: str(counts[0] + counts[1]), "category 0": "0", "category 2": str(counts[2])}
        assert find(page, "[data-decision-of='0']").text == f"merged into {NAME}"
        assert find(page, "#category-2 [data-mark=reject]").get_attribute("aria-pressed") == "true"
        page.get(report[1].as_uri())
    page.execute_script("document.getElementById('save').click()")
    path = page.downloads / "decisions.json"
    deadline = time.monotonic() + 20
    while not path.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["categories"] == [
        {"category": 0, "name": "", "merged_into": 1, "decision": None},
        {"category": 1, "name": NAME, "merged_into": None, "decision": None},
        {"category": 2, "name": "", "merged_into": None, "decision": "reject"}]
    from eig_tf.evaluation.decisions import load_decisions, run_identifier
    decisions = load_decisions(path, run_identifier(report[0], grouped=True), 2, 3)
    assert decisions.names[1] == NAME and decisions.merged_into.tolist() == [1, 1, 2]


def test_merges_do_not_form_chains(page):
    merge(page, 0, "1")
    merge(page, 1, "2")
    targets = [find(page, f"[data-merge='{category}']").get_property("value") for category in range(3)]
    assert targets == ["2", "2", ""]
    assert find(page, "[data-merge='2'] option[value='1']").get_property("disabled")


def test_the_map_and_the_images_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys
    canvas = find(page, "#canvas")
    page.execute_script("arguments[0].focus()", canvas)
    seen = set()
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_DOWN):
        seen.add(find(page, "#seen").text)
        canvas.send_keys(key)
    assert len(seen) > 1 and all("category" in text and "class" in text for text in seen)
    assert "data:image/webp" in find(page, "#hover .thumb").value_of_css_property("background-image")
    thumbs = page.find_elements("css selector", "#category-0 button.thumb, #category-1 button.thumb")
    page.execute_script("arguments[0].focus()", thumbs[0])
    thumbs[0].send_keys(Keys.ARROW_RIGHT)
    assert page.switch_to.active_element == thumbs[1]
    thumbs[1].send_keys(Keys.ENTER)
    assert find(page, "#detail-text").text == " ".join(thumbs[1].get_attribute("aria-label").split())
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert page.get_log("browser") == []


@contextlib.contextmanager
def phone(page, width):
    """Show the page as on a phone."""
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                         {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": True})
    try:
        page.refresh()
        yield
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def scrolls_to(page):
    return page.execute_script("return document.documentElement.scrollWidth")


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_does_not_scroll_sideways(page, width):
    with phone(page, width):
        set_name(page, 0, "name" * 30)
        assert scrolls_to(page) <= width


def test_the_report_of_a_sweep(browser, sweep, tmp_path):
    """No run's error is run as a script, tables are sorted by numbers, and pictures are there."""
    report_sweep(sweep.path, tmp_path / "report.html")
    browser.get_log("browser")
    browser.get((tmp_path / "report.html").as_uri())
    methods = "#comparison tbody th"
    assert texts(browser, methods) == ["uniform_infogan", "elastic_infogan"]
    nmi = find(browser, "#comparison th:nth-child(4) button")
    browser.execute_script("arguments[0].click()", nmi)
    browser.execute_script("arguments[0].click()", nmi)
    assert texts(browser, methods) == ["elastic_infogan", "uniform_infogan"]
    assert browser.execute_script("return [...document.images].every(image => image.naturalWidth > 0)")
    assert browser.execute_script("return document.images.length") == 5
    for width in (320, 390):
        with phone(browser, width):
            assert scrolls_to(browser) <= width
    assert browser.get_log("browser") == []

"""The page of the report: any browser shows it offline, wide or narrow, light, dark or printed."""

import hashlib
import json
import os
import re
import shutil
from base64 import b64encode
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from job.evaluation.report.wrong_sentences import OPEN, SHOWN
from job.sentence import Span
from tests.evaluation.test_report import ROWS, SCRIPT, TYPES, result, write


def test_the_page_loads_nothing(tmp_path):
    """No address but SVG's namespace, no source, no link but to its own sections, one script, which
    the page's policy knows by its hash."""
    write(tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "<svg" in page
    page = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    [script] = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    forbidden = r"https?:|\bsrc\s*=|@import|url\(|<link|<img|<iframe|\bon\w+\s*=|fetch|<script "
    assert re.findall(forbidden, page) == []
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert all(href.startswith("#") for href in re.findall(r'href\s*=\s*"?([^">]*)', page))


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium that resolves no host name and records every request and message."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        reason = "NOT CHECKED: the report in a browser; install chromium and chromium-driver"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


def open_page(browser, file: Path, *, width, scheme="light"):
    """Opens a page offline at a width in CSS pixels; returns the addresses it requested."""
    for command, values in {
        "Network.enable": {},
        "Network.emulateNetworkConditions": {
            "offline": True,
            "latency": 0,
            "downloadThroughput": 0,
            "uploadThroughput": 0,
        },
        "Emulation.setDeviceMetricsOverride": {
            "width": width,
            "height": 800,
            "deviceScaleFactor": 1,
            "mobile": width < 600,
        },
        "Emulation.setEmulatedMedia": {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]
        },
    }.items():
        browser.execute_cdp_cmd(command, values)
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(file.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def test_the_page_opens_offline_and_shows_what_was_marked(browser, tmp_path):
    """One request, its own; no message on the console; mentions exactly; scripts are inert."""
    title = f"Run </title>{SCRIPT}"
    types = (*TYPES, f"</style>{SCRIPT}")
    write(tmp_path, title=title, facts={SCRIPT: f'"{SCRIPT}'}, types=types)
    file = tmp_path / "index.html"
    assert open_page(browser, file, width=1200) == [file.as_uri()]
    assert browser.get_log("browser") == []
    assert browser.title == title  # had a script run, it would be "owned"
    assert browser.find_elements(By.CSS_SELECTOR, ".gold b, .predicted b") == []
    assert len(browser.find_elements(By.CSS_SELECTOR, "script")) == 1  # its own
    assert browser.execute_script(
        """const button = document.createElement('button');
        button.setAttribute('onclick', 'window.ran = true');
        button.click();
        return window.ran === undefined"""
    ), "the page's policy must forbid scripts that slipped through"

    plots = browser.find_elements(By.CSS_SELECTOR, "figure svg")
    assert len(plots) == 2
    for plot in plots:
        assert plot.size["width"] > 300
        assert plot.size["height"] > 150
        curves = plot.find_elements(By.CSS_SELECTOR, "path.line.reactive")
        assert [curve.size["width"] > 200 for curve in curves] == [True, True]

    marked = browser.execute_script(
        """return [...document.querySelectorAll('ol.worst li')].map(item =>
             ['gold', 'predicted'].map(side =>
               [...item.querySelectorAll('.' + side + ' mark')].map(mark =>
                 [mark.querySelector('.mention').textContent, mark.dataset.kind,
                  mark.querySelector('.mention').getBoundingClientRect().width > 5])))"""
    )
    in_order = {frozenset(map(tuple, gold)): gold for gold, _ in marked}
    assert len(in_order) == 4
    assert marked[0] == [  # the script's sentence: three wrong entities, as many as the next
        [["서울", "type", True]],
        [["<script>", "spurious", True], ["서울", "type", True]],
    ]
    assert marked[1] == [
        [["서울U+200B", "boundary", True], ["김철수", "missed", True]],
        [["서울", "boundary", True]],
    ]
    assert marked[2] == [[["가나다라", "missed", True]], [["가나다라", "spurious", True]]]
    assert marked[3] == [
        [["김환희", "correct", True], ["서울", "missed", True]],
        [["김환희", "correct", True]],
    ]
    items = browser.find_elements(By.CSS_SELECTOR, "ol.worst .gold")
    assert SCRIPT in items[0].text
    assert len(items[2].text) < SHOWN + 200
    assert "⋯ 39,960 characters ⋯" in items[2].text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(browser, tmp_path, scheme):
    """Nothing reaches beyond 400 pixels, however long a word; wide tables scroll by themselves."""
    long_type = "아주긴이름의개체유형" * 5
    text = "x" * 500
    rows = [*ROWS, (text, [Span(0, 300, long_type)], [Span(0, 300, "PER")])]
    many = [f"TYPE-{n}" for n in range(20)]
    types = (*TYPES, long_type, *many)
    facts = {"sha256 " + "y" * 90: "9f" * 100}
    write(tmp_path, results=[result("val", rows, types=types)], types=types, facts=facts)
    open_page(browser, tmp_path / "index.html", width=400, scheme=scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 400
    beyond = browser.execute_script(
        """return [...document.querySelectorAll('body *')].filter(element =>
             !element.closest('.scroll table') &&
             element.getBoundingClientRect().right > 400.5).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []
    for plot in browser.find_elements(By.CSS_SELECTOR, "figure svg"):
        assert plot.size["width"] > 250
    assert contrast(browser, "body") > 7
    assert contrast(browser, "mark.wrong small") > 4
    assert contrast(browser, "mark .mention") > 7


def contrast(browser, selector):
    """WCAG contrast of an element's colour against the nearest background, as painted."""
    return browser.execute_script(
        """const canvas = document.createElement('canvas').getContext('2d');
        const light = colour => {
          canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
          const rgb = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255);
          const line = rgb.map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
          return .2126 * line[0] + .7152 * line[1] + .0722 * line[2]; };
        const element = document.querySelector(arguments[0]);
        let behind = element;
        while (/, 0\\)$/.test(getComputedStyle(behind).backgroundColor)) {
          behind = behind.parentElement; }
        const both = [light(getComputedStyle(element).color),
                      light(getComputedStyle(behind).backgroundColor)].sort((a, b) => b - a);
        return (both[0] + .05) / (both[1] + .05);""",
        selector,
    )


TALL = 6000  # pixels


def test_the_opened_page_is_not_too_long(browser, tmp_path):
    """Two splits of 300 wrong, long sentences and a dozen types stay below TALL at 1280 pixels."""
    types = tuple(f"TYPE{n}" for n in range(12))
    text = "서울특별시에서 열린 국제 회의에 김환희 위원장이 참석하였다. " * 6
    rows = [
        (
            f"{n}번 {text}",
            [Span(at, at + 5, types[(n + at) % 12]) for at in range(5, 180, 33)],
            [Span(at, at + 4 + n % 2, types[(n + at) % 12]) for at in range(5, 180, 33)],
        )
        for n in range(300)
    ]
    results = [result(name, rows, types=types) for name in ("val", "test")]
    facts = {f"fact {n}": "value " * 5 for n in range(30)}
    seen = frozenset({("서울특별시", "TYPE0")})
    write(tmp_path, results=results, types=types, facts=facts, train_mentions=seen)
    open_page(browser, tmp_path / "index.html", width=1280)
    assert browser.execute_script("return document.documentElement.scrollHeight") <= TALL
    assert len(shown_sentences(browser)) >= OPEN


def shown_sentences(browser):
    """The sentences that are seen, as (types and kinds of their errors)."""
    return browser.execute_script(
        """return [...document.querySelectorAll('ol.worst > li')]
             .filter(item => item.checkVisibility()).map(item => item.dataset.errors)"""
    )


def test_the_sentences_are_filtered_by_type_and_kind_of_their_errors(browser, tmp_path):
    """Both of one error, the folded sentences too; without a choice it is as before."""
    per, loc, longer = Span(0, 2, "PER"), Span(0, 2, "LOC"), Span(0, 3, "LOC")
    kinds = [([per], []), ([loc], [longer]), ([], [loc]), ([loc], [per])]
    rows = [("서울에 갔다", gold, predicted) for gold, predicted in kinds for _ in range(5)]
    write(tmp_path, results=[result("val", rows)])
    open_page(browser, tmp_path / "index.html", width=1280)
    assert len(shown_sentences(browser)) == OPEN
    chosen = {
        ("", "missed"): ["missed:0"] * 5,
        ("1", ""): ["boundary:1"] * 5 + ["type:1 type:0"] * 5 + ["spurious:1"] * 5,
        ("1", "spurious"): ["spurious:1"] * 5,
        ("0", "boundary"): [],
        ("2", ""): [],
    }
    for (type_, kind), expected in chosen.items():
        assert choose(browser, type_, kind) == f"shown: {len(expected)}"
        assert shown_sentences(browser) == expected
    assert choose(browser, "", "") == ""
    assert len(shown_sentences(browser)) == OPEN
    assert browser.get_log("browser") == []


def choose(browser, type_, kind):
    """Chooses in both lists; returns what the form then says."""
    return browser.execute_script(
        """const form = document.querySelector('form.filter');
        form.elements.type.value = arguments[0]; form.elements.kind.value = arguments[1];
        form.dispatchEvent(new Event('change'));
        return form.querySelector('output').textContent""",
        type_,
        kind,
    )


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_word_of_a_sentence_is_broken(browser, tmp_path, width):
    """A marked name, its label and its particle stay on one line, as do a short name's words."""
    text = "그때 서울특별시에서는 국제축구연맹과 7월 18일부터 이야기하였다. "
    gold = [Span(3, 8, "LOC"), Span(12, 18, "ORG"), Span(20, 26, "DATE")]
    spans = [
        Span(span.start + n * len(text), span.end + n * len(text), span.type)
        for n in range(4)
        for span in gold
    ]
    types = ("LOC", "ORG", "DATE")
    write(tmp_path, results=[result("val", [(text * 4, spans, [])], types=types)], types=types)
    open_page(browser, tmp_path / "index.html", width=width)
    broken = browser.execute_script(
        """const side = document.querySelector('.gold'), broken = [];
        const walker = document.createTreeWalker(side, NodeFilter.SHOW_TEXT);
        let word = [];
        const close = () => {
          if (word.some(([, top]) => Math.abs(top - word[0][1]) > 8))
            broken.push(word.map(([letter]) => letter).join(''));
          word = []; };
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          const marked = node.parentElement.closest('mark');
          for (let i = 0; i < node.length; i++) {
            if (node.data[i] === ' ' && !marked) { close(); continue; }
            const range = document.createRange();
            range.setStart(node, i); range.setEnd(node, i + 1);
            word.push([node.data[i], range.getBoundingClientRect().bottom]); } }
        close();
        return broken"""
    )
    assert broken == []
    assert browser.execute_script("return document.querySelectorAll('.gold mark').length") == 12


def test_test_stands_before_val_which_unfolds_for_print(browser, tmp_path):
    """The first card and the first section are of the split on which nothing was chosen."""
    write(tmp_path, results=[result("val", ROWS), result("test", ROWS[:2])])
    open_page(browser, tmp_path / "index.html", width=1280)
    cards = browser.find_elements(By.CSS_SELECTOR, ".cards h2 .quiet")
    assert [card.text for card in cards] == ["Test", "Validation"]
    assert browser.find_element(By.CSS_SELECTOR, "#split-1 h2").text.startswith("Test")
    folded = browser.find_element(By.CSS_SELECTOR, "details.split .types")
    assert not folded.is_displayed()
    assert browser.execute_script("dispatchEvent(new Event('beforeprint'))") is None
    assert folded.is_displayed()
    assert browser.execute_script("dispatchEvent(new Event('afterprint'))") is None
    assert not folded.is_displayed()

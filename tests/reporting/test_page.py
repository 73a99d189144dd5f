"""One page: whole in itself, nothing in it that is not escaped, and it renders in a browser."""

import html
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from optistruct import StructureStudy, load_study
from optistruct.exceptions import ArgumentError
from optistruct.objectives import InferenceTime, ParameterCount, Score
from optistruct.reporting import to_html

BY_THREE = (Score("accuracy", at_least=0.5), ParameterCount(at_most=5000), InferenceTime())
POINTS = [(0.80, 10.0, 9.0), (0.95, 1000.0, 4.0), (0.79, 100.0, 40.0), (0.94, 100.0, 20.0)]
FAILURES = ["ValueError: depth <3> & more", "ValueError: depth <3> & more"]
EVIL = "<b>churn</b></script><script>throw Error('escaped')</script>"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
    "--dump-dom",
)


class Parts(HTMLParser):
    """Collects what a page would load, and its text outside of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.in_code = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.in_code = tag in ("script", "style")
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        self.in_code = False

    def handle_data(self, data: str) -> None:
        if not self.in_code:
            self.text += data


@pytest.fixture
def page(study_of: Callable[..., StructureStudy], tmp_path: Path) -> Parts:
    path = to_html(study_of(BY_THREE, [*POINTS, *FAILURES]), tmp_path / "page.html")
    assert path == tmp_path / "page.html"
    return Parts(path.read_text(encoding="utf-8"))


class TestPage:
    def test_loads_nothing(self, page: Parts) -> None:
        assert [load for load in page.loads if not load.startswith("data:")] == []
        assert "iframe" not in page.tags
        assert "img" not in page.tags

    def test_is_the_same_every_time(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        study = study_of(BY_THREE, POINTS)
        one, other = (to_html(study, tmp_path / f"{name}.html") for name in "ab")
        assert one.read_bytes() == other.read_bytes()

    def test_imports_nothing_in_its_style(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        whole = to_html(study_of(BY_THREE, POINTS), tmp_path / "p.html").read_text()
        head = whole[: whole.index("</head>")]
        assert not re.search(r"https?://|@import|url\(", head)

    def test_the_front_is_in_the_table(self, page: Parts) -> None:
        assert page.tags.count("tr") == 1 + 3  # a head, and three on the front
        for part in ("inference_time (us)", "0.950 ± 0.055", "1,000 ± 58", "max_depth=4"):
            assert part in page.text
        assert "max_depth=3" not in page.text  # dominated

    def test_the_facts(self, page: Parts) -> None:
        for part in (
            "3 structures on the front of 6 trials (2 failed)",
            "maximize accuracy, at least 0.5",
            "minimize parameters, at most 5,000",
            "binary: 90 rows, 4 columns, 2 classes",
            "smsego, seed 0",
            "2 x ValueError: depth <3> & more",
            "optuna 5",
        ):
            assert part in page.text

    def test_of_many_reasons_the_most_frequent_are_named(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        reasons = [f"reason {number}" for number in (1, 2, 2, 3, 4, 5, 6, 7)]
        path = to_html(study_of(BY_THREE, [*POINTS, *reasons]), tmp_path / "p.html")
        text = Parts(path.read_text(encoding="utf-8")).text
        assert "2 x reason 2; 1 x reason 1; " in text
        assert text.count("x reason") == 5
        assert "; 2 more" in text

    def test_names_are_escaped(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        by = (Score("accuracy", label="<i>acc</i>"), ParameterCount())
        study = study_of(by, [(0.9, 5.0), "<u>broken</u>"], name=EVIL)
        whole = to_html(study, tmp_path / "p.html").read_text()
        parts = Parts(whole)
        assert not {"b", "i", "u"} & set(parts.tags)
        assert f"<title>{html.escape(EVIL)}</title>" in whole
        assert "<script>throw" not in whole
        assert "<i>acc" not in whole[whole.index("<h2>The front</h2>") :]
        assert "<i>acc</i>" in parts.text
        assert "<u>broken</u>" in parts.text

    def test_replaces_a_page_that_is_there(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        path = tmp_path / "page.html"
        path.write_text("<!DOCTYPE html>old")
        to_html(study_of(BY_THREE, POINTS), str(path))
        assert path.read_text().startswith("<!doctype html>")
        assert "old" not in path.read_text()[:20]

    def test_of_one_objective_has_no_figure(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        parts = Parts(
            to_html(study_of([Score("accuracy")], [(0.9,)]), tmp_path / "p.html").read_text()
        )
        assert "script" not in parts.tags
        assert "0.900 ± 0.052" in parts.text

    def test_of_a_study_without_trials(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        parts = Parts(to_html(study_of(BY_THREE, []), tmp_path / "p.html").read_text())
        assert "0 structures on the front of 0 trials" in parts.text

    def test_from_the_database_alone(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        def local(trial: Any) -> Any:
            from sklearn.tree import DecisionTreeClassifier

            return DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 9))

        url = f"sqlite:///{tmp_path}/studies.db"
        study_of(BY_THREE, POINTS, name="t", space=local, storage=url)
        text = Parts(to_html(load_study("t", url), tmp_path / "p.html").read_text()).text
        assert "0.950 ± 0.055" in text

    def test_that_cannot_be_written(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path
    ) -> None:
        with pytest.raises(
            ArgumentError, match=r"the page .*nowhere.p\.html cannot be written: No such file"
        ):
            to_html(study_of(BY_THREE, POINTS), tmp_path / "nowhere" / "p.html")
        with pytest.raises(ArgumentError, match="cannot be written: Is a directory"):
            to_html(study_of(BY_THREE, POINTS), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed to render the page")
class TestInABrowser:
    @pytest.mark.parametrize("name", ["points", EVIL], ids=["plain", "evil name"])
    def test_renders(
        self, study_of: Callable[..., StructureStudy], tmp_path: Path, name: str
    ) -> None:
        by = (Score("accuracy", label="acc<i>uracy</i>"), ParameterCount(at_most=5000))
        study = study_of(by, [point[:2] for point in POINTS], name=name)
        dom, errors = rendered(to_html(study, tmp_path / "page.html"), tmp_path / "profile")
        assert "main-svg" in dom
        assert dom.count('class="point"') >= len(POINTS)
        assert "CONSOLE" not in errors, errors

    def test_errors_would_be_seen(self, tmp_path: Path) -> None:
        page = tmp_path / "page.html"
        page.write_text("<!doctype html><p>x</p><script>throw Error('boom')</script>")
        dom, errors = rendered(page, tmp_path / "profile")
        assert "main-svg" not in dom
        assert "CONSOLE" in errors
        assert "boom" in errors


def rendered(page: Path, profile: Path) -> tuple[str, str]:
    """Open a page in a headless browser: its document when it has run, and what was logged."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def test_replaces_a_page_and_nothing_else(
    study_of: Callable[..., StructureStudy], tmp_path: Path
) -> None:
    study = study_of(BY_THREE, POINTS)
    page, database = tmp_path / "p.html", tmp_path / "studies.db"
    assert to_html(study, to_html(study, page)) == page
    database.write_bytes(b"SQLite format 3")
    with pytest.raises(ArgumentError, match=r"studies\.db is there and is no HTML page"):
        to_html(study, database)
    assert database.read_bytes() == b"SQLite format 3"

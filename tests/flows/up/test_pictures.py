"""The pictures of the documentation: a real browser, pages of our own, and the pages of what is up."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.up.pictures import make as making
from flows.up.pictures.chromium import NAMES, BrowserError, Chromium
from flows.up.pictures.make import FOLDER, LARGEST, make, small
from flows.up.pictures.pages import PicturedPage, pages
from flows.up.state import PartState, UpState
from switchyard.errors import UsageError
from switchyard.home import Home

needs_chromium = pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="no Chromium is on the PATH")
DRAWN_S = 60.0
PAGE = """<html><body style="margin:0"><h1>Waits</h1><button onclick="
  document.querySelector('h1').innerText = 'Pressed by ' + localStorage.getItem('who');
  setTimeout(() => document.body.style.background = '#f00', 500)">Press me</button>
  <script>setTimeout(() => document.body.append('Drawn late'), 1000)</script></body></html>"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "page.html").write_text(PAGE)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as started:
        yield started


def share_of_commonest(png: bytes) -> float:
    """Share of a picture's pixels that have its commonest colour: 1 for a blank one."""
    with Image.open(io.BytesIO(png)) as picture:
        colours = picture.convert("RGB").getcolors(maxcolors=2**24)
    assert colours is not None
    return max(count for count, _ in colours) / sum(count for count, _ in colours)


@needs_chromium
def test_take__page_that_draws_late__waited_for_clicked_and_small(
    browser: Chromium, url: str, tmp_path: Path
) -> None:
    shown = PicturedPage(
        "one", f"{url}/page.html", ("Drawn late", "Pressed by me"), ("Press me",), {"who": "me"}, height=300
    )
    path = making.take(browser, shown, tmp_path)
    content = path.read_bytes()
    with Image.open(path) as picture:
        assert picture.size == (making.WIDTH, 300)
        assert picture.mode == "P"
        assert picture.convert("RGB").getpixel((1200, 290)) == (255, 0, 0)
    assert 0.5 < share_of_commonest(content) < 0.999


@needs_chromium
def test_wait_drawn__text_that_never_comes__error_names_it(browser: Chromium, url: str) -> None:
    page = browser.page(width=300, height=200)
    page.open(f"{url}/page.html")
    with pytest.raises(BrowserError, match=r"page.html was not drawn after 2 s: it lacks 'Never'"):
        page.wait_drawn(["Never", "Waits"], timeout_s=2.0)


@needs_chromium
def test_open__address_of_another_machine__not_reached(browser: Chromium) -> None:
    page = browser.page(width=300, height=200)
    page.open("http://switchyard.invalid/")
    page.wait_drawn(["ERR_NAME_NOT_RESOLVED"], timeout_s=DRAWN_S)


def test_make__no_browser__error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserError, match="no Chromium") as caught:
        make(Home(tmp_path / "home"), tmp_path)
    assert "apt-get install chromium" in str(caught.value.remedy)


@needs_chromium
def test_make__home_without_a_run__refused_and_nothing_started(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing has been run"):
        make(Home(tmp_path / "home"), tmp_path)
    assert not (tmp_path / "home").exists()


def test_pages__prefect_does_not_answer__error() -> None:
    state = UpState(1, "", True, (PartState("mlflow", "http://127.0.0.1:1", "answers"),))
    with pytest.raises(Exception, match="Prefect or MLflow does not answer"):
        pages(state)


def test_small__many_colours__fewer_and_the_same_size() -> None:
    noisy = Image.effect_noise((200, 100), 80).convert("RGB")
    into = io.BytesIO()
    noisy.save(into, "PNG")
    with Image.open(io.BytesIO(small(into.getvalue()))) as picture:
        assert picture.size == (200, 100)
        assert len(picture.getcolors() or ()) <= making.COLOURS


def test_pictures_of_the_documentation__drawn_and_of_modest_size() -> None:
    named = sorted(FOLDER.glob("*.png"))
    assert named
    for path in named:
        content = path.read_bytes()
        assert len(content) <= LARGEST, path
        assert share_of_commonest(content) < 0.93, f"{path} is blank"
        with Image.open(path) as picture:
            assert len(picture.getcolors() or ()) > 8, path


@pytest.mark.slow
@pytest.mark.timeout(1800)
@needs_chromium
def test_make__finished_home__every_page_drawn_and_nothing_left_up(finished: Any, tmp_path: Path) -> None:
    home = finished.job.home
    made = make(home, tmp_path)
    assert {path.stem for path in made} == {path.stem for path in FOLDER.glob("*.png")}
    assert all(share_of_commonest(path.read_bytes()) < 0.93 for path in made)
    assert not making.read_state(home)

"""Takes the documentation's pictures: `python -m flows.up.pictures.make [--home HOME] [--into FOLDER]`.

Starts everything on a home that has been run, as `switchyard up --detach` does, unless it is up already;
opens the pages in Chromium without a window; stops what it started.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.up.command import detach, down
from flows.up.pictures.chromium import Chromium, find_chromium
from flows.up.pictures.pages import WIDTH, PicturedPage, pages
from flows.up.state import UpState, read_state
from switchyard import telemetry
from switchyard.errors import SwitchyardError, UsageError
from switchyard.files import write_bytes_atomic
from switchyard.home import Home
from switchyard.settings import get_settings

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
DRAWN_S = 180.0
COLOURS = 64
LARGEST = 150_000
"""Bytes of a picture."""


def make(home: Home, folder: Path) -> tuple[Path, ...]:
    """Take every picture and return the files.

    Args:
        home: A home in which `switchyard run` has finished.
        folder: Where the pictures go.

    Raises:
        UsageError: Nothing has been run in the home.
        SwitchyardError: There is no browser, a part does not come up, or a page is not drawn in time.
    """
    find_chromium()
    if not home.mlflow_db.exists():
        raise UsageError(f"nothing has been run in {home.root}", "switchyard run, or name another home")
    with is_up(home) as state, Chromium() as browser:
        return tuple(take(browser, one, folder) for one in pages(state))


@contextmanager
def is_up(home: Home) -> Iterator[UpState]:
    """Everything up on the home; what was up before stays up."""
    state = read_state(home)
    if state is not None:
        yield state
        return
    try:
        yield detach(home, {})
    finally:
        down(home)


def take(browser: Chromium, shown: PicturedPage, folder: Path) -> Path:
    """Open a page, wait until it is drawn, write its picture.

    Raises:
        SwitchyardError: It was not drawn in time, or the picture is too large.
    """
    page = browser.page(width=WIDTH, height=shown.height, storage=shown.storage)
    page.open(shown.url)
    for said in shown.clicks:
        page.click(said, timeout_s=DRAWN_S)
    page.wait_drawn(shown.texts, timeout_s=DRAWN_S)
    content = small(page.picture())
    page.close()
    if len(content) > LARGEST:
        raise SwitchyardError(
            f"{shown.name}: {len(content):,} bytes", f"at most {LARGEST:,} go into the docs"
        )
    path = folder / f"{shown.name}.png"
    write_bytes_atomic(path, content)
    sys.stdout.write(f"{path} {len(content) / 1000:.0f} kB\n")
    return path


def small(png: bytes) -> bytes:
    """The same picture with a palette of its own."""
    from PIL import Image

    into = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        palette = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        palette.save(into, "PNG", optimize=True)
    return into.getvalue()


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m flows.up.pictures.make", description=make.__doc__)
    parser.add_argument("--home", type=Path, help="a home that has been run; that of the settings by default")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder of the pictures")
    given = parser.parse_args(arguments)
    telemetry.switch_off()
    try:
        make(get_settings().folders if given.home is None else Home(given.home), given.into)
    except SwitchyardError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

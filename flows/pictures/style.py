"""One look for all charts: colours that colour-blind readers can tell apart, and SVG that stands alone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# M. Okabe and K. Ito, "Color Universal Design" (2008).
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
SKY, AMBER, PINK, GREY, INK = "#56B4E9", "#E69F00", "#CC79A7", "#8A8F98", "#22272E"
PHASE_COLOURS = (BLUE, ORANGE, GREEN)
SERIES = (BLUE, ORANGE, GREEN, SKY, AMBER, PINK, GREY, INK)
TRUTH, SHADE = INK, "#FAF1D0"

WIDTH_IN = 10.6
ABBREVIATIONS = {"vt": "VT", "ct": "CT", "agc": "AGC"}

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": "#9AA0A8",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E8EB",
    "grid.linewidth": 0.7,
    "xtick.color": "#4A5058",
    "ytick.color": "#4A5058",
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.3,
    "path.simplify": True,
}

# What the drawing library says about itself; nothing of it belongs into a page.
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_IDENTIFIED_GROUP = re.compile(r'<g id="[^"]*"')
# Fonts that are on every desk; the library's own name would leave the choice to the browser.
_FONT = "-apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif"
_NAMED_FONT = re.compile(r"(font: [^;\"]*?px) [^;\"]*")


@contextmanager
def chart(name: str, height_in: float, width_in: float = WIDTH_IN) -> Iterator[Chart]:
    """An empty figure in the pages' look; `name` keeps its identifiers apart from those of other charts."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Empty

    settings: Any = {**_SETTINGS, "svg.hashsalt": name}
    with rc_context(settings):
        figure = Empty(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasSVG(figure)
        yield Chart(figure)


class Chart:
    """A figure that becomes SVG to be put into a page.

    Attributes:
        figure: The figure.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def svg(self, described: str) -> str:
        """The figure as one `<svg>` element, described for readers that cannot see it."""
        out = io.StringIO()
        self.figure.savefig(out, format="svg", metadata=_NO_METADATA)
        text = out.getvalue()
        text = text[text.index("<svg") :]
        text = _IDENTIFIED_GROUP.sub("<g", text)
        text = _NAMED_FONT.sub(lambda found: f"{found[1]} {_FONT}", text)
        return text.replace("<svg", f'<svg role="img" aria-label="{escape(described)}"', 1).strip()


def escape(text: object) -> str:
    """Text that may stand in an element or an attribute; what XML cannot hold is left out."""
    plain = "".join(character for character in str(text) if character.isprintable() or character in "\n\t")
    for sign, named in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        plain = plain.replace(sign, named)
    return plain


def words(name: str) -> str:
    """A name of a table as words: `open_conductor` becomes `open conductor`."""
    return " ".join(ABBREVIATIONS.get(part, part) for part in name.split("_"))

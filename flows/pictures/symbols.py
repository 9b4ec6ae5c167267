"""Symbols of a single-line diagram (IEC 60617, simplified), as pieces of SVG."""

from __future__ import annotations

from collections.abc import Sequence

from flows.pictures.style import GREY, INK, escape


def line(points: Sequence[tuple[float, float]], colour: str, width: float = 2.4, dash: str = "") -> str:
    """A line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def breaker(x: float, y: float, colour: str, *, closed: bool = True) -> str:
    """A circuit breaker: a square, filled where it is closed."""
    fill = colour if closed else "#FFFFFF"
    return (
        f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="{fill}" '
        f'stroke="{colour}" stroke-width="1.6"/>'
    )


def transformer(x: float, y: float, upper: str, lower: str, *, tertiary: bool) -> str:
    """Two circles one below the other, the upper's centre at (x, y); a third beside them for a tertiary."""
    rings = [(x, y, upper), (x, y + 21.0, lower)]
    if tertiary:
        rings.append((x - 17.0, y + 10.5, GREY))
    return "".join(
        f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="14" fill="none" stroke="{colour}" stroke-width="2.4"/>'
        for cx, cy, colour in rings
    )


def arrow(x: float, y: float, colour: str) -> str:
    """An arrow head that points down at (x, y): a feeder's load."""
    return (
        f'<path d="M{x - 7:.1f} {y - 12:.1f} L{x + 7:.1f} {y - 12:.1f} L{x:.1f} {y:.1f} Z" fill="{colour}"/>'
    )


def grid(x: float, y: float, colour: str) -> str:
    """A hatched square above (x, y): the grid's equivalent."""
    hatch = "".join(
        line([(x - 13 + a, y - 26 + b), (x - 13 + c, y - 26 + d)], colour, 1.0)
        for a, b, c, d in ((0, 13, 13, 0), (0, 26, 26, 0), (13, 26, 26, 13))
    )
    return (
        f'<rect x="{x - 13:.1f}" y="{y - 26:.1f}" width="26" height="26" fill="#FFFFFF" stroke="{colour}" '
        f'stroke-width="1.6"/>{hatch}'
    )


def capacitor(x: float, y: float, *, in_service: bool) -> str:
    """Two plates to earth below (x, y); grey and dashed where no step is in."""
    colour, dash = (INK, "") if in_service else (GREY, "3 3")
    return (
        line([(x, y), (x, y + 16)], colour, 1.8, dash)
        + line([(x - 12, y + 16), (x + 12, y + 16)], colour)
        + line([(x - 12, y + 23), (x + 12, y + 23)], colour)
        + earth(x, y + 23, colour)
    )


def reactor(x: float, y: float) -> str:
    """A coil to earth below (x, y)."""
    coil = "".join("a4.5 4.5 0 0 1 0 9 " for _ in range(3))
    return f'<path d="M{x:.1f} {y:.1f} {coil}" fill="none" stroke="{INK}" stroke-width="1.8"/>' + earth(
        x, y + 27, INK
    )


def zigzag(x: float, y: float) -> str:
    """An earthing transformer below (x, y)."""
    points = [(x, y), (x - 7, y + 7), (x + 7, y + 14), (x - 7, y + 21), (x, y + 27)]
    return line(points, INK, 1.8) + earth(x, y + 27, INK)


def earth(x: float, y: float, colour: str) -> str:
    """The sign of earth below (x, y)."""
    return line([(x, y), (x, y + 8)], colour, 1.8) + "".join(
        line([(x - half, y + 8 + 4 * at), (x + half, y + 8 + 4 * at)], colour, 1.6)
        for at, half in enumerate((9.0, 5.5, 2.0))
    )


def texts(
    x: float,
    y: float,
    lines: Sequence[str],
    *,
    anchor: str = "middle",
    size: float = 11.0,
    step: float = 14.0,
) -> str:
    """Lines of text; the first stands out."""
    first, others = f'fill="{INK}" font-weight="600"', 'fill="#4A5058"'
    return "".join(
        f'<text x="{x:.1f}" y="{y + step * at:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f"{others if at else first}>{escape(text)}</text>"
        for at, text in enumerate(lines)
        if text
    )


def group(hover: Sequence[str], body: str, data: str = "") -> str:
    """Pieces that belong together, with what a browser shows where the pointer rests on them."""
    return f"<g{data}><title>{escape(chr(10).join(text for text in hover if text))}</title>{body}</g>"

"""A section of a page: a title that says what to see, a sentence, and the picture."""

from __future__ import annotations

from dataclasses import dataclass

from flows.pictures.style import escape


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    Attributes:
        name: Its anchor in the page.
        short: Its name in the list at the top.
        title: What to see.
        lead: Where it comes from and how to read it; plain text.
        body: The picture: well-formed HTML.
    """

    name: str
    short: str
    title: str
    lead: str
    body: str

    def html(self) -> str:
        """The section as an HTML element."""
        return (
            f'<section id="{escape(self.name)}"><h2>{escape(self.title)}</h2>'
            f'<p class="lead">{escape(self.lead)}</p>{self.body}</section>'
        )


def picture(svg: str, caption: str = "") -> str:
    """A figure with a caption of plain text."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{svg}{below}</figure>"


def table(columns: list[str], rows: list[list[str]], numeric_from: int = 1) -> str:
    """A table of plain text; columns from `numeric_from` on are set flush right."""

    def cells(tag: str, values: list[str]) -> str:
        return "".join(
            f'<{tag} class="{"number" if at >= numeric_from else "name"}">{escape(value)}</{tag}>'
            for at, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', columns)}</tr></thead><tbody>{body}</tbody></table>"

from dataclasses import replace

import pytest

from studies.validation.case import Case
from studies.validation.page import PAGE, cases, page


@pytest.fixture(scope="module")
def found() -> list[Case]:
    return cases()


def test_cases__all_figures__are_within_tolerance(found: list[Case]) -> None:
    outside = [(case.title, figure) for case in found for figure in case.figures if not figure.passes]

    assert outside == []
    assert sum(len(case.figures) for case in found) > 100


def test_page__on_disk__is_the_calculated_one(found: list[Case]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(found), "make validate"


def test_figure__not_a_number_or_beyond__does_not_pass(found: list[Case]) -> None:
    figure = found[0].figures[0]

    assert not replace(figure, ours=float("nan")).passes
    assert not replace(figure, ours=figure.published + 1.01 * figure.tolerance).passes
    case = replace(found[0], figures=[replace(figure, ours=figure.published + 1.0)])
    assert "**outside**" in page([case])

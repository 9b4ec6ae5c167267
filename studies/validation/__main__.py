"""Write `docs/validation.md`, or with `--check` compare it."""

from __future__ import annotations

import sys

from studies.validation.page import PAGE, cases, page
from switchyard.pages import write_or_check


def main(arguments: list[str]) -> int:
    """Calculate all cases and write or check the page.

    Returns:
        0, 1 if the page on disk is not the generated one, or 2 for other arguments.
    """
    return write_or_check(arguments, PAGE, page(cases()), "python -m studies.validation")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

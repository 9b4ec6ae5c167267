"""`python -m benchmarks.outbound_fields`: writes `docs/federation_fields.md`; `--check` only compares it.

The page lists every field that a site may send, of every federated model, from what the gate expects of
federations of made-up rows. Lengths that follow from the rows are left open there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from federation.family import Expected
from federation.message import State
from federation.plans import PLANS, plan

PAGE = Path(__file__).parents[1] / "docs" / "federation_fields.md"
ROWS, SITES = 400, ("delhi", "mumbai")
BOUND_N = 1000

INTRODUCTION = """# Outbound fields

Written by `python -m benchmarks.outbound_fields` from what the gate expects; a test compares the two. Every
update also has a header with `n`, the rows that entered, and the envelope: run, model, family, round, nonce,
site and a digest of what both sides must agree on. Nothing else leaves a site: a message with another field
is refused, and so is one of more than 64 MiB, as sent or unpacked.

`*` is a length that follows from the rows; the gate limits it to as many cells, nodes or bins as there are.
*Values* is the range that the gate allows, with n the rows that the update counts. What has left in truth,
with sites and bytes, is listed by `switchyard federation fields`.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page, or say by the exit status whether it is as it should be."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.outbound_fields", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    given = parser.parse_args(arguments)
    made = page()
    if not given.check:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        sys.exit(f"{PAGE} is not what the gate expects: run python -m benchmarks.outbound_fields")


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(section(model) for model in sorted(PLANS))])


def section(model: str) -> str:
    """One model's table."""
    from benchmarks.federation_attacks.made_up import first_of_each_phase, site_rows

    learner = plan(model)
    data = {site: site_rows(model, ROWS, seed) for seed, site in enumerate(SITES)}
    lines = [f"## {model}", "", f"Family `{learner.family.name}`.", ""]
    lines += ["| round | field | type | shape | values | what it is |", "|---|---|---|---|---|---|"]
    for phase, state in first_of_each_phase(model, data).items():
        for row in _rows(model, phase, state):
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join([*lines, ""])


def _rows(model: str, phase: str, state: State) -> list[tuple[str, ...]]:
    from federation.inventory import meaning

    family = plan(model).family
    small, large = (family.expects(state, SITES[0], n) for n in (BOUND_N, 2 * BOUND_N))
    return [
        (
            phase,
            f"`{name}`",
            f"`{rule.dtype}`",
            _shape(rule),
            _values(name, rule, large[name]),
            meaning(model, family.name, phase, name),
        )
        for name, rule in small.items()
    ]


def _shape(rule: Expected) -> str:
    lengths = ", ".join("*" if length is None else str(length) for length in rule.shape)
    return f"[{lengths}]"


def _values(name: str, small: Expected, large: Expected) -> str:
    from benchmarks.federation_attacks.poisons import PLACES

    if name in PLACES:
        return "of the state"
    ends = [_end(one, other) for one, other in ((small.low, large.low), (small.high, large.high))]
    text = f"{ends[0]} to {ends[1]}"
    if small.total is not None and large.total is not None:
        text += f", together at most {_end(small.total, large.total)}"
    return text


def _end(small: float, large: float) -> str:
    """A bound in terms of n, from its values at `BOUND_N` and twice as many rows."""
    if small == large:
        return f"{small:g}"
    if large == 2.0 * small:
        factor = small / BOUND_N
        return "n" if factor == 1.0 else f"{factor:g} n"
    return "grows with n"


if __name__ == "__main__":
    main()

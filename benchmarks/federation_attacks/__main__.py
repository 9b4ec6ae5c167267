"""`python -m benchmarks.federation_attacks --home <home>`: what federations withstand, tell and pass on.

The home's simulated data are read and left as they are; all sites run in this process. `--models` chooses,
`--parts` too:

- `poison`: one site sends what it should not, in every round. Of each kind of poison: the gate's rule that
  refused it, the figure of the model that the federation ends with, and the figure where nothing is checked.
  Of what the gate lets in: what the control centre's own rows said, and the figure of the model that came of
  it. Beside them stand the figures without poison and without the site.
- `membership`: how well the control centre can tell from a network's weights which rows the sites trained on.
  Of networks of dense layers without sums around them; half of each site's training episodes train.
- `rare_event`: ways to fail that one site alone, `--knows`, has seen. Of each: how many of the lives that
  failed so at another site are recognised by its own model, by the federation of all that have not seen it,
  and by that of all.

The last line of standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.processes import ONE_THREAD

NETWORKS = ("reactive_power",)
PARTS = ("poison", "membership", "rare_event")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are asked for and print the JSON line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.federation_attacks", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--home", type=Path, required=True, help="a home with the profile's simulated data")
    parser.add_argument("--profile", default="quick", help="tiny, quick, full, or the path of a YAML file")
    parser.add_argument(
        "--models", default="", help="names with commas between; all that are federated without"
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--poisoned", default="", help="the poisoned site; the first by name without")
    parser.add_argument("--knows", default="", help="the site of the rare event; the first by name without")
    parser.add_argument("--rows", type=int, default=4000, help="rows that a site learns from at most")
    given = parser.parse_args(arguments)
    parts = [name.strip() for name in given.parts.split(",")]
    if strangers := sorted(set(parts) - set(PARTS)):
        parser.error(f"parts {', '.join(strangers)} are unknown, choose among {', '.join(PARTS)}")
    # Read by numpy when it is imported.
    os.environ.update(ONE_THREAD)
    result: dict[str, Any] = {"profile": given.profile, "rows": given.rows}
    with TemporaryDirectory() as scratch:
        if "poison" in parts:
            result["poison"] = _poison(given, Path(scratch))
    if "membership" in parts:
        result["membership"] = _membership(given)
    if "rare_event" in parts:
        result["rare_event"] = _rare_event(given)
    print(json.dumps(result, allow_nan=False, sort_keys=True))


def _poison(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    from benchmarks.federation_attacks import campaign, damage
    from federation.plans import PLANS
    from switchyard.log import configure

    configure("ERROR")
    found = {}
    for model in _chosen(given) or list(PLANS):
        attacked = campaign.of_home(given.home.absolute(), given.profile, model, given.rows)
        poisoned = given.poisoned or attacked.sites[0]
        found[model] = damage.measure(attacked, poisoned, scratch / model)
        _say(f"{model}: clean {found[model]['clean']}, without {poisoned} {found[model]['without']}")
        _say(f"  honest: {'; then '.join(found[model]['honest']['veto'])}")
        for name, one in found[model]["poisons"].items():
            _say(f"  {name}: refused by {one['refused']}, {one['gated']}; unchecked {one['ungated']}")
            if "veto" in one:
                _say(f"    with veto {one['settled']}: {'; then '.join(one['veto'])}")
    return found


def _membership(given: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.federation_attacks import campaign, membership
    from switchyard.log import configure

    configure("ERROR")
    found = {}
    for model in _chosen(given) or list(NETWORKS):
        if model in NETWORKS:
            whole = campaign.of_home(given.home.absolute(), given.profile, model, given.rows)
            rows = campaign.rows_of(given.home.absolute(), given.profile, model)
            found[model] = membership.measure(*membership.halves(whole, rows))
            _say(f"{model}: {found[model]['attacks']}")
    return found


def _rare_event(given: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.federation_attacks import campaign
    from benchmarks.federation_attacks.rare_event import MODEL, PATTERNS, RareEvent, measure
    from switchyard.log import configure

    configure("ERROR")
    rows = campaign.rows_of(given.home.absolute(), given.profile, MODEL)
    found = {}
    for name, pattern in PATTERNS.items():
        with TemporaryDirectory() as scratch:
            found[name] = measure(RareEvent(rows, pattern, given.knows or min(rows)), Path(scratch))
        _say(f"{name}: {found[name]}")
    return found


def _chosen(given: argparse.Namespace) -> list[str]:
    return [name.strip() for name in given.models.split(",") if name.strip()]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

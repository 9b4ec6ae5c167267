"""Who differs and who gains, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from federation.comparison import FederationRow, SiteFigures
from federation.drift import InputDrift
from federation.judgement import HELD, REFUSED, Judgement
from federation.result import FederationResult

SHOWN = 5
ALIKE = 0.01
"""Share of the other figure below which two are called the same."""
CLOSE, APART = 0.25, 1.0
"""Standard deviations of all rows below which sites are alike, and above which they are far apart."""


def differences(result: FederationResult) -> list[str]:
    """How far apart the substations' inputs lie: a sentence, then the inputs that differ most."""
    if not result.drift:
        return ["Its rounds tell no means and spreads by input: how far the sites lie apart is not known."]
    first = result.drift[0]
    distance, site = first.largest
    told = (
        f"Inputs of the substations are {_how_far(distance)}: most unlike all rows together is {site} in "
        f"`{first.input}`, whose mean lies {_shift(first.shift[site])} and which varies "
        f"{first.spread[site]:.2f} times as much."
    )
    others = [_listed(one) for one in result.drift[1:SHOWN]]
    return [told, "", "Distances in the inputs that come next:", "", *others] if others else [told]


def _listed(one: InputDrift) -> str:
    each = ", ".join(f"{site} {distance:.2f}" for site, distance in one.distance.items())
    return f"- `{one.input}`: {each}"


def _how_far(distance: float) -> str:
    if distance < CLOSE:
        return f"much alike (at most {distance:.2f} standard deviations apart)"
    if distance > APART:
        return f"far apart (up to {distance:.2f} standard deviations)"
    return f"somewhat apart (up to {distance:.2f} standard deviations)"


def _shift(shift: float) -> str:
    side = "above" if shift > 0 else "below"
    return f"{abs(shift):.2f} standard deviations {side} theirs"


def gains(result: FederationResult) -> list[str]:
    """For each substation whether it gains by the global model, and by going on training it."""
    row = result.comparison.row
    return [f"- {' '.join(_of(site, row))}" for site in result.comparison.sites]


def judged(result: FederationResult) -> list[str]:
    """What the control centre's own rows said of the model, a line a judgement."""
    return [_judged(one) for one in result.judgements]


def _judged(one: Judgement) -> str:
    if one.verdict == REFUSED:
        return f"**Veto**: {one.site} was refused: {one.reason}. The others began again without it."
    if one.verdict == HELD:
        return f"**Veto**: this version is held back and does not become champion by itself: {one.reason}."
    said = "" if one.verdict == "passed" else "not judged: "
    return f"The control centre's own rows: {said}{one.reason}."


def _of(site: SiteFigures, row: FederationRow) -> Iterator[str]:
    if site.federated is None or site.local_only is None:
        yield f"**{site.substation}**: {row.metric} is not defined on its test episodes."
        return
    yield f"**{site.substation}** {_verdict(site.federated, site.local_only, row)} by the federation:"
    yield f"{site.federated:.4g} by the global model, {site.local_only:.4g} by its own ({row.metric})."
    if site.fine_tuned is None:
        return
    yield f"Trained on at the substation the global model reaches {site.fine_tuned:.4g},"
    agreed = _verdict(site.fine_tuned, site.federated, row)
    if site.helped:
        yield "and its validation rows speak for that version."
        if agreed == "loses":
            yield "Its test episodes do not."
    else:
        yield "but its validation rows speak against that version, and the global model serves it."


def _verdict(figure: float, other: float, row: FederationRow) -> str:
    better = figure - other if row.direction == "higher" else other - figure
    if abs(better) <= ALIKE * abs(other):
        return "neither gains nor loses"
    return "gains" if better > 0 else "loses"

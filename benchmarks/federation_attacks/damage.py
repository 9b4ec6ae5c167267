"""What one poisoned site does to a global model, with the gate and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.federation_attacks.campaign import Campaign
from benchmarks.federation_attacks.poisons import POISONS, Poison
from federation.envelope import Envelope, seal, unseal
from federation.families.averaging import weights_of
from federation.gate import check_array
from federation.ledger import Ledger
from federation.message import State, Update
from federation.own_rows import OwnRows
from federation.rounds import Federation, Outcome, federate_rounds
from federation.veto import settle
from federation.wire import decode, encode
from switchyard.errors import SwitchyardError


@dataclass
class PoisonedSites:
    """Sites in this process, one of which is poisoned; carries messages as a transport does.

    Attributes:
        campaign: What they learn.
        poisoned: The site.
        poison: What it does; None if all are honest.
    """

    campaign: Campaign
    poisoned: str
    poison: Poison | None
    _last: tuple[Update, Envelope] | None = field(default=None, init=False)

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Every site's sealed update."""
        return {site: self._answer(site, data) for site, data in messages.items()}

    def _answer(self, site: str, data: bytes) -> bytes:
        state, asked = unseal(decode(data))
        mine = Envelope(
            "update",
            asked.federation,
            asked.model,
            asked.family,
            asked.round,
            asked.nonce,
            site,
            asked.schema,
        )
        update = self.campaign.learner.family.local_update(state, self.campaign.data[site], site)
        if site != self.poisoned or self.poison is None:
            return encode(seal(update, mine))
        last, self._last = self._last, (update, mine)
        sent = self.poison.sent(state, update, None if last is None else last[0], self._passes)
        # A replayed answer comes with what it was sealed by.
        return encode(seal(sent, mine if last is None or sent is not last[0] else last[1]))

    def _passes(self, told: State, update: Update) -> bool:
        return would_pass(self.campaign, self.poisoned, told, update)


def measure(campaign: Campaign, poisoned: str, folder: Path) -> dict[str, Any]:
    """Figures of the global model by poison.

    Args:
        campaign: What is learnt.
        poisoned: The site that is poisoned.
        folder: Where ledgers may be written.

    Returns:
        `clean`: all sites honest; `honest`: what the control centre's own rows said of that; `without`: the
        poisoned site left out; `poisons`: of each, `refused`, the broken rule, null where it entered;
        `gated`: the figure of the model that the federation ended with; `ungated`: the same where every
        update enters as it is, null where no model comes of it, with the error in `broken`. Of what the gate
        let in, `veto` has what the control centre's own rows said, first to last, and `settled` the figure
        of the model that came of it in the end.
    """
    clean = _gated(campaign, poisoned, None, folder / "clean")
    averages = bool(weights_of(clean.state))
    found: dict[str, Any] = {}
    for name, poison in POISONS.items():
        if not poison.applies(campaign.data[poisoned], averages=averages):
            continue
        spoiled = campaign
        if poison.rows is not None:
            spoiled = replace(
                campaign, data={**campaign.data, poisoned: poison.rows(campaign.data[poisoned])}
            )
        gated = _gated(spoiled, poisoned, poison, folder / name)
        refused = gated.refused.get(poisoned)
        figure = campaign.figure(gated.state)
        # What the gate let in is the same without it.
        apart = _ungated(spoiled, poisoned, poison) if refused is not None else {"ungated": figure}
        if refused is None:
            apart |= _settled(spoiled, poisoned, poison, gated, folder / f"{name}.veto")
        rule = None if refused is None else refused.partition(":")[0]
        found[name] = {"refused": rule, "gated": figure, **apart}
    alone = _gated(campaign.without(poisoned), poisoned, None, folder / "without")
    metric = campaign.learner.definition.metric(campaign.learner.metric)
    return {
        "metric": "_".join(filter(None, (metric.name, campaign.learner.at_level))),
        "direction": metric.direction,
        "poisoned": poisoned,
        "share_of_rows": round(clean.n[poisoned] / sum(clean.n.values()), 3),
        "clean": campaign.figure(clean.state),
        "honest": _settled(campaign, poisoned, None, clean, folder / "honest"),
        "without": campaign.figure(alone.state),
        "poisons": found,
    }


def would_pass(campaign: Campaign, site: str, told: State, update: Update) -> bool:
    """Whether the gate lets an update in, by the state that the site was told."""
    family, n = campaign.learner.family, update.n
    if n > campaign.federation.enrolled[site]:
        return False
    rules = family.expects(told, site, n)
    fits = all(check_array(update.array(name), rule) is None for name, rule in rules.items())
    return fits and not family.inspect(told, update)


def _gated(campaign: Campaign, poisoned: str, poison: Poison | None, folder: Path) -> Outcome:
    sites = PoisonedSites(campaign, poisoned, poison)
    return federate_rounds(campaign.federation, sites, Ledger(folder / "ledger.jsonl"))


def _settled(
    campaign: Campaign, poisoned: str, poison: Poison | None, gated: Outcome, folder: Path
) -> dict[str, Any]:
    """What the control centre's own rows say of a model, and what comes of it in the end."""
    if not isinstance(campaign.own, OwnRows):
        return {"veto": [f"unjudged: {campaign.own}"], "settled": campaign.figure(gated.state)}
    ledger, sites = Ledger(folder / "ledger.jsonl"), PoisonedSites(campaign, poisoned, poison)
    known = {frozenset(campaign.federation.enrolled): gated}

    def run(federation: Federation) -> Outcome:
        # The first one has been run already.
        return known.pop(frozenset(federation.enrolled), None) or federate_rounds(federation, sites, ledger)

    settled = settle(campaign.federation, run, campaign.own, ledger)
    told = [f"{one.verdict}: {one.reason}" for one in settled.judgements]
    return {"veto": told, "settled": campaign.figure(settled.outcome.state)}


def _ungated(campaign: Campaign, poisoned: str, poison: Poison) -> dict[str, Any]:
    """The figure where nothing is checked."""
    try:
        with np.errstate(all="ignore"):
            return {"ungated": campaign.figure(_unchecked(campaign, poisoned, poison))}
    except (SwitchyardError, ArithmeticError, ValueError, LookupError) as error:
        return {"ungated": None, "broken": type(error).__name__}


def _unchecked(campaign: Campaign, poisoned: str, poison: Poison) -> State:
    """The finished state where every update enters as it was sent, whatever it is."""
    family, federation = campaign.learner.family, campaign.federation
    state, last = family.start(federation.settings, federation.enrolled), None
    while not family.finished(state):
        told = family.told(state)
        updates = {site: family.local_update(told, rows, site) for site, rows in campaign.data.items()}
        honest = updates[poisoned]
        updates[poisoned] = poison.sent(told, honest, last, partial(would_pass, campaign, poisoned))
        state, last = family.aggregate(state, updates), honest
    return state

"""The control centre's veto: a finished global model is judged before it is registered.

Where it is worse than a reference on the control centre's own rows, it is formed again without each of its
sites in turn. A site without which it is clearly better is refused, as by the gate, and what the others
formed is judged anew. Where no single site explains it, the model is held back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from federation.errors import TooFewSitesError
from federation.judgement import HELD, REFUSED, Judgement
from federation.ledger import Ledger
from federation.message import State
from federation.rounds import Federation, Outcome
from switchyard.log import get_logger

VETO = "veto"
"""Phase of a judgement's record in the ledger, and rule by which a site was refused."""

_log = get_logger("federation.veto")

Run = Callable[[Federation], Outcome]
"""Runs all rounds of a federation."""


class Judge(Protocol):
    """Looks at finished models; `federation.own_rows.OwnRows` by the control centre's rows."""

    def weigh(self, state: State, contributors: tuple[str, ...]) -> Judgement:
        """A global model beside a reference; `held` where it is worse."""

    def single_out(self, judged: Judgement, state: State, without: Mapping[str, State]) -> Judgement:
        """A held model beside those formed without each site; `refused` where one of them explains it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A federation that was judged.

    Attributes:
        outcome: What the rounds came to; sites that were refused by the veto are among the refused.
        judgements: Every judgement, the one of `outcome` last.
    """

    outcome: Outcome
    judgements: tuple[Judgement, ...]


def settle(federation: Federation, run: Run, judge: Judge, ledger: Ledger) -> Settled:
    """Run a federation, judge what comes of it, and refuse a site that explains a bad model.

    Honest federations cost one look at one model. Every judgement is a record of the ledger, and so are the
    rounds of the federations without a site, under a name of their own.

    Raises:
        TooFewSitesError: Fewer sites are enrolled or left than the terms need.
    """
    outcome, judgements = run(federation), []
    while True:
        judged = judge.weigh(outcome.state, tuple(sorted(outcome.n)))
        others: dict[str, Outcome] = {}
        if judged.verdict == HELD:
            _log.warning("%s: %s", federation.model, judged.reason)
            others = _without_each(federation, run, outcome)
            states = {site: other.state for site, other in others.items()}
            judged = judge.single_out(judged, outcome.state, states)
            _log.warning("%s: %s: %s", federation.model, judged.verdict, judged.reason)
        judgements.append(judged)
        head = ledger.append(_record(federation, outcome, judged))
        outcome = replace(outcome, ledger_head=head)
        if judged.verdict != REFUSED:
            return Settled(outcome, tuple(judgements))
        refused = {**outcome.refused, judged.site: f"{VETO}: {judged.reason}"}
        outcome = replace(others[judged.site], refused=refused)


def _without_each(federation: Federation, run: Run, outcome: Outcome) -> dict[str, Outcome]:
    """What is formed without each contributor, where enough others are left and see it through."""
    sites, found = sorted(outcome.n), {}
    for site in sites:
        enrolled = {name: federation.enrolled[name] for name in sites if name != site}
        if len(enrolled) < federation.terms.least:
            continue
        alone = replace(federation, identifier=f"{federation.identifier}.without.{site}", enrolled=enrolled)
        try:
            formed = run(alone)
        except TooFewSitesError as error:
            _log.warning("%s: nothing is formed without %s: %s", federation.model, site, error)
            continue
        if not formed.refused:
            found[site] = formed
    return found


def _record(federation: Federation, outcome: Outcome, judged: Judgement) -> dict[str, Any]:
    """A judgement as the ledger keeps it; nothing left a site for it."""
    verdicts = {judged.site: f"{VETO}: {judged.reason}"} if judged.site else {}
    return {
        "federation": federation.identifier,
        "model": federation.model,
        "family": federation.family.name,
        "phase": VETO,
        "round": outcome.rounds,
        "nonce": "",
        "schema": federation.schema,
        "differential_privacy": "none",
        "judgement": msgspec.to_builtins(judged),
        "sites": {
            site: {"sent": None, "received": None, "n": None, "fields": None, "verdict": verdict}
            for site, verdict in verdicts.items()
        },
    }

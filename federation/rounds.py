"""The rounds of a federation: state out, updates in through the gate, next state, a record in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from federation.drift import moments_told
from federation.envelope import Envelope, encode_for, new_nonce
from federation.errors import LostSitesError, RefusedUpdateError, TooFewSitesError
from federation.family import Family, FineTuning, LocalData, Tuned
from federation.gate import Gate
from federation.ledger import Ledger
from federation.message import State, Update
from federation.moments import ColumnMoments
from federation.terms import PLAIN, Terms
from federation.transport import Transport
from federation.wire import fields_of
from switchyard.digests import sha256_bytes
from switchyard.log import get_logger

LOST = "lost"
"""Verdict on a site that did not answer."""

_log = get_logger("federation.rounds")


@dataclass(frozen=True, slots=True)
class Federation:
    """What is the same in all rounds.

    Attributes:
        identifier: Name of this run in the ledger.
        model: Registered name.
        family: How the model is learnt.
        schema: Digest that every site must come to as well.
        settings: Hyper-parameters of the family.
        enrolled: Rows by site.
        terms: How many sites must take part.
    """

    identifier: str
    model: str
    family: Family
    schema: str
    settings: Mapping[str, Any]
    enrolled: Mapping[str, int]
    terms: Terms = PLAIN

    def envelope(self, number: int, nonce: str, site: str) -> Envelope:
        """Envelope of a state for `site`."""
        return Envelope(
            "state", self.identifier, self.model, self.family.name, number, nonce, site, self.schema
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished federation.

    Attributes:
        state: The family's finished state.
        n: Training rows by contributing site, n_k.
        rounds: Rounds from the first state to the finished one.
        received: Bytes that left the sites in those rounds.
        sent: Bytes that the control centre sent in them.
        refused: Sites left out, with the reason.
        ledger_head: Digest of the last ledger record.
        tuned: Each site's own version of the model; empty where the family has none.
        moments: Mean and squares of each site's columns, where a round asked for them.
    """

    state: State
    n: Mapping[str, int]
    rounds: int
    received: int
    sent: int
    refused: Mapping[str, str]
    ledger_head: str
    tuned: Mapping[str, Tuned] = field(default_factory=dict)
    moments: Mapping[str, ColumnMoments] = field(default_factory=dict)

    @property
    def bytes_per_round(self) -> int:
        """Bytes both ways over all sites, mean over the rounds."""
        return round((self.received + self.sent) / self.rounds)


@dataclass
class _Round:
    """One round under way: bytes out and back by site, what was admitted, and every verdict."""

    number: int
    nonce: str
    phase: str
    out: dict[str, bytes]
    back: dict[str, bytes] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    refusal: RefusedUpdateError | None = None
    loss: LostSitesError | None = None


def federate_rounds(federation: Federation, transport: Transport, ledger: Ledger) -> Outcome:
    """Run a federation to its end.

    A site whose update is refused, or that is lost, is left out, and the federation begins again with the
    others as long as the terms allow it: a global model holds nothing of a site that failed the gate once,
    and its contributors are those of every round.

    Raises:
        TooFewSitesError: Fewer sites are enrolled or left than the terms need.
    """
    refused: dict[str, str] = {}
    while True:
        sites = sorted(set(federation.enrolled) - set(refused))
        if len(sites) < federation.terms.least:
            raise TooFewSitesError(_too_few(federation, sites, refused), federation.terms.remedy)
        try:
            return _run(federation, transport, ledger, sites, refused)
        except RefusedUpdateError as error:
            _log.warning("%s: %s; going on without %s", federation.model, error, error.site)
            refused[error.site] = f"{error.rule}: {error.message}"
        except LostSitesError as error:
            gone = ", ".join(sorted(error.lost))
            _log.warning("%s: %s; going on without %s", federation.model, error, gone)
            refused |= {site: f"{LOST}: {reason}" for site, reason in error.lost.items()}


def _too_few(federation: Federation, sites: Sequence[str], refused: Mapping[str, str]) -> str:
    reasons = "".join(f"; {reason}" for reason in refused.values())
    return federation.terms.too_few(federation.model, sites) + reasons


def _run(
    federation: Federation,
    transport: Transport,
    ledger: Ledger,
    sites: Sequence[str],
    refused: Mapping[str, str],
) -> Outcome:
    family = federation.family
    enrolled = {site: federation.enrolled[site] for site in sites}
    gate = Gate(family, enrolled)
    state = family.start(federation.settings, enrolled)
    n: dict[str, int] = {}
    told: dict[str, ColumnMoments] = {}
    received = sent = number = 0
    head = ""
    while not family.finished(state):
        this = _exchange(federation, transport, gate, state, number)
        head = _enter(federation, ledger, this)
        if this.loss is not None:
            raise this.loss
        received += sum(map(len, this.back.values()))
        sent += sum(map(len, this.out.values()))
        n = n or {site: update.n for site, update in this.updates.items()}
        told = told or moments_told(state, this.updates)
        state = family.aggregate(state, this.updates)
        number += 1
        _log.info("%s: round %d (%s) done", federation.model, number, this.phase)
    tuned: dict[str, Tuned] = {}
    asked = family.ask_tuning(state) if isinstance(family, FineTuning) else None
    if isinstance(family, FineTuning) and asked is not None:
        # Not a round of the global model: its bytes are in the ledger, not in the mean of the rounds, and a
        # site that is lost now has contributed to it and only gets no version of its own.
        this = _exchange(federation, transport, gate, asked, number)
        head = _enter(federation, ledger, this)
        tuned = {site: family.tuned(state, update) for site, update in this.updates.items()}
        _log.info("%s: fine-tuned at %s", federation.model, ", ".join(sorted(tuned)))
    return Outcome(state, n, number, received, sent, dict(refused), head, tuned, told)


def _enter(federation: Federation, ledger: Ledger, this: _Round) -> str:
    """Record a round and let its updates in; the record stays where one of them is refused."""
    head = ledger.append(_record(federation, this))
    if this.refusal is not None:
        raise this.refusal
    return head


def _exchange(federation: Federation, transport: Transport, gate: Gate, state: State, number: int) -> _Round:
    told, nonce = federation.family.told(state), new_nonce()
    asked = {site: federation.envelope(number, nonce, site) for site in gate.enrolled}
    this = _Round(number, nonce, str(state.header.get("phase", "")), encode_for(told, asked))
    try:
        this.back = transport.exchange(this.out)
    except LostSitesError as error:
        this.back, this.loss = error.answers, error
        this.verdicts |= {site: f"{LOST}: {reason}" for site, reason in error.lost.items()}
    for site in sorted(this.back):
        try:
            this.updates[site] = gate.admit(site, this.back[site], state, asked[site])
            this.verdicts[site] = "admitted"
        except RefusedUpdateError as error:
            this.verdicts[site] = f"{error.rule}: {error.message}"
            this.refusal = this.refusal or error
    return this


def _record(federation: Federation, this: _Round) -> dict[str, Any]:
    return {
        "federation": federation.identifier,
        "model": federation.model,
        "family": federation.family.name,
        "phase": this.phase,
        "round": this.number,
        "nonce": this.nonce,
        "schema": federation.schema,
        "differential_privacy": "none",
        "sites": {
            site: {
                "sent": {"bytes": len(this.out[site]), "sha256": sha256_bytes(this.out[site])},
                "received": _digest(this.back.get(site)),
                "n": this.updates[site].n if site in this.updates else None,
                "fields": _fields(this.back[site]) if site in this.updates else None,
                "verdict": this.verdicts[site],
            }
            for site in sorted(this.verdicts)
        },
    }


def _digest(data: bytes | None) -> dict[str, Any] | None:
    return None if data is None else {"bytes": len(data), "sha256": sha256_bytes(data)}


def _fields(data: bytes) -> list[dict[str, Any]]:
    return [
        {"name": part.name, "dtype": part.dtype, "shape": list(part.shape), "bytes": part.sent}
        for part in fields_of(data)
    ]


def fit_here(family: Family, settings: Mapping[str, Any], data: Mapping[str, LocalData]) -> State:
    """The same algorithm on arrays that are all here: one site's own model, or a simulation's pooled rows.

    Args:
        family: How the model is learnt.
        settings: Hyper-parameters of the family.
        data: Local arrays by site; one entry for pooled rows.
    """
    state = family.start(settings, {site: len(next(iter(rows.values()))) for site, rows in data.items()})
    while not family.finished(state):
        told = family.told(state)
        state = family.aggregate(
            state, {site: family.local_update(told, rows, site) for site, rows in data.items()}
        )
    return state

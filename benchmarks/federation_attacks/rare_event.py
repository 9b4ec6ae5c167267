"""What one substation alone has seen: is it recognised at another after federation, and was it before?

A pattern of failing is kept at one site, the one that has seen it. Every other site loses all lives of pieces
in which it came, with all their days, so that neither its training nor its validation rows hold it. The lives
that a site lost are what is judged there. A piece is recognised where its risk is not called low on a day of
the thirty before it fails. What that costs is told by pieces that last: test lives without the pattern, on
days that no failure follows within thirty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.federation_attacks.campaign import Campaign
from benchmarks.federation_attacks.damage import PoisonedSites
from features.context.condition import KINDS
from federation.ledger import Ledger
from federation.plans import Plan, plan, schema_digest
from federation.rounds import Federation, federate_rounds, fit_here
from models.failure_outlook import CUTS
from models.maintenance.equipment_failure import DEFINITION
from models.ranking import FAILS, RISK
from models.rows import Rows
from models.splits import TEST, TRAIN

MODEL = "equipment_failure"
OIL = ("ct", "cvt", "vt", "transformer", "earthing_transformer", "reactor")
"""Kinds that paper and oil insulate."""
Z_95 = 1.959963984540054

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to fail.

    Attributes:
        means: What it is, in words.
        shows: Which rows it shows in.
    """

    means: str
    shows: Callable[[Rows], Mask]


def failing(rows: Rows, kinds: tuple[str, ...]) -> Mask:
    """Rows of these kinds of equipment that fail within thirty days."""
    code = rows.column("asset_kind_code")
    return np.isin(code, [KINDS.index(kind) for kind in kinds]) & _fails(rows)


def grown(rows: Rows) -> Mask:
    """Rows of pieces with a defect that has grown to half or more."""
    return np.asarray(rows.truth["grown"], dtype=bool)


PATTERNS: Mapping[str, Pattern] = {
    "defect": Pattern("a defect that grows, in equipment of any kind", grown),
    "breaker": Pattern("breakers that fail", partial(failing, kinds=("breaker",))),
    "oil": Pattern("instrument and power transformers and reactors that fail", partial(failing, kinds=OIL)),
}


@dataclass(frozen=True)
class Rate:
    """A share of lives with its 95 % interval.

    Attributes:
        hits: Lives of which something is true.
        n: All of them.
    """

    hits: int
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """By E. B. Wilson, J. Am. Stat. Assoc. 22, 1927; of no lives it says nothing, 0 to 1."""
        if not self.n:
            return 0.0, 1.0
        share, z = self.hits / self.n, Z_95**2 / self.n
        middle = (share + z / 2.0) / (1.0 + z)
        reach = np.sqrt(share * (1.0 - share) * z + z**2 / 4.0) / (1.0 + z)
        return float(middle - reach), float(middle + reach)

    def told(self) -> dict[str, Any]:
        """As JSON values."""
        return {"hits": self.hits, "n": self.n, "interval": [round(edge, 4) for edge in self.interval]}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one model says at one site.

    Attributes:
        recognised: Lives with the pattern that fail, of which it said so before.
        alarmed: Lives that last, of which it said that they do not.
        alarmed_days: Share of these lives' days on which it did.
    """

    recognised: Rate
    alarmed: Rate
    alarmed_days: float

    def told(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "recognised": self.recognised.told(),
            "alarmed": self.alarmed.told(),
            "alarmed_days": round(self.alarmed_days, 5),
        }


@dataclass(frozen=True, slots=True)
class RareEvent:
    """One pattern that one site has seen.

    Attributes:
        rows: Rows of all splits of each site.
        pattern: The pattern.
        knows: The site that has seen it.
        trees: Trees of the ensemble; None for as many as the plan grows.
    """

    rows: Mapping[str, Rows]
    pattern: Pattern
    knows: str
    trees: int | None = None

    @property
    def learner(self) -> Plan:
        """How the model is federated."""
        return plan(MODEL)

    def settings(self) -> dict[str, Any]:
        """The family's settings."""
        settings = self.learner.settings({}, "rare event")
        return settings if self.trees is None else {**settings, "trees": self.trees}

    def seen(self) -> int:
        """Lives that failed by the pattern among the training rows of the site that has seen it."""
        own = self.rows[self.knows]
        return _lives(own, _lives_with(own, self.pattern.shows(own)) & _fails(own) & (own.split == TRAIN))

    def kept(self, site: str) -> Rows:
        """What a site learns from."""
        own = self.rows[site]
        return own if site == self.knows else own.select(~_lives_with(own, self.pattern.shows(own)))

    def alone(self, site: str) -> Any:
        """The model that a site learns by itself."""
        state = fit_here(
            self.learner.family, self.settings(), {site: self.learner.local_data(self.kept(site))}
        )
        return self.learner.fitted(state)

    def together(self, sites: tuple[str, ...], folder: Path) -> Any:
        """The model that sites learn together, through rounds, wire, gate and ledger.

        Args:
            sites: Who takes part.
            folder: Where the ledger is written.
        """
        kept = {site: self.kept(site) for site in sites}
        federation = Federation(
            f"{MODEL}.rare", MODEL, self.learner.family, schema_digest(DEFINITION), self.settings(),
            {site: len(own) for site, own in kept.items()},
        )  # fmt: skip
        data = {site: self.learner.local_data(own) for site, own in kept.items()}
        honest = PoisonedSites(Campaign(self.learner, federation, data, {}), "", None)
        outcome = federate_rounds(federation, honest, Ledger(folder / "ledger.jsonl"))
        return self.learner.fitted(outcome.state)

    def judge(self, fitted: Any, site: str) -> Judged:
        """How often a model recognises the pattern at a site that has not seen it, and at what cost."""
        own = self.rows[site]
        lost, fails = _lives_with(own, self.pattern.shows(own)), _fails(own)
        lasts = ~lost & ~fails & (own.split == TEST)
        said = np.asarray(DEFINITION.answer(fitted, own)[RISK], dtype=np.float64) >= CUTS[0]
        return Judged(
            Rate(_lives(own, lost & fails & said), _lives(own, lost & fails)),
            Rate(_lives(own, lasts & said), _lives(own, lasts)),
            float(said[lasts].mean()),
        )


def measure(event: RareEvent, folder: Path) -> dict[str, Any]:
    """What each site that has not seen the pattern recognises, by which model.

    Args:
        event: The pattern, and who has seen it.
        folder: Where ledgers may be written.

    Returns:
        `seen`: failed lives that the one site learns from; `sites`: of each other site, of its own model
        (`alone`), of the federation of all that have not seen it (`others`; left out where there is only
        one) and of all (`together`), what `Judged` holds.
    """
    others = tuple(site for site in sorted(event.rows) if site != event.knows)
    models = {"together": event.together((*others, event.knows), folder / "together")}
    if len(others) > 1:
        models["others"] = event.together(others, folder / "others")
    found = {}
    for site in others:
        judged = {"alone": event.judge(event.alone(site), site)}
        judged |= {name: event.judge(fitted, site) for name, fitted in models.items()}
        found[site] = {name: one.told() for name, one in judged.items()}
    return {"pattern": event.pattern.means, "knows": event.knows, "seen": event.seen(), "sites": found}


def _fails(rows: Rows) -> Mask:
    return np.asarray(rows.truth[FAILS], dtype=bool)


def _lives_with(rows: Rows, which: Mask) -> Mask:
    """All rows of the lives that have at least one row in `which`."""
    found = np.zeros(len(rows.episode.texts), dtype=bool)
    found[rows.episode.codes[which]] = True
    return found[rows.episode.codes]


def _lives(rows: Rows, which: Mask) -> int:
    return int(np.unique(rows.episode.codes[which]).size)

"""The best move of feeders and traction supplies: how much of the imbalance that could go goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_contracts.movable import MovableFacts
from features.rearrangement.arrangements import reach
from features.rearrangement.outcomes import outcomes
from features.rearrangement.states import States
from flows.difficulty.cases import Campaign, Cases, Floats, Target
from flows.difficulty.scores import obtained
from flows.difficulty.targets.load import said
from models import columns
from models.transfer_rows import codes_of, largest_feeder, states_of
from substations.movable import movable_facts

KNOWN = ("operations", "feeders_moved", "supplies_moved")
EXPECTED = ("imbalance_pct", "utilisation_pct", "reduction_pct")


class BestTransfer(Target):
    """Which of a state's arrangements is the most even, among those that are permitted."""

    name = "best_transfer"
    title = "Imbalance taken away by the chosen transfers"
    tables = ("transfers",)
    task = "value"
    score = obtained()
    grouped = "state"
    oracle = "every arrangement solved"

    def read(self, campaign: Campaign) -> Cases | None:
        """A row each permitted arrangement; y is the imbalance that it takes away, points."""
        facts = movable_facts(campaign.substation)
        if facts is None:
            return None
        rows = campaign.dataset.read("transfers")
        state = columns.names(rows, "scenario_id").codes
        present = columns.floats(rows, "present") > 0.0
        imbalance = columns.floats(rows, "imbalance_pct")
        first = np.flatnonzero(present & np.isfinite(imbalance))
        if not first.size:
            return None
        now, place = np.full(int(state.max()) + 1, np.nan), np.zeros(int(state.max()) + 1, dtype=np.int64)
        now[state[first]], place[state[first]] = imbalance[first], np.arange(first.size)
        permitted = (columns.floats(rows, "permitted") > 0.0) | present
        use = np.flatnonzero(permitted & np.isfinite(imbalance) & np.isfinite(now[state]))
        # The present arrangement comes first: it is what an answer that cannot tell them apart leaves.
        use = use[np.lexsort((~present[use], state[use]))]
        states = states_of(rows, first, campaign.substation, facts)
        code = codes_of(columns.names(rows, "moves"), facts)
        expected = _expected(states, facts, place[state[use]], code[use])
        known = np.stack([columns.floats(rows, name)[use] for name in KNOWN], axis=1)
        largest = np.array([largest_feeder(states, facts, row) for row in range(first.size)])
        moved = (code[use] == largest[place[state[use]]]).astype(np.float64)
        y = (now[state] - imbalance)[use]
        return Cases(
            columns=(*KNOWN, *EXPECTED),
            X=np.concatenate([known, expected], axis=1),
            y=y,
            group=state[use],
            opponents={"largest feeder to the emptier transformer": said(moved)},
            references={"most even by the meters": said(expected[:, 2])},
            oracle=y,
            choice=state[use],
        )


def _expected(
    states: States, facts: MovableFacts, row: NDArray[np.int64], code: NDArray[np.float64]
) -> Floats:
    """What meters expect of the arrangement with each code in each state, [n, 3]."""
    within = reach(len(facts.feeders), len(facts.supplies))
    found = np.full((row.size, len(EXPECTED)), np.nan)
    for at in range(len(states.price_per_mwh)):
        one = states.take(slice(at, at + 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            of = outcomes(one, facts)
        place = {number: k for k, number in enumerate(within.codes(one.side[0], one.pair[0]))}
        mine = np.flatnonzero(row == at)
        k = np.array([place.get(number, 0) for number in code[mine].tolist()], dtype=np.int64)
        imbalance = of.imbalance_pct[0]
        values = (imbalance[k], of.utilisation_pct[0, k], imbalance[0] - imbalance[k])
        found[mine] = np.stack(values, axis=1)
    return found


TARGETS = (BestTransfer(),)

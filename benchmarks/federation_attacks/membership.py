"""Membership inference: can who sees a site's weights tell which rows the site has trained on?

The attacker is the control centre: it knows the weights that it sent, those that came back, and, the worst
case, the row in question with its target. Rows that the network answers better than others are taken for
members (Yeom et al., "Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting", CSF 2018).
Some rows are easier than others whether they were seen or not, so the second attack asks by how much a row's
loss fell from the weights that were sent to those that came back (Watson et al., "On the Importance of
Difficulty Calibration in Membership Inference Attacks", ICLR 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.federation_attacks.campaign import Campaign
from federation.families.averaging import FedAvg, Weights, weights_of
from federation.family import LocalData
from federation.message import State, Update
from models.dense_networks import DenseNet
from models.rows import Rows
from models.splits import TEST, TRAIN
from switchyard.identity import generator

Float = NDArray[np.float64]

FALSE_ALARMS = 0.01
Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Seen:
    """What the control centre holds of one site when the federation is over.

    Attributes:
        told: Weights that the site was sent in the last round.
        update: Weights that it answered.
        tuned: Weights of its fine-tuned version; None where there is none.
    """

    told: Weights
    update: Weights
    tuned: Weights | None


def measure(campaign: Campaign, outside: Mapping[str, LocalData]) -> dict[str, Any]:
    """How well each attack tells rows that the sites trained on from others.

    Args:
        campaign: A federation of dense networks; its data are the members.
        outside: Rows of each site that nobody trained on, drawn as the members were.

    Returns:
        Of each attack the figures of `separation`; the mean loss of members and others under the global
        network; rows of both.
    """
    state, seen = listen(campaign)
    mean, scale, whole = state.array("mean"), state.array("scale"), weights_of(state)

    def losses(weights: Weights, data: LocalData) -> Float:
        error = np.abs(DenseNet(weights, mean, scale).predict(data["X"]) - data["y"])
        # Huber's, as in training.
        loss: Float = np.where(error <= 1.0, 0.5 * error**2, error - 0.5)
        return loss

    def score(after: Weights, before: Weights | None, data: LocalData) -> Float:
        """Minus the loss, or by how much it fell."""
        found = -losses(after, data)
        return found if before is None else found + losses(before, data)

    asked = {site: _attacks(whole, held) for site, held in seen.items()}
    members, others = campaign.data, outside
    attacks = {}
    for kind in asked[campaign.sites[0]]:
        inside, away = (
            np.concatenate([score(*asked[site][kind], rows[site]) for site in campaign.sites])
            for rows in (members, others)
        )
        attacks[kind] = separation(inside, away)
    loss = [
        float(np.mean(np.concatenate([losses(whole, rows[site]) for site in campaign.sites])))
        for rows in (members, others)
    ]
    return {
        "attacks": attacks,
        "loss_members": loss[0],
        "loss_others": loss[1],
        "members": sum(len(rows["X"]) for rows in members.values()),
        "others": sum(len(rows["X"]) for rows in others.values()),
    }


def _attacks(whole: Weights, held: Seen) -> dict[str, tuple[Weights, Weights | None]]:
    """Weights by which each attack scores a row, and those that its loss fell from where it asks for that."""
    found: dict[str, tuple[Weights, Weights | None]] = {
        "global_loss": (whole, None),
        "update_loss": (held.update, None),
        "update_fall": (held.update, held.told),
    }
    if held.tuned is not None:
        found |= {"tuned_loss": (held.tuned, None), "tuned_fall": (held.tuned, whole)}
    return found


def listen(campaign: Campaign) -> tuple[State, dict[str, Seen]]:
    """Run the federation in this process and keep what the control centre sees of the last round."""
    family, settings = campaign.learner.family, campaign.federation.settings
    if not isinstance(family, FedAvg):
        raise TypeError(f"{campaign.federation.model} is not averaged without sums around it")
    state = family.start(settings, campaign.federation.enrolled)
    told = family.told(state)
    updates: dict[str, Update] = {}
    while not family.finished(state):
        told = family.told(state)
        updates = {site: family.local_update(told, rows, site) for site, rows in campaign.data.items()}
        state = family.aggregate(state, updates)
    asked = family.ask_tuning(state)
    tuned = {
        site: None if asked is None else weights_of(family.local_update(asked, rows, site))
        for site, rows in campaign.data.items()
    }
    return state, {
        site: Seen(weights_of(told), weights_of(update), tuned[site]) for site, update in updates.items()
    }


def halves(campaign: Campaign, rows: Mapping[str, Rows]) -> tuple[Campaign, dict[str, LocalData]]:
    """The campaign on half of each site's training episodes, drawn at random, and the other half's rows.

    Members and others must differ in nothing but whether they were trained on: days of another season would
    be told apart by the season.
    """
    inside, outside = {}, {}
    for site, own in rows.items():
        stream = generator(campaign.federation.model, site, "membership")
        taken = (stream.random(len(own.episode.texts)) < 0.5)[own.episode.codes]
        trains = own.split == TRAIN
        inside[site] = campaign.learner.local_data(_as_split(own, trains & ~taken))
        outside[site] = campaign.learner.local_data(_as_split(own, trains & taken))
    return replace(campaign, data=inside), outside


def _as_split(rows: Rows, away: NDArray[np.bool_]) -> Rows:
    """Rows of which those that are `away` do not train."""
    return replace(rows, split=np.where(away, TEST, rows.split).astype(rows.split.dtype))


def separation(inside: Float, outside: Float) -> dict[str, Any]:
    """How well a score tells members from others: 0.5 and 0 where it does not.

    `auc` with its 95 % interval by Hanley and McNeil, "The Meaning and Use of the Area under a Receiver
    Operating Characteristic (ROC) Curve", Radiology 143 (1982), which takes rows as independent; `advantage`,
    hits less false alarms where all above the members' mean score are taken for members (Yeom et al.); `hits`
    at one false alarm in a hundred.
    """
    together = np.concatenate([inside, outside])
    _, place, count = np.unique(together, return_inverse=True, return_counts=True)
    # Mean rank of equal scores.
    rank = (np.cumsum(count) - 0.5 * (count - 1))[place]
    n, m = inside.size, outside.size
    auc = float((rank[:n].sum() - 0.5 * n * (n + 1)) / (n * m))
    spread = auc * (1.0 - auc)
    spread += (n - 1) * (auc / (2.0 - auc) - auc**2) + (m - 1) * (2.0 * auc**2 / (1.0 + auc) - auc**2)
    reach = Z_95 * float(np.sqrt(max(spread, 0.0) / (n * m)))
    threshold = float(inside.mean())
    return {
        "auc": round(auc, 4),
        "auc_interval": [round(auc - reach, 4), round(auc + reach, 4)],
        "advantage": round(float((inside >= threshold).mean() - (outside >= threshold).mean()), 4),
        "hits_at_1pct": round(float((inside > np.quantile(outside, 1.0 - FALSE_ALARMS)).mean()), 4),
    }

"""Tags of a version: what it was made from, by whom, and whether it met its bars."""

from __future__ import annotations

from typing import Any

from data_contracts.version import CONTRACT_VERSION
from models.evaluation import ReportRow
from models.pool import Pool
from models.protocol import Definition
from models.splits import TRAIN
from models.tracking import STEP_KEY
from switchyard.digests import digest_json, digest_rooms
from switchyard.profiles import Profile

ROOMS = ("switchyard", "data_contracts", "substations", "features", "models")
LOCAL = "local"


def trained_by(profile: Profile, name: str, substation: str | None) -> dict[str, str]:
    """Tags by which a person finds a version again."""
    found = {
        "trained_by": "pooled" if substation is None else LOCAL,
        "profile": profile.name,
        "trials": str(profile.tuning.trials[name]),
    }
    return found if substation is None else {**found, "substation": substation}


def made_from(declared: Definition[Any], pool: Pool, step_key: str) -> dict[str, str]:
    """Tags that say what a version was made from, by digest."""
    from features import catalogue_digest

    return {
        "contributors": ",".join(sorted(set(pool.training.substation.array().tolist()))),
        "n_total": str(len(pool.split(TRAIN))),
        "claim": "none",
        "declaration": str(declared.version),
        "contract_version": str(CONTRACT_VERSION),
        STEP_KEY: step_key,
        "dataset_digest": digest_json(pool.digests),
        "circuit_digest": digest_json(pool.circuits),
        "catalogue_digest": catalogue_digest(),
        "code_digest": digest_rooms(ROOMS),
        "split": pool.scheme,
        **({"algorithm": declared.variant} if declared.variant else {}),
    }


def bar_tag(rows: list[ReportRow]) -> str:
    """`met` where every bar is met on test episodes of those that the model learnt from, else `missed`."""
    verdicts = [row.met for row in rows if row.met is not None]
    return "met" if verdicts and all(verdicts) else "missed"

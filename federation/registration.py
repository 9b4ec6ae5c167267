"""The global model in the registry, and who becomes champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from federation.job import Job
from federation.own_versions import register_own
from federation.plots import figures as pictures
from federation.probes import probe_rows
from federation.result import FederationResult
from federation.rounds import Outcome
from models import card, compilation, metric_names, promotion, registry, tracking
from models.errors import RegistryError
from models.footprint import footprint_of
from models.plots import save_all
from models.pool import Pool
from models.registry import CHAMPION, RegisteredVersion
from models.runtime import CompiledModel
from models.splits import TEST
from models.version_tags import ROOMS, bar_tag, made_from
from switchyard.digests import digest_rooms
from switchyard.home import Home
from switchyard.settings import get_settings

TRAINED_BY = "federated"
ROLE = "federate"


@dataclass(frozen=True, slots=True)
class Global:
    """A global model that is to be registered.

    Attributes:
        job: What was federated.
        outcome: What the rounds came to.
        fitted: The fitted model.
        pool: Rows for the proof of parity; none of them is stored.
        step_key: Key of the federation step.
        tags: Further tags of the version.
    """

    job: Job
    outcome: Outcome
    fitted: Any
    pool: Pool
    step_key: str
    tags: Mapping[str, str]


def find(home: Home, name: str, step_key: str) -> FederationResult | None:
    """What the step `step_key` registered before; None where it registered nothing.

    A version whose maker died before it became champion becomes it now, where pooling is forbidden.
    """
    version = registry.find(home, name, step_key)
    if version is None:
        return None
    version = _crown(home, version, anew=False)
    tracking.finish(tracking.connect(home), version.run_id)
    result = msgspec.convert(registry.report_of(home, version), FederationResult)
    return msgspec.structs.replace(
        result,
        version=version,
        footprint=msgspec.structs.replace(result.footprint, version=version.version),
        skipped=True,
    )


def register(made: Global, result: FederationResult, work: Path) -> FederationResult:
    """Compile, prove and register a global model, after the sites' own versions of it.

    Args:
        made: The model.
        result: Its figures.
        work: New folder for the compiled files.

    Returns:
        `result` with versions, footprint and parity.

    Raises:
        ParityError: Compiled and fitted model differ; nothing is registered.
    """
    home, definition = made.job.home, made.job.plan.definition
    tags = {**version_tags(made, result), **made.tags}
    store = tracking.connect(home)
    run_id = tracking.parent_run(store, definition.name, made.step_key, ROLE, tags)
    compiled = work / registry.COMPILED
    probes = probe_rows(made.job.plan, made.outcome.state)
    compilation.compile_into(definition, made.fitted, probes, compiled)
    graph = CompiledModel((compiled / compilation.MODEL_FILE).read_bytes())
    parity = compilation.check_parity(
        definition, made.fitted, definition.compile(made.fitted), graph, made.pool.split(TEST)
    )
    footprint = footprint_of(definition, compiled, made.pool)
    result = msgspec.structs.replace(result, footprint=footprint, parity=parity.largest)
    tracking.log_figures(store, run_id, figures(result), {**result.params, "sites": len(result.n)})
    tracking.log_datasets(store, run_id, made.pool.digests, "federation")
    for path in save_all(pictures(result), work / "plots"):
        store.client.log_artifact(run_id, str(path), "plots")
    own = tuple(register_own(made, result, tags, work))
    result = msgspec.structs.replace(result, fine_tuned=own)
    version = registry.register(
        home,
        registry.Package(
            definition,
            made.fitted,
            compiled,
            probes,
            msgspec.to_builtins(result),
            card.write(definition, result.rows, tags, result.params, made.job.registered),
        ),
        registered=made.job.registered,
        run_id=run_id,
        tags=tags,
    )
    version = _crown(home, version, anew=True)
    tracking.finish(store, run_id)
    return msgspec.structs.replace(
        result, version=version, footprint=msgspec.structs.replace(footprint, version=version.version)
    )


def version_tags(made: Global, result: FederationResult) -> dict[str, str]:
    """Tags that say who contributed how much, what was promised and what was reached."""
    row, n, measured = result.comparison.row, result.n, made.job.measured is not None
    # Nothing is at one place to be compared with where measured rows may not be pooled.
    unknown = measured and row.central is None
    return {
        **made_from(made.job.plan.definition, made.pool, made.step_key),
        "code_digest": digest_rooms({*ROOMS, "federation"}),
        "trained_by": TRAINED_BY,
        "bar": bar_tag(list(result.rows)),
        "claim": row.claim,
        "family": row.family,
        "contributors": ",".join(sorted(n)),
        "n_total": str(sum(n.values())),
        **{f"n_k.{site}": str(rows) for site, rows in sorted(n.items())},
        "rounds": str(row.rounds),
        "bytes_per_round": str(row.bytes_per_round),
        "ratio_to_central": "" if row.ratio is None else f"{row.ratio:.9f}",
        "federation_bar": "" if unknown else ("met" if row.met else "missed"),
        "refused": ",".join(sorted(result.refused)),
        "aggregation": made.job.terms.aggregation,
        "quorum": str(made.job.terms.least),
        "bytes_total": str(made.outcome.received + made.outcome.sent),
        "ratio_of_fine_tuned": "" if row.tuned_ratio is None else f"{row.tuned_ratio:.9f}",
        "ledger_head": result.ledger_head,
        "differential_privacy": "none",
        **_veto_tags(result),
        **({"profile": made.job.profile.name} if measured else {}),
    }


def _veto_tags(result: FederationResult) -> dict[str, str]:
    """What the control centre's own rows said."""
    if not result.judgements:
        return {}
    last = result.judgements[-1]
    return {registry.VETO: last.verdict, "veto_reason": last.reason}


def figures(result: FederationResult) -> dict[str, float]:
    """All figures as MLflow metrics."""
    row = result.comparison.row
    names = (
        "central",
        "federated",
        "fine_tuned",
        "local_only",
        "held_out_federated",
        "held_out_local_only",
        "ratio",
    )
    compared = {f"federation/{name}": getattr(row, name) for name in names}
    traffic = {"federation/rounds": row.rounds, "federation/bytes_per_round": row.bytes_per_round}
    apart = {"federation/drift": result.drift[0].largest[0]} if result.drift else {}
    known = {name: value for name, value in {**compared, **traffic, **apart}.items() if value is not None}
    return {**metric_names.report(list(result.rows)), **known}


def _crown(home: Home, version: RegisteredVersion, *, anew: bool) -> RegisteredVersion:
    """Where pooling is forbidden, make a federated version champion that is not held back.

    On a later look only if the champion is a pooled one: an operator may have rolled back meanwhile.
    """
    held = version.tags.get(registry.VETO) == registry.HELD
    if held or get_settings().pooling != "forbid" or version.alias == CHAMPION:
        return version
    if not anew and _champion_is_federated(home, version.name):
        return version
    champion = registry.get(home, version.name, CHAMPION)
    promotion.succeed(home, champion, version, "pooling is forbidden: the federated version is served")
    return msgspec.structs.replace(version, alias=CHAMPION)


def _champion_is_federated(home: Home, name: str) -> bool:
    try:
        return registry.get(home, name, CHAMPION).tags.get("trained_by") == TRAINED_BY
    except RegistryError:
        return False

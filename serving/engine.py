"""Answers: items to windows, one call of the features, each published model on the rows it applies to."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

# numpy loads these two at their first use, which would be some request's 40 ms.
import numpy.ma
import numpy.random

import features
from data_contracts.answers import NAMES
from data_contracts.ranges import INVALID
from data_contracts.wire import Decision, Energy, Maintenance, Monitoring, Response, Rows
from features.channels import CHANNELS
from features.online import windows_from_rows
from serving.assessment import input_quality, limits_exceeded
from serving.challengers import Challengers
from serving.errors import SnapshotError
from serving.measured import measured_sites
from serving.metrics import ModelMetrics
from serving.panel import Asked, Served, answers_of, plan_for, takes_long
from serving.routing import Routing
from serving.runtime import load_model
from serving.shadow.worker import Shadow, shadow_of
from serving.sites import Sites
from serving.snapshot import CHALLENGER, CHAMPION, open_snapshot
from serving.specification import check_fit
from switchyard.home import Home

Routes = Mapping[str, Mapping[str, Served]]

_UNCHALLENGED = Challengers()


class Engine:
    """Everything that answers for one snapshot; never changed once it is made.

    Attributes:
        snapshot: Name of the snapshot.
        seq: Its number.
        created: When it was written.
        sites: Points that are answered for.
        routes: The champion that answers, by substation and model.
        challengers: Versions beside the champions and what is asked of them.
    """

    def __init__(
        self,
        snapshot: str,
        seq: int,
        sites: Sites,
        routes: Routes,
        *,
        created: datetime | None = None,
        challengers: Challengers = _UNCHALLENGED,
        shadow: Shadow | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.seq = seq
        self.created = created
        self.sites = sites
        self.routes = routes
        self.challengers = challengers
        self._shadow = shadow
        self._plans = {
            site: plan_for(site, challengers.answering(site, routes[site.substation])) for site in sites
        }
        shadowing = {site: challengers.shadowing(site, routes[site.substation]) for site in sites}
        self._shadows = {site: shadow_of(site, served) for site, served in shadowing.items() if served}
        if shadow is not None and self._shadows:
            shadow.begin()

    @classmethod
    def load(cls, home: Home, name: str, wanted: Collection[str] = ()) -> Engine:
        """Load and prove a snapshot.

        Args:
            home: Where it lies.
            name: Its name.
            wanted: Substations to answer for; empty takes all that the snapshot routes.

        Raises:
            SnapshotError: The snapshot is damaged, does not fit this version, or lacks a wanted substation.
            SwitchyardError: A substation's description cannot be read.
        """
        snapshot = open_snapshot(home, name)
        manifest = snapshot.manifest
        check_fit(name, manifest.catalogue_digest, manifest.contract_version)
        lacking = sorted(set(wanted) - set(manifest.routes))
        if lacking:
            raise SnapshotError(
                f"{name} has no routes for {', '.join(lacking)}",
                "publish models for them, or take them out of SWITCHYARD_SUBSTATIONS",
            )
        chosen = {name: to for name, to in manifest.routes.items() if not wanted or name in wanted}
        needed = {target for targets in chosen.values() for target in targets.values()}
        served: dict[str, dict[str, Served]] = {CHAMPION: {}, CHALLENGER: {}}
        proven = [
            (entry, load_model(snapshot, entry))
            for entry in manifest.models
            if entry.registered in needed and entry.alias in served
        ]
        told = {
            alias: {entry.registered: model.spec.site for entry, model in proven if entry.alias == alias}
            for alias in served
        }
        sites = Sites.read(chosen, measured_sites(name, chosen, told[CHAMPION], told[CHALLENGER]))
        for entry, model in proven:  # counted only now: a refused snapshot leaves no series behind
            spec = model.spec
            counted = ModelMetrics(spec.model, model.version, spec.features, spec.watched)
            served[entry.alias][entry.registered] = Served(model, counted)
        champions = served[CHAMPION]
        routes = {name: {m: champions[to] for m, to in targets.items()} for name, targets in chosen.items()}
        challengers = Challengers(served[CHALLENGER])
        engine = cls(
            name,
            manifest.seq,
            sites,
            routes,
            created=manifest.created,
            challengers=challengers,
        )
        engine.warm()
        return engine

    def routed(self, routing: Routing, shadow: Shadow) -> Engine:
        """The same models with other challenges; takes microseconds a point, nothing is loaded.

        Args:
            routing: What is asked of the challengers.
            shadow: What compares off the path.
        """
        return Engine(
            self.snapshot,
            self.seq,
            self.sites,
            self.routes,
            created=self.created,
            challengers=Challengers(self.challengers.served, routing),
            shadow=shadow,
        )

    @property
    def models(self) -> set[Served]:
        """Every model that answers somewhere, and the challengers."""
        champions = {served for targets in self.routes.values() for served in targets.values()}
        return champions.union(self.challengers.served.values())

    def warm(self) -> None:
        """Compute the features of an empty window, so that no request pays for what happens only once."""
        site = next(iter(self.sites), None)
        if site is not None:
            empty = Rows(
                values=np.full((1, CHANNELS), np.nan),
                quality=np.full(1, INVALID, dtype=np.int8),
                t=np.zeros(1),
                starts=np.array([0, 1], dtype=np.int64),
            )
            features.compute(windows_from_rows(empty, [site.nominals]))

    def forget_metrics(self, keep: Engine) -> None:
        """Drop the series of versions that `keep` does not serve."""
        kept = {served.model.version for served in keep.models}
        for served in self.models:
            if served.model.version not in kept:
                served.metrics.forget()

    def takes_long(self, asked: Sequence[Asked]) -> bool:
        """Whether an answer takes so many milliseconds that nobody else should wait for it."""
        return any(takes_long(self._plans[one.site], one) for one in asked)

    def answer(self, asked: Sequence[Asked], rows: Rows, request_id: str | Sequence[str]) -> list[Response]:
        """Answer checked items.

        Args:
            asked: The items.
            rows: Their readings, packed in the same order.
            request_id: Name of the request, or of the request of each item.

        Returns:
            One response per item.
        """
        started = time.perf_counter()
        told = answers_of(self._plans, asked, rows)
        timestamp = datetime.now(UTC)
        took_ms = 1e3 * (time.perf_counter() - started)
        responses = []
        for k, (one, found) in enumerate(zip(asked, told, strict=True)):
            part, given = rows.item(k), found.answers
            responses.append(
                Response(
                    request_id=request_id if isinstance(request_id, str) else request_id[k],
                    timestamp=timestamp,
                    snapshot=self.snapshot,
                    inference_time_ms=took_ms,
                    input_quality=input_quality(part, found.strangers),
                    limit_exceeded=limits_exceeded(part, one.site, one.item.waveform),
                    monitoring=Monitoring(**dict(zip(NAMES[0:4], given[0:4], strict=True))),  # type: ignore[arg-type]
                    maintenance=Maintenance(**dict(zip(NAMES[4:8], given[4:8], strict=True))),  # type: ignore[arg-type]
                    energy=Energy(**dict(zip(NAMES[8:12], given[8:12], strict=True))),  # type: ignore[arg-type]
                    decision=Decision(**dict(zip(NAMES[12:16], given[12:16], strict=True))),  # type: ignore[arg-type]
                )
            )
        if self._shadow is not None and self._shadows:
            self._shadow.offer(self._shadows, asked, responses)
        return responses

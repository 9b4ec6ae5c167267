"""A registry's versions without learning: compiled folders registered as training does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from models import promotion, registry, tracking
from switchyard.home import Home


def register(
    home: Home, compiled: Path, registered: str, tags: Mapping[str, str] | None = None, alias: str = ""
) -> int:
    """Register a compiled folder; the first version of a name is its champion, a later one gets `alias`."""
    model, _, _ = registered.partition(".")
    store = tracking.connect(home)
    client, of = store.client, tracking.experiment(store, model)
    run = client.create_run(of)
    logged = client.create_logged_model(of, name=model, source_run_id=run.info.run_id)
    whole = compiled.parent / f"whole-{compiled.name}"
    whole.mkdir()
    compiled.rename(whole / registry.COMPILED)
    client.log_model_artifacts(logged.model_id, str(whole))
    client.finalize_logged_model(logged.model_id, "READY")
    if not registry.versions(home, registered):
        client.create_registered_model(registered)
        alias = registry.CHAMPION
    made = client.create_model_version(
        registered,
        source=f"models:/{logged.model_id}",
        run_id=run.info.run_id,
        tags={**promotion.needed(model), **(tags or {})},
        model_id=logged.model_id,
    )
    if alias:
        client.set_registered_model_alias(registered, alias, made.version)
    return int(made.version)

"""What runs in a site's process: its own rows, the family's local step, bytes in and bytes out."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

from federation.envelope import Envelope, seal, unseal
from federation.errors import FederationError
from federation.family import LocalData
from federation.message import Message
from federation.plans import Plan, plan, schema_digest
from federation.spec import SiteSpec
from federation.wire import decode, encode
from switchyard.errors import SwitchyardError
from switchyard.log import configure, get_logger

_log = get_logger("federation.site")


def serve_site(pipe: Connection, spec: SiteSpec) -> None:
    """Confine this process and answer states by updates until the control centre closes the pipe.

    A site that cannot answer says so without a reason: the reason may hold values of its rows and goes to
    the site's own log.
    """
    configure(spec.log_level)
    try:
        layers = spec.confinement.enter()
    except SwitchyardError as error:
        _log.error("site %s cannot be confined: %s", spec.name, error)
        sys.exit(1)
    _log.info("site %s: confined by %s to %s", spec.name, layers, spec.dataset)
    learner = Site(spec)
    while True:
        try:
            data = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send_bytes(learner.answer(data))


class Site:
    """One site's side of its federations, one after the other, independent of what carries its messages."""

    def __init__(self, spec: SiteSpec) -> None:
        self._spec = spec
        self._rows: tuple[str, LocalData] | None = None

    def answer(self, data: bytes) -> bytes:
        """The sealed update to a sealed state, or a sealed failure.

        Raises:
            FederationError: It is asked about a model that it does not take part in.
        """
        state, asked = unseal(decode(data))
        if asked.model not in self._spec.models:
            raise FederationError(
                f"site {self._spec.name} is asked about {asked.model}",
                f"it takes part in {', '.join(self._spec.models)}",
            )
        learner = plan(asked.model)
        mine = Envelope(
            kind="update",
            federation=asked.federation,
            model=asked.model,
            family=learner.family.name,
            round=asked.round,
            nonce=asked.nonce,
            site=self._spec.name,
            schema=schema_digest(learner.definition),
        )
        try:
            update = learner.family.local_update(state, self._rows_for(learner), self._spec.name)
        except SwitchyardError as error:
            _log.error("site %s cannot answer round %d: %s", self._spec.name, asked.round, error)
            mine = Envelope(
                **{**{name: getattr(mine, name) for name in mine.__struct_fields__}, "kind": "failure"}
            )
            update = Message({"n": 0})
        return encode(seal(update, mine))

    def _rows_for(self, learner: Plan) -> LocalData:
        """The site's rows for a model; those of the model before are let go."""
        model = learner.definition.name
        if self._rows is None or self._rows[0] != model:
            self._rows = None
            self._rows = model, learner.load(self._spec.dataset, self._spec.start, self._spec.split)
        return self._rows[1]

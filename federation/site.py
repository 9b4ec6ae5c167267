"""What runs in a site's process: its own rows, the family's local step, bytes in and bytes out."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

from federation.envelope import Envelope, seal, unseal
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
    """One site's side of a federation, independent of what carries its messages."""

    def __init__(self, spec: SiteSpec) -> None:
        self._spec = spec
        self._plan: Plan = plan(spec.model)
        self._rows: LocalData | None = None

    def answer(self, data: bytes) -> bytes:
        """The sealed update to a sealed state, or a sealed failure."""
        state, asked = unseal(decode(data))
        mine = Envelope(
            kind="update",
            federation=asked.federation,
            model=self._spec.model,
            family=self._plan.family.name,
            round=asked.round,
            nonce=asked.nonce,
            site=self._spec.name,
            schema=schema_digest(self._plan.definition),
        )
        try:
            if self._rows is None:
                self._rows = self._plan.load(self._spec.dataset, self._spec.start)
            update = self._plan.family.local_update(state, self._rows, self._spec.name)
        except SwitchyardError as error:
            _log.error("site %s cannot answer round %d: %s", self._spec.name, asked.round, error)
            mine = Envelope(
                **{**{name: getattr(mine, name) for name in mine.__struct_fields__}, "kind": "failure"}
            )
            update = Message({"n": 0})
        return encode(seal(update, mine))

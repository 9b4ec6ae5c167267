"""How messages get to sites and back. A federation is the same whatever carries it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Protocol, Self

from federation.entry import run_site
from federation.errors import SiteError
from federation.spec import SiteSpec
from federation.wire import DEFAULT_CAP
from switchyard.log import get_logger

_log = get_logger("federation.transport")
ROUND_TIMEOUT_S = 900.0
GRACE_S = 5.0


class Transport(Protocol):
    """Carries bytes between the control centre and named sites."""

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Send each site its message and return each one's answer.

        Raises:
            SiteError: A site did not answer.
        """


class SiteProcesses:
    """One spawned process per site on this machine, tied to the life of this one. A context manager.

    Nothing but wire bytes passes the pipes. Each process has a folder for temporary files that is gone when
    the processes are.
    """

    def __init__(self, specs: Sequence[SiteSpec], timeout_s: float = ROUND_TIMEOUT_S) -> None:
        self._specs = specs
        self._timeout_s = timeout_s
        self._pipes: dict[str, Connection] = {}
        self._processes: dict[str, BaseProcess] = {}
        self._scratch = ExitStack()

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        try:
            for spec in self._specs:
                scratch = Path(self._scratch.enter_context(TemporaryDirectory(prefix="switchyard-site-")))
                told = replace(spec, confinement=replace(spec.confinement, scratch=scratch))
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=run_site, args=(theirs, told), name=f"site {spec.name}", daemon=True
                )
                process.start()
                theirs.close()
                self._pipes[spec.name], self._processes[spec.name] = ours, process
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        """Send each site its message and return each one's answer.

        Raises:
            SiteError: A site ended, sent more than the cap, or did not answer in time.
        """
        for site, data in messages.items():
            try:
                self._pipes[site].send_bytes(data)
            except OSError as error:
                raise self._lost(site) from error
        waiting = {self._pipes[site]: site for site in messages}
        answers: dict[str, bytes] = {}
        deadline = time.monotonic() + self._timeout_s
        while waiting:
            ready = wait(list(waiting), max(deadline - time.monotonic(), 0.0))
            if not ready:
                raise SiteError(
                    f"no answer from {', '.join(sorted(waiting.values()))} within {self._timeout_s:g} s",
                    "look at the site's log",
                )
            for pipe in ready:
                if not isinstance(pipe, Connection):
                    continue
                site = waiting.pop(pipe)
                try:
                    answers[site] = pipe.recv_bytes(2 * DEFAULT_CAP)
                except (EOFError, OSError) as error:
                    raise self._lost(site) from error
        return answers

    def stop(self) -> None:
        """End all site processes; safe to call twice."""
        for pipe in self._pipes.values():
            pipe.close()
        for site, process in self._processes.items():
            process.join(GRACE_S)
            if process.is_alive():
                _log.warning("site %s does not end, killing it", site)
                process.kill()
                process.join()
            process.close()
        self._pipes.clear()
        self._processes.clear()
        self._scratch.close()

    def pid(self, site: str) -> int | None:
        """Process id of a site."""
        return self._processes[site].pid

    def _lost(self, site: str) -> SiteError:
        process = self._processes[site]
        process.join(GRACE_S)
        return SiteError(
            f"site {site} was lost (exit code {process.exitcode})", "its own messages stand above in the log"
        )

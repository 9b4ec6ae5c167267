"""Parts on a local Dask cluster: worker processes on the loopback, without a dashboard.

The cluster replaces a worker that dies and does its task again, three times at most; one that gives no sign
of life for `_SILENT` is restarted. Parts name their own random streams and are compiled anew, so the bytes
are those of any other runner.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any, TypeVar

from simulation.errors import WorkerLostError
from switchyard.errors import ConfigurationError

T = TypeVar("T")

_SILENT = "60s"
_LOOK_S = 0.5
_CONFIGURATION = {
    "distributed.scheduler.worker-ttl": _SILENT,
    "distributed.scheduler.allowed-failures": 2,
    # What a part needs is known; a worker is not to be paused or ended for its memory.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}


class DaskCluster:
    """A scheduler in this process and `count` worker processes of one thread each.

    Attributes:
        count: Number of worker processes.
    """

    def __init__(self, count: int, prepare: Callable[[], None] | None = None) -> None:
        self.count = count
        self._prepare = prepare
        self._open = ExitStack()
        self._client: Any = None
        self._asked: dict[Future[Any], Any] = {}
        self._something_done = threading.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return tuple(nanny.pid for nanny in self._client.cluster.workers.values() if nanny.pid)

    def start(self) -> None:
        """Start scheduler and workers.

        Raises:
            ConfigurationError: Dask's scheduler is not installed.
        """
        try:
            import dask
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise ConfigurationError(
                "the runner dask needs the package distributed", "install switchyard[dask]"
            ) from error
        self._open.enter_context(dask.config.set(_CONFIGURATION))
        cluster = self._open.enter_context(
            LocalCluster(
                n_workers=self.count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                memory_limit=0,
            )
        )
        self._client = self._open.enter_context(Client(cluster, set_as_default=False))
        if self._prepare is not None:
            self._client.run(self._prepare)

    def stop(self) -> None:
        """End scheduler and workers; what they are at is given up."""
        self.drop(tuple(self._asked))
        self._open.close()
        self._client = None

    def submit(self, name: str, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Queue a call.

        Args:
            name: What messages call it.
            call: Importable function.
            arguments: Its arguments.

        Returns:
            What comes of it. Its error may be a WorkerLostError: one worker after the other was lost.
        """
        from distributed import KilledWorker

        future: Future[T] = Future()
        asked = self._client.submit(call, *arguments, pure=False)
        self._asked[future] = asked

        def take(answered: Any) -> None:
            if answered.status == "finished":
                future.set_result(answered.result())
            elif not answered.cancelled():
                error = answered.exception()
                if isinstance(error, KilledWorker):
                    told = f"{name} lost its worker time and again: {error}"
                    error = WorkerLostError(told, "look for a kill or exhausted memory and run again")
                future.set_exception(error)
            self._something_done.set()

        asked.add_done_callback(take)
        return future

    def drop(self, futures: Iterable[Future[Any]]) -> None:
        """Forget calls; those that have begun run on."""
        unwanted = [self._asked.pop(future) for future in tuple(futures) if future in self._asked]
        self._client.cancel(unwanted)

    def look_after(self) -> None:
        """Wait until something is done, or a little."""
        self._something_done.wait(_LOOK_S)
        self._something_done.clear()
        self._asked = {future: asked for future, asked in self._asked.items() if not future.done()}

"""A server that does nothing but answer, on the stack that the service runs on: what HTTP itself costs."""

from __future__ import annotations

import sys

from serving.exchange import JSON, App, Message, Receive, Scope, Send, respond
from serving.run import main

# As long as a usual answer.
_ANSWER = b'{"a":"' + 3500 * b"x" + b'"}'


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Read a request's body and answer with a constant; readiness is answered likewise."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    message: Message = await receive()
    while message.get("more_body", False):
        message = await receive()
    await respond(send, 200, JSON, _ANSWER, request_id="floor")


def floor_app() -> App:
    """The application of one worker."""
    return answer


if __name__ == "__main__":
    sys.exit(main(app="benchmarks.floor_server:floor_app"))

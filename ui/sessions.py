"""Makes Gradio forget a conversation once its answer has been sent.

Left alone it holds the last conversation of ten thousand pages in memory, and the messages of two thousand that nobody reads. Our
pages bring their conversation with every question, so nothing of it is needed any more.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

UNREAD = 60.0
"""Seconds after which an answer is forgotten that nobody has begun to read; a page does so at once."""


class Sessions:
    """The pages of one chat, by the random number that each gives itself."""

    def __init__(self, blocks: Any) -> None:
        """Of the built Gradio `blocks`."""
        self._blocks = blocks
        self._reading: Counter[str] = Counter()
        self._forgetting: set[asyncio.Task[None]] = set()

    def asked(self, session: str) -> None:
        """A question came; its answer may stay unread."""
        self._forget_after(UNREAD, session)

    @contextlib.contextmanager
    def reading(self, session: str) -> Iterator[None]:
        """While a page reads its answers; with the last one they are forgotten."""
        self._reading[session] += 1
        try:
            yield
        finally:
            self._reading -= Counter([session])
            self._forget_after(0, session)

    def _forget_after(self, seconds: float, session: str) -> None:
        task = asyncio.create_task(self._forget(seconds, session))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    async def _forget(self, seconds: float, session: str) -> None:
        await asyncio.sleep(seconds)
        queue, states = self._blocks._queue, self._blocks.state_holder
        while any(event.session_hash == session for event in queue.event_ids_to_events.values()):
            await asyncio.sleep(0.5)
        if session in self._reading:
            return
        for held in (states.session_data, states.time_last_used, queue.pending_messages_per_session, queue.pending_event_ids_session):
            held.pop(session, None)

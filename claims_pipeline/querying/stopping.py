"""One stop for a step, and one for each channel that it asks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop(threading.Event):
    """An event that sets those that were begun under it, and not the other way round.

    A lane that gives up its channel stops the threads that ask there; the channels after it are
    asked all the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self._children: list[threading.Event] = []
        self._adding = threading.Lock()

    def set(self) -> None:
        """End it all."""
        with self._adding:
            super().set()
            children = list(self._children)
        for child in children:
            child.set()

    @contextmanager
    def child(self) -> Iterator[threading.Event]:
        """An event of its own, while the block lasts."""
        event = threading.Event()
        with self._adding:
            self._children.append(event)
            if self.is_set():
                event.set()
        try:
            yield event
        finally:
            with self._adding:
                self._children.remove(event)

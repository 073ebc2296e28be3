"""A way to a server that can be shut: what was on its way stays half sent, as by a line that went silent."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from urllib.parse import urlsplit


class Gate:
    """Passes on what comes to its `url`, until `limit` bytes were sent to the server; the rest is lost.

    Attributes:
        url: address of the gate.
        limit: bytes that go through, of all connections together; may be changed at any time.
    """

    def __init__(self, url: str, limit: float = math.inf) -> None:
        self._to, self.limit, self._sent = urlsplit(url), limit, 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._door.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                try:
                    far = socket.create_connection((self._to.hostname, self._to.port))
                except OSError:  # the server is away, and so are we
                    near.close()
                    continue
                threading.Thread(target=self._send, args=(near, far), daemon=True).start()
                threading.Thread(target=self._answer, args=(far, near), daemon=True).start()

    def _send(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, contextlib.suppress(OSError):
            while data := near.recv(2**16):
                passed = data[: int(min(len(data), max(self.limit - self._sent, 0)))]
                far.sendall(passed)
                self._sent += len(passed)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(2**16):
                near.sendall(data)
        with contextlib.suppress(OSError):  # also where the server was cut off
            near.shutdown(socket.SHUT_RDWR)

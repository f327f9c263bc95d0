"""A line between a browser and a server, which can be cut, mended, and made slow."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

BLOCK = 4096


class Line:
    """Passes bytes between a port of its own and a server's; `speed` is in bytes a second."""

    def __init__(self) -> None:
        self.port = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.speed: float = 0
        self.is_cut = False
        self.ends: set[socket.socket] = set()
        self.pause = threading.Event()
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._thread(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.cut()
        self.pause.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)

    def cut(self) -> None:
        """End all connections, and let no other one through."""
        self.is_cut = True
        for end in list(self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let connections through again."""
        self.is_cut = False

    def _thread(self, target, *given) -> None:
        thread = threading.Thread(target=target, args=given, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.ends |= {near, far}
            self._thread(self._connect, near, far)

    def _connect(self, near: socket.socket, far: socket.socket) -> None:
        up = threading.Thread(target=self._pass, args=(near, far, False), daemon=True)
        up.start()
        self._pass(far, near, True)
        up.join()
        self.ends -= {near, far}
        near.close()
        far.close()

    def _pass(self, source: socket.socket, target: socket.socket, is_down: bool) -> None:
        with suppress(OSError):
            while block := source.recv(BLOCK):
                if is_down and self.speed:
                    self.pause.wait(len(block) / self.speed)
                target.sendall(block)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

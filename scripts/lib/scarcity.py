"""What a run lacks while it is disturbed: descriptors, room on its disk, a network that keeps its promises.

Everything here belongs to the one who makes it, and is gone when that is closed.
"""

import asyncio
import os
import pathlib
import resource
import socket
import subprocess
import threading
import time


class Proxy:
    """Passes TCP connections on at a bounded rate, all of them together, and cuts all when it is told to."""

    def __init__(self, target, rate):
        """`rate` is in bytes a second, in each direction."""
        self.target, self.rate = target, rate
        self.loop = asyncio.new_event_loop()
        self.writers = set()
        self.free_at = [0.0, 0.0]
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 16))
        self.port = self.server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def _serve(self, reader, writer):
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 16)
        except OSError:
            # The coordinator is down; the worker tries again.
            writer.close()
            return
        pair = {writer, there_writer}
        self.writers |= pair
        try:
            await asyncio.wait(
                [asyncio.ensure_future(self._pass(reader, there_writer, 0)),
                 asyncio.ensure_future(self._pass(there_reader, writer, 1))], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        finally:
            self.writers -= pair
            for each in pair:
                each.close()

    async def _pass(self, reader, writer, direction):
        try:
            while data := await reader.read(1 << 14):
                now = time.monotonic()
                self.free_at[direction] = max(now, self.free_at[direction]) + len(data) / self.rate
                await asyncio.sleep(self.free_at[direction] - now)
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass

    def cut(self):
        """Ends all connections at once."""
        def end():
            for writer in list(self.writers):
                writer.transport.abort()
        self.loop.call_soon_threadsafe(end)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=5)


class Crowd:
    """Connections that say nothing, made again as they are ended."""

    def __init__(self, ports, count):
        self.ports, self.count, self.is_over = ports, count, threading.Event()
        self.made = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        idle = []
        while not self.is_over.is_set():
            idle = [each for each in idle if not self._is_ended(each)]
            while len(idle) < self.count and not self.is_over.is_set():
                try:
                    one = socket.create_connection(("127.0.0.1", self.ports[self.made % len(self.ports)]), timeout=1)
                except OSError:
                    break
                one.setblocking(False)
                idle.append(one)
                self.made += 1
                time.sleep(0.005)
            time.sleep(0.02)
        for each in idle:
            each.close()

    @staticmethod
    def _is_ended(one):
        try:
            while data := one.recv(4096):
                pass
        except BlockingIOError:
            return False
        except OSError:
            pass
        one.close()
        return True

    def close(self):
        self.is_over.set()
        self.thread.join(timeout=5)


class SmallDisk:
    """A file system of so many megabytes in memory, which can be filled up for a while. Only root can make one."""

    def __init__(self, path, megabytes):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "selmix-chaos", str(self.path)], check=True)
        self.filler = self.path / "filler"
        self.full_until = 0.0

    def fill(self, seconds):
        with open(self.filler, "wb", buffering=0) as filler:
            for block in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        filler.write(b"\0" * block)
                except OSError:
                    pass
        self.full_until = time.monotonic() + seconds

    def look(self):
        """Makes room again when it is time to."""
        if self.full_until and time.monotonic() >= self.full_until:
            self.empty()

    @property
    def is_full(self):
        return self.full_until > 0

    def empty(self):
        self.filler.unlink(missing_ok=True)
        self.full_until = 0.0

    def close(self):
        subprocess.run(["umount", "--lazy", str(self.path)], check=False)


def limit_files(count):
    """For a child process, before its program starts."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    return limit if count else None


def is_root():
    return os.geteuid() == 0

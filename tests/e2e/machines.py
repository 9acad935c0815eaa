"""The bot as several processes on one Postgres: web processes behind a balancer, and workers."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import requests
from e2e_house import House, free_port, wait_until
from postgres import Postgres

from bot.sandbox.players import wait_for

HOST = "127.0.0.1"


class Balancer:
    """Hands each connection to the next of the web processes, as any balancer in front of them would."""

    def __init__(self, port: int, backends: list[int]) -> None:
        self.handed: Counter[int] = Counter()
        self._backends = backends
        self._turn = count()
        self._listening = socket.create_server((HOST, port))
        self._thread = Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Balancer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            Thread(target=self._hand_over, args=(client,), daemon=True).start()

    def _hand_over(self, client: socket.socket) -> None:
        for _ in self._backends:
            backend = self._backends[next(self._turn) % len(self._backends)]
            try:
                server = socket.create_connection((HOST, backend))
            except OSError:
                continue
            self.handed[backend] += 1
            with client, server:
                answers = Thread(target=_pour, args=(server, client), daemon=True)
                answers.start()
                _pour(client, server)
                answers.join()
            return
        client.close()


def _pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while received := source.recv(65536):
            target.sendall(received)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@dataclass
class Machine:
    """One process of the bot. ``log`` is the file with what it says."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    port: int

    @property
    def executor(self) -> str | None:
        """The slot that a worker has, by its own log."""
        said = [json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.startswith("{")]
        slots = [line["worker"] for line in said if line.get("event") == "working"]
        return slots[-1] if slots else None


@dataclass
class Machines:
    """What runs. Web processes answer at the house's ``web_url``, by turns."""

    home: House
    server: Postgres
    database: str
    balancer: Balancer
    web_ports: list[int]
    running: dict[str, Machine] = field(default_factory=dict)

    def start(self, name: str, role: str, *, port: int | None = None) -> Machine:
        port = port or free_port()
        environment = self.home.environment | {"ONBOARDING_WEB__PORT": str(port), "ONBOARDING_LOG": "json"}
        log = self.home.place / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve", "--role", role],
                env=environment,
                cwd=self.home.place,
                stdout=out,
                stderr=out,
            )
        self.running[name] = Machine(name, process, log, port)
        return self.running[name]

    def start_all(self) -> None:
        """Two web processes and two workers, all at the same moment, on a database with nothing in it."""
        for number, port in enumerate(self.web_ports, 1):
            self.start(f"web-{number}", "web", port=port)
        for number in (1, 2):
            self.start(f"worker-{number}", "worker")
        for machine in self.running.values():
            if machine.name.startswith("web"):
                wait_until(machine.name, lambda machine=machine: self._is_ready(machine), 60)
            else:
                wait_until(machine.name, lambda machine=machine: self._is_working(machine), 60)

    def worker_of(self, executor: str) -> Machine:
        [found] = [one for one in self.running.values() if one.process.poll() is None and one.executor == executor]
        return found

    def kill(self, machine: Machine) -> None:
        machine.process.send_signal(signal.SIGKILL)
        machine.process.wait()

    def jobs(self, state: str) -> list[tuple[str, str]]:
        """The jobs in a state of the queue, each with the worker that has it."""
        rows = self.server.run(
            f"SELECT workflow_uuid, executor_id FROM dbos.workflow_status WHERE status = '{state}' ORDER BY created_at",
            self.database,
        )
        return [(job, executor) for job, executor in rows]

    def wait_for_a_long_job(self, *, seconds: float) -> tuple[str, str]:
        """Wait until a job has been running for so long; return it and the worker that has it."""
        since: dict[tuple[str, str], float] = {}

        def long() -> tuple[str, str] | None:
            now = time.monotonic()
            running = self.jobs("PENDING")
            for job in list(since.keys() - set(running)):
                del since[job]
            return next((job for job in running if now - since.setdefault(job, now) > seconds), None)

        found: tuple[str, str] = wait_for("a job that takes long", long)
        return found

    def stop(self) -> None:
        for machine in self.running.values():
            if machine.process.poll() is None:
                machine.process.terminate()
        for machine in self.running.values():
            try:
                machine.process.wait(20)
            except subprocess.TimeoutExpired:
                machine.process.kill()
                machine.process.wait()

    def said(self, event: str) -> list[dict[str, Any]]:
        """Every line of that event in all logs."""
        lines = [line for one in self.running.values() for line in one.log.read_text("utf-8").splitlines()]
        return [found for line in lines if line.startswith("{") and (found := json.loads(line))["event"] == event]

    def _is_ready(self, machine: Machine) -> bool:
        assert machine.process.poll() is None, machine.log.read_text("utf-8")
        try:
            return requests.get(f"http://{HOST}:{machine.port}/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def _is_working(self, machine: Machine) -> bool:
        assert machine.process.poll() is None, machine.log.read_text("utf-8")
        return machine.executor is not None


@contextmanager
def machines(home: House, server: Postgres, database: str) -> Iterator[Machines]:
    """Give the house a Postgres and a balancer; everything that was started is stopped at the end."""
    ports = [free_port(), free_port()]
    home.environment |= {
        "ONBOARDING_DATABASE_URL": server.url(database, scheme="postgres"),
        "ONBOARDING_WEB__PUBLIC_URL": home.web_url,
    }
    with Balancer(int(home.web_url.rpartition(":")[2]), ports) as balancer:
        built = Machines(home, server, database, balancer, ports)
        try:
            yield built
        finally:
            built.stop()


def seconds_until(look: Any, at_most: float) -> float:
    """Wait for something and return how long it took."""
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < at_most, f"it did not happen within {at_most:g} seconds"
        time.sleep(0.05)
    return time.monotonic() - began

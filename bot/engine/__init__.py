"""Durable jobs on dbos: the only package that imports it.

Jobs are short workflows with deterministic ids; nothing is pending while people think. A job killed in the middle is
run again by the next start, so what it does must bear that (the ledger and the state of the step see to it).
"""

from bot.engine.jobs import DurableJobs
from bot.engine.purge import JobPurge
from bot.engine.queue import JobQueue
from bot.engine.runner import Runner

__all__ = ["DurableJobs", "JobPurge", "JobQueue", "Runner"]

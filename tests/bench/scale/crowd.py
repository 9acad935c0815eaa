"""Open onboardings in the database of the settings, made by the core itself: ``python -m … KIND COUNT [FILE]``.

``waiting``: they wait for people at their first step, and count as shown; what a surface would write of them is not
written. ``shown``: the surfaces' jobs are run, here instead of by the queue, so their messages and issues exist;
``shown-at-load`` as well, with every manual step confirmed but the last. ``file``: each has been given FILE, and the
job that picks it up is enqueued. One line of JSON with their keys.
"""

import hashlib
import json
import sys
from contextlib import closing
from pathlib import Path

from dbos import DBOSClient
from sqlmodel import select

from bot.app import Application, build
from bot.engine.jobs import APPLICATION, QUEUE
from bot.logs import warnings_alone
from bot.onboarding.actors import Actor
from bot.onboarding.models import Onboarding, SurfaceRecord
from bot.onboarding.ports import Job
from bot.onboarding.start import StartRequest
from bot.settings import load_settings

MANAGER = Actor("slack", "slack:U0MANAGER", "manager")
MANUAL_STEPS = ("portal", "sofia_install", "sofia_login", "download")
SURFACES = ("slack", "jira")
FILE_PACK = "bench_files"


def main() -> None:
    """Make them and print their keys."""
    kind, count = sys.argv[1], int(sys.argv[2])
    with warnings_alone(), closing(build(load_settings())) as application:
        pack = FILE_PACK if kind == "file" else "telefonica_es"
        keys = [_start(application, pack, f"{kind}-{number}") for number in range(count)]
        if kind == "waiting":
            _count_as_shown(application, keys)
        elif kind == "shown-at-load":
            for key in keys:
                for step in MANUAL_STEPS:
                    application.onboardings.confirm(key, step, actor=MANAGER)
        _empty_queue(application)
        if kind == "file":
            _give(application, keys, Path(sys.argv[3]).resolve())
    sys.stdout.write(json.dumps(keys) + "\n")


def _start(application: Application, pack: str, name: str) -> str:
    """Start one whose first steps are all a person's: the file comes through the console, and there is no OFC."""
    # The file's name tells its root, so those that are given it differ in the partner instead.
    has_file = pack == FILE_PACK
    request = StartRequest(
        pack=pack,
        partner=name.upper() if has_file else "PARTNER-ONE",
        partner_email="operations@partner-one.example",
        client=f"Client {name}",
        root="ACME-IBERICA" if has_file else f"ROOT-{name}".upper(),
        tax_ids=["B00123455"],
        options={"ofc": False, "deposit": "console"},
        due=None,
    )
    return application.onboardings.start(request, MANAGER).key


def _give(application: Application, keys: list[str], file: Path) -> None:
    content = file.read_bytes()
    attached = {
        "name": file.name,
        "path": str(file),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    for key in keys:
        application.onboardings.hand_over(key, {"attached": attached}, actor=MANAGER)


def _count_as_shown(application: Application, keys: list[str]) -> None:
    with application.store.transaction() as session:
        numbers = [int(key.removeprefix("ONB-")) for key in keys]
        revisions = dict(session.exec(select(Onboarding.id, Onboarding.revision)).all())
        for number in numbers:
            for name in SURFACES:
                parent = f"C0ONBOARD:{number}.000000" if name == "slack" else f"ACT-{number}"
                seen = revisions[number]
                session.add(SurfaceRecord(onboarding_id=number, name=name, parent=parent, reported=seen, revision=seen))


def _empty_queue(application: Application) -> None:
    """Run what is enqueued, each surface of each onboarding once, and take it out of the queue."""
    client = DBOSClient(system_database_engine=application.store.engine, application_name=APPLICATION, lazy=True)
    try:
        while True:
            enqueued = client.list_workflows(queue_name=QUEUE, status="ENQUEUED", load_input=True, limit=5_000)
            if not enqueued:
                return
            for job in sorted({Job(*one.input["args"]) for one in enqueued}, key=lambda job: job.onboarding_id):
                application.run_job(job)
            client.delete_workflows([one.workflow_id for one in enqueued])
    finally:
        client.destroy()


if __name__ == "__main__":
    main()

"""The database and the packs in it: opened, brought to this version while nobody serves, looked through at a start."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog
from sqlmodel import select

from bot.engine import DurableJobs
from bot.engine.lock import database_lock, sole_runner
from bot.onboarding.errors import PackGone, SettingsError
from bot.onboarding.installation import require_not_moved
from bot.onboarding.models import Onboarding
from bot.onboarding.pack_archive import PackArchive
from bot.onboarding.packs import Packs
from bot.onboarding.store import Store
from bot.settings import Settings
from bot.steps.parameters import parameter_models

log = structlog.stdlib.get_logger()

# So many onboardings are named that cannot go on without their pack.
MOST_NAMED = 50


def open_database(settings: Settings, patience: float) -> tuple[Store, DurableJobs]:
    """Return the database with the queue in it, both brought to this version. Raises SettingsError.

    ``patience`` is how long to wait for a Postgres that does not answer yet, in seconds.
    """
    _make_data_dir(settings)
    store = Store(settings.database)
    jobs = DurableJobs(store.engine)
    try:
        store.wait(patience)
        prepare_database(store, jobs)
        require_not_moved(store)
    except SettingsError:
        store.close()
        raise
    return store, jobs


def prepare_database(store: Store, jobs: DurableJobs) -> None:
    """Bring our tables and the queue's to this version, whoever else does so at the same moment."""
    if store.schema_is_current():
        return
    with _nobody_serves(store), store.migrating():
        # Ours come last: where they are current the queue's are there too, also after a kill between the two.
        jobs.migrate()
        store.migrate()


def packs_of(settings: Settings, store: Store | None = None) -> Packs:
    """Return the operator packs that the settings install, and with a database those that onboardings began with."""
    directories = [settings.packs_dir] if settings.packs_dir else []
    archive = PackArchive(store) if store else None
    return Packs(directories, settings.data_dir / "packs", parameter_models(), archive=archive)


def tell_of_gone_packs(store: Store, packs: Packs) -> None:
    """Load the packs that open onboardings began with, and name those onboardings whose copy has vanished."""
    with store.reading() as session:
        began = select(Onboarding.pack, Onboarding.pack_digest).where(Onboarding.state == "open").distinct()
        for pack, digest in session.exec(began):
            try:
                packs.kept(pack, digest)
            except PackGone as gone:
                of_it = select(Onboarding).where(Onboarding.state == "open", Onboarding.pack_digest == digest)
                keys = ", ".join(row.key for row in session.exec(of_it.limit(MOST_NAMED)))
                log.error("pack_copy_gone", onboardings=keys, reason=str(gone))  # noqa: TRY400 - the reason says it all


@contextmanager
def _nobody_serves(store: Store) -> Iterator[None]:
    """Keep a bot of another version from serving while the schema changes. Raises SettingsError when one does."""
    with ExitStack() as held:
        if store.file is not None:
            held.enter_context(sole_runner(database_lock(store.file), setting="DATABASE_URL", of=store.file))
        yield


def _make_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise SettingsError(
            f"DATA_DIR: {settings.data_dir} cannot be made ({refused.strerror}). Give this account the right to, or "
            "set another."
        ) from refused

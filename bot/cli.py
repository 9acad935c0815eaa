"""The command line, put together from ``bot.commands``.

Exit status: 0 done or queued, 1 refused or blocked, 2 usage or configuration.
"""

import gc
import os
import sys

import typer

from bot.commands import databases, files, forms, onboardings, packs, servers

CHECK = "check"

# Everything heavy is imported by the command that needs it: `--help` and `pack validate` stay quick.

app = typer.Typer(
    name="onboarding-bot",
    help="Takes a partner's activation of a telecom operator from /onboard to the signed-off dossier.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for each in (servers, onboardings, forms, databases, files):
    app.add_typer(each.commands)
app.add_typer(packs.commands, name="pack", help="Operator packs: folders of YAML and SQL.", no_args_is_help=True)


def main() -> None:
    """Run the command line."""
    # Loading the libraries makes a hundred thousand objects that all stay: looking through them for garbage again and
    # again took a tenth of a short command's time.
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    except SystemExit as end:
        if CHECK in sys.argv[1:2] and isinstance(end.code, int):
            _end(end.code)
        raise


def _end(status: int) -> None:
    """End a check here: all it made is on disk, and to take the libraries down in order takes a tenth of its time."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

"""Databases on a Postgres server that the bench starts for itself."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from postgres import postgres

from ..peers import NotHere


@contextmanager
def databases() -> Iterator[Callable[[str | None], tuple[str, str]]]:
    """Start a server; give what makes an empty database, or a copy of one by name: its name and its address.

    Raises NotHere where no Postgres is installed.
    """
    numbers = itertools.count(1)
    try:
        with postgres(durable=True) as server:

            def fresh(template: str | None) -> tuple[str, str]:
                name = server.create(f"bench_{next(numbers)}", template=template or "template0")
                return name, server.url(name)

            yield fresh
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        raise NotHere(str(reason)) from reason

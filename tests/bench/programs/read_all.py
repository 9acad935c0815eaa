"""Reads every column of every table: ``read_all.py FILE``."""

import sys
from pathlib import Path

from pipeline.mdb import open_database

with open_database(Path(sys.argv[1])) as database:
    for table in database.tables:
        database.read(table)

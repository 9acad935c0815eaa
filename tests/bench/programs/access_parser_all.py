"""Reads every table with access-parser: ``access_parser_all.py FILE TABLE…``."""

import sys

from access_parser import AccessParser

database = AccessParser(sys.argv[1])
for table in sys.argv[2:]:
    database.parse_table(table)

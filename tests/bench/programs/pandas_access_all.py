"""Reads every table with pandas-access 0.0.1: ``pandas_access_all.py FILE TABLE…``.

It does not run as it is: its types need a name that NumPy 2 has no more, and NULL in a Long makes it fail, so each cell
is read as text; it takes a table's name apart at its spaces, so the names are given.
"""

import sys

import numpy as np

if not hasattr(np, "float_"):
    np.float_ = np.float64

import pandas_access

for table in sys.argv[2:]:
    pandas_access.read_table(sys.argv[1], table, converters_from_schema=False, dtype=str)

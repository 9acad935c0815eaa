"""Operator packs: a folder of YAML, SQL and guides that says everything about one operator."""

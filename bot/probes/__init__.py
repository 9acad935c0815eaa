"""Probes, read until they say done.

Where the company's own production chain does the work, a probe looks at it from outside (design, "watch").
"""

"""Pages and drawings that need nothing but themselves: what the dossier and the report of a check share.

Only arithmetic, style and templates: nothing here knows an onboarding or a chain.
"""

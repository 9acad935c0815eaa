"""``onboarding-bot check``: the chain on one file, offline, told in a terminal, as JSON and as a page with pictures."""

"""``python -m bot`` is ``onboarding-bot``."""

from bot.cli import main

main()

"""How the bot is put together from the settings: a module for each side, plain constructor calls, nothing at import."""

"""The bot: takes a partner's activation of a telecom operator from /onboard to the signed-off dossier."""

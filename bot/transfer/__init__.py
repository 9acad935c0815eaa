"""The partners' file server, spoken to in its own protocol; the port is bot.onboarding.transfer."""

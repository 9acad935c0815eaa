"""The bot under fire: killed at any point of an activation, between servers that fail; what is outside is counted."""

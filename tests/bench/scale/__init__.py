"""What ten thousand open onboardings cost: idle, a click, acknowledgements under load, a restart."""

"""The network that reads mouth shapes from sound: `python -m models.tools.sound.train`."""

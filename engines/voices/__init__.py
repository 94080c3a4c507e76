"""Text to speech: one adapter a voice, and what both share."""

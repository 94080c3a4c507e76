"""Another framework's bot with the same ears and voice, measured as our server is."""

"""From speech and mood to the states of a living face."""

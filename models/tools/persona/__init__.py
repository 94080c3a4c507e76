"""Synthetic portraits, rendered in Blender: `python -m models.tools.persona.build`."""

"""Mouth shapes from sound alone."""

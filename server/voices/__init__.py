"""Voices of one's own: kept, allowed, made and deleted."""

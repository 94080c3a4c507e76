"""Marks that nobody sees or hears: what a picture and a sound say about where they came from."""

"""Texts put into other languages."""

"""A project performed into films."""

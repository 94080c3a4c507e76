"""Engines that all sessions share: loaded and warmed once, and lent to each session."""

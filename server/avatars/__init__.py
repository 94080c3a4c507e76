"""The avatars of one server: where they lie, and how new ones are made."""

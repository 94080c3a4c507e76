"""A session written to a file, and sound read from one."""

"""How the files in models/data were made. Not installed: run from a clone of the repository."""

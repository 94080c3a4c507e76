"""A project: what is to be said and shown, as data and as a text file."""

"""Pictures that strangers send: what may be opened, and how it is stripped before it is."""

"""A client for programs: connect to a server, speak with its face, take sound and pictures."""

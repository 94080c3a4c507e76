"""The browser client, served as static files; no Python lives here."""

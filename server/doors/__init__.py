"""The face inside programs of other frameworks: what they import, each a module of its own."""

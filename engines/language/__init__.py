"""Texts: words, brackets, clauses, how numbers are spoken, what sentences mean."""

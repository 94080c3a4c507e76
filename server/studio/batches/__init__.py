"""One script for many people: a table's rows are filled into a project, and each is filmed."""

"""The words of the command line: each reads its options, does its work and says what came of it."""

"""Fuzzing: inputs that nobody thought of, guided by what code they reach (atheris, libFuzzer).

Each module of `targets` takes bytes to one place where the outside world comes in, and raises when
what came of it was not a named error. `python -m fuzz` looks for inputs that break one; what it
found is kept in `seeds`, which `test_seeds.py` replays with every run of the tests.
"""

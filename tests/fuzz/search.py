"""One target under libFuzzer, in this process: `python -m fuzz.search TARGET [libFuzzer options]`.

A file in place of the options replays that one input.
"""

from __future__ import annotations

import sys
import tempfile

import atheris  # type: ignore[import-untyped]

from fuzz.target import COMPILED, GROUNDS, SLOWEST, Target, load

_MEMORY = 3072  # MB; the photo's networks take one of them


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    target = _guided(name)
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as tokens:
        tokens.write("\n".join(f'"{_escaped(token)}"' for token in target.tokens))
        tokens.flush()
        bounds = [
            f"-max_len={target.most}", f"-timeout={SLOWEST}", f"-rss_limit_mb={_MEMORY}",
            "-print_final_stats=1", *([f"-dict={tokens.name}"] if target.tokens else []),
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *bounds, *options], target.check)
        atheris.Fuzz()


def _guided(name: str) -> Target:
    """The target, with the modules that guide the search instrumented as they are imported."""
    guides, compiled = list(GROUNDS[name].guides), list(COMPILED)
    with atheris.instrument_imports(guides, compiled, enable_loader_override=False):
        return load(name)


def _escaped(token: str) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in token.encode("utf-8", "surrogatepass")
    )


if __name__ == "__main__":
    main()

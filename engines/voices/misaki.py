"""English words to misaki's symbols, for the networks that were trained on them."""

from __future__ import annotations

from collections.abc import Sequence

from hibari.g2p import G2P  # type: ignore[import-untyped]

from visavis.engines.language.spoken import Written


class Reader:
    """Reads a clause; thread-safe once it is made."""

    def __init__(self) -> None:
        self._g2p = G2P()
        _ = self._g2p.oov  # loaded now rather than at the first rare word

    def symbols(self, clause: Sequence[Written]) -> list[tuple[str, int]]:
        """Every phoneme symbol with the index of the written word that it belongs to.

        The tokens of the G2P keep the text's spaces, so counting them counts spoken words.
        """
        owners = [i for i, written in enumerate(clause) for _ in written.spoken.split()]
        spoken = " ".join(written.spoken for written in clause if written.spoken)
        found: list[tuple[str, int]] = []
        word = 0
        for token in self._g2p.phonemize_tokens(self._g2p.tokenize(spoken)):
            readable = (token.phonemes or "") + (" " if token.whitespace else "")
            found += [(symbol, owners[word]) for symbol in readable]
            word += bool(token.whitespace)
        return found

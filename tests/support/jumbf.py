"""C2PA read by hand: JUMBF (ISO 19566-5), CBOR (RFC 8949), COSE (RFC 9052). Nothing of the SDK."""

from __future__ import annotations

from typing import Any


class Reader:
    """CBOR of definite lengths, which is all that C2PA writes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def value(self) -> Any:
        kind, length = self._head()
        if kind == 0:
            return length
        if kind == 1:
            return -1 - length
        if kind in (2, 3):
            taken = self._take(length)
            return taken if kind == 2 else taken.decode()
        if kind == 4:
            return [self.value() for _ in range(length)]
        if kind == 5:
            return {self.value(): self.value() for _ in range(length)}
        if kind == 6:
            return self.value()  # what the tag says is known
        return {20: False, 21: True, 22: None}[length]

    def _head(self) -> tuple[int, int]:
        first = self._take(1)[0]
        kind, short = first >> 5, first & 31
        if short < 24:
            return kind, short
        return kind, int.from_bytes(self._take(1 << (short - 24)))

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        assert len(taken) == count
        self._at += count
        return taken


def written(value: list[Any]) -> bytes:
    """A list of texts and byte strings as CBOR."""
    return _head(4, len(value)) + b"".join(
        _head(3, len(each.encode())) + each.encode()
        if isinstance(each, str)
        else _head(2, len(each)) + each
        for each in value
    )


def _head(kind: int, length: int) -> bytes:
    if length < 24:
        return bytes((kind << 5 | length,))
    size = next(n for n in range(4) if length < 1 << (8 << n))
    return bytes((kind << 5 | 24 + size,)) + length.to_bytes(1 << size)


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """Type and content of each box."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        assert size >= 8
        found.append((data[at + 4 : at + 8], data[at + 8 : at + size]))
        at += size
    return found


def superbox(content: bytes) -> tuple[str, list[tuple[bytes, bytes]]]:
    """Label of a jumb box, and the boxes in it."""
    (kind, description), *inner = boxes(content)
    assert kind == b"jumd"
    return description[17:].partition(b"\0")[0].decode(), inner


def tree(store: bytes) -> dict[str, Any]:
    """Of the last manifest in a store: each superbox's content by its label, assertions apart."""
    ((kind, content),) = boxes(store)
    assert kind == b"jumb"
    label, manifests = superbox(content)
    assert label == "c2pa"
    _, parts = superbox(manifests[-1][1])
    found: dict[str, Any] = {}
    for _, part in parts:
        name, inner = superbox(part)
        found[name] = (
            {superbox(each)[0]: each for _, each in inner}
            if (name == "c2pa.assertions")
            else inner[0][1]
        )
    return found

"""Train the network that reads mouth shapes from sound alone. A tool: nothing imports it.

In an environment of its own, from the root of the repository:

    apt-get install espeak-ng flite festival festvox-kallpc16k festvox-us-slt-hts
    .venv/bin/python -m bench.sound.sound_corpus out/sound/corpus.npz
    python -m venv out/torch && out/torch/bin/pip install torch==2.13.0 numpy==2.4.6 onnx==1.23.2
    out/torch/bin/python -m models.tools.sound.train out/sound/corpus.npz \
        models/data/sound_visemes.onnx

The first command makes labelled speech (4.5 minutes of one core), the second learns from it (9 to
16 minutes of one core). The same corpus gives the same bytes on the same kind of processor; piper
draws noise of its own, so a new corpus differs a little. `models/manifest.toml` holds the sha256
of the file that is shipped, `bench/sound/sound_visemes.py` says how good it is.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from . import export
from .augment import Corpus, Sequences, read

FRAMES: Final = 600  # of a sequence: 6 s
STEP: Final = 2  # frames that the network takes at once
DELAY: Final = (
    5  # frames: what it has heard when it tells of a frame, see engines/lips/sound_visemes.py
)
BATCH: Final = 16
RATE: Final = 3e-3
UNITS: Final = 128
DILATIONS: Final = (1, 2, 4, 8, 16, 32, 1)  # steps: it remembers 2.6 s

log = logging.getLogger(__name__)


class Network(torch.nn.Module):
    """Dilated causal convolutions over steps of two frames (Bai et al. 2018, "TCN").

    Each layer sees its input now and one and two dilations ago, and adds what it finds. Written
    as one product of matrices a layer, which a processor does ten times faster than a recurrence.
    """

    def __init__(self, bands: int, classes: int) -> None:
        super().__init__()
        self.front = torch.nn.Linear(bands * STEP, UNITS)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(3 * UNITS, UNITS) for _ in DILATIONS)
        self.head = torch.nn.Linear(UNITS, STEP * (classes + 1))
        with torch.no_grad():
            for part in (*self.layers, self.head):
                part.weight *= 0.3  # deep sums start small
        self._classes = classes

    def forward(self, mel: Any) -> tuple[Any, Any]:
        """(batch, frames, bands) -> (batch, frames, classes) logits and (batch, frames) jaw."""
        batch, frames, _ = mel.shape
        x = torch.relu(self.front(mel.reshape(batch, frames // STEP, -1)))
        for layer, dilation in zip(self.layers, DILATIONS, strict=True):
            past = torch.nn.functional.pad(x, (0, 0, 2 * dilation, 0))
            taps = [past[:, : -2 * dilation], past[:, dilation:-dilation], x]
            x = x + torch.relu(layer(torch.cat(taps, -1)))
        told = self.head(x).reshape(batch, frames, self._classes + 1)
        return told[..., : self._classes], told[..., self._classes]


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path, help="the .onnx file")
    parser.add_argument("--batches", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    corpus = read(options.corpus)
    network = train(corpus, options.batches)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    export.write(options.out, weights, corpus.names, DILATIONS, STEP)
    log.info("wrote %s: %d bytes", options.out, options.out.stat().st_size)


def train(corpus: Corpus, batches: int) -> Network:
    """A fixed number of batches, so that the result does not depend on the machine's speed."""
    torch.manual_seed(0)
    network = Network(corpus.power.shape[1], len(corpus.names))
    sequences = Sequences(corpus, 1, BATCH, FRAMES)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, batches, pct_start=0.12)
    loss = Loss(corpus)
    began = time.monotonic()
    for number in range(1, batches + 1):
        mel, kinds, jaw = (torch.from_numpy(part) for part in sequences.next())
        logits, opened = network(mel)
        total = loss(logits[:, DELAY:], opened[:, DELAY:], kinds[:, :-DELAY], jaw[:, :-DELAY])
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if number % 25 == 0:
            log.info("%5d %s %.0f s", number, loss.report(), time.monotonic() - began)
    network.eval()
    return network


class Loss:
    """Classes, the 15 visemes that they belong to, and the jaw."""

    def __init__(self, corpus: Corpus) -> None:
        self._groups = torch.from_numpy(corpus.groups)
        self._group = torch.from_numpy(corpus.groups.argmax(1))
        self._spread = float(np.var(corpus.jaw))
        self._sums = np.zeros(4)

    def __call__(self, logits: Any, opened: Any, kinds: Any, jaw: Any) -> Any:
        flat = kinds.flatten()
        fine = torch.nn.functional.cross_entropy(logits.flatten(0, 1), flat)
        grouped = torch.log(logits.softmax(-1) @ self._groups + 1e-6).flatten(0, 1)
        coarse = torch.nn.functional.nll_loss(grouped, self._group[flat])
        error = torch.mean((opened - jaw) ** 2) / self._spread
        right = (grouped.argmax(-1) == self._group[flat]).float().mean()
        self._sums += [1.0, *(float(value.detach()) for value in (coarse, error, right))]
        return 0.5 * fine + 0.5 * coarse + error

    def report(self) -> str:
        """Means since the last report."""
        count, coarse, error, right = self._sums
        self._sums[:] = 0.0
        return (
            f"viseme loss {coarse / count:.3f}, right {right / count:.3f}, jaw {error / count:.3f}"
        )


if __name__ == "__main__":
    main()

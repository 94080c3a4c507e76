"""Wait until a server has no session: until_empty.py ADDRESS TOKEN_FILE SECONDS.

Before a pod ends: nobody new is sent to it by then, and whoever talks may finish. It ends with 0 in
any case, since the pod goes afterwards whatever is said here.
"""

import re
import ssl
import sys
import time
import urllib.request
from pathlib import Path

SOON = 6.0  # s in which a load balancer may still send somebody
PACE = 2.0  # s


def sessions(address: str, token: str) -> float:
    """How many there are. Raises OSError where the server does not answer."""
    request = urllib.request.Request(
        f"{address}/metrics", headers={"Authorization": f"Bearer {token}"}
    )
    # Its certificate is made out to the public name, and this asks the machine itself.
    itself = ssl._create_unverified_context()
    with urllib.request.urlopen(request, timeout=5, context=itself) as answer:
        text = answer.read().decode()
    return sum(map(float, re.findall(r"^visavis_sessions(?:\{.*\})? (\S+)$", text, re.MULTILINE)))


def main(address: str, token_file: str, seconds: str) -> None:
    token = Path(token_file).read_text().strip()
    began = time.monotonic()
    while (waited := time.monotonic() - began) < float(seconds):
        try:
            if sessions(address, token) == 0 and waited >= SOON:
                return
        except OSError as error:
            print(f"the server does not answer: {error}", file=sys.stderr)
            return
        time.sleep(PACE)


if __name__ == "__main__":
    main(*sys.argv[1:])

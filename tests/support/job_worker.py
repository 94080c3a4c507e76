"""`visavis worker` with the works of tests, and leases that run out soon."""

import sys

from support.jobs import WORKS

from visavis.server.cli import main
from visavis.server.commands import jobs
from visavis.server.jobs import exchange

if __name__ == "__main__":
    vars(exchange)["LASTS"] = 3.0
    vars(jobs)["WORKS"] = WORKS
    sys.exit(main(["worker", *sys.argv[1:]]))

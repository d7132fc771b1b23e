"""Some cases of a kind in a process of their own: `worker.py KIND SEED START STOP`.

It prints a line of JSON when a case begins, and one when it has ended: what is missing at the end
was the death of the process.
"""

import faulthandler
import json
import os
import random
import signal
import sys
import tempfile
from pathlib import Path

# Seconds after which a case is stuck.
_LONGEST = 240


def main() -> None:
    kind, seed, start, stop = sys.argv[1], *map(int, sys.argv[2:5])
    report = os.fdopen(os.dup(1), "w", buffering=1)
    # What Rust prints when it panics goes where the case is.
    os.dup2(2, 1)
    from benchmarks.attack.kinds import KINDS, nth

    with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        for number in (nth(kind, index) for index in range(start, stop)):
            print(json.dumps({"begins": number}), file=report)
            faulthandler.dump_traceback_later(_LONGEST, exit=True)
            # What is left of an earlier command in this process must not end the next one.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            verdict = KINDS[kind].case(
                random.Random(f"{seed}/{kind}/{number}"), number, Path(folder)
            )
            print(
                json.dumps({"number": number, "ending": verdict.ending, "fault": verdict.fault}),
                file=report,
            )
        os.chdir("/")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Start-up time and idle memory of `seaworthy serve` on an empty folder, and how long a clean stop takes.

usage: bench/start_up.py [--binary build/seaworthy] [--runs 20]

Start-up: from exec to the first 200 of GET /health. Memory: VmRSS half a second later.
"""

import argparse
import pathlib
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request


def one_run(binary):
    with tempfile.TemporaryDirectory(prefix="start-up-") as folder:
        began = time.perf_counter()
        server = subprocess.Popen([binary, "serve", "--data", folder + "/data", "--listen", "127.0.0.1:0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        url = server.stdout.readline().strip()
        with urllib.request.urlopen(url + "/health", timeout=10) as answer:
            assert answer.status == 200
        started = time.perf_counter() - began
        time.sleep(0.5)
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        rss = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
        began = time.perf_counter()
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
        server.stdout.close()
        return started * 1e3, rss, (time.perf_counter() - began) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(pathlib.Path(__file__).resolve().parent.parent / "build/seaworthy"))
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    runs = [one_run(arguments.binary) for _ in range(arguments.runs)]
    for name, unit, values in zip(("start-up", "idle memory", "clean stop"), ("ms", "MB", "ms"), zip(*runs)):
        print(f"{name}: {statistics.median(values):.1f} {unit} at the median of {len(runs)}, {max(values):.1f} {unit} at most")


if __name__ == "__main__":
    main()

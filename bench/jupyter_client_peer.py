"""The peer of the benchmarks: the same kernel, driven by jupyter_client alone. One JSON line in, one out."""

import json
import resource
import sys
import time

from jupyter_client.blocking.client import BlockingKernelClient


def main() -> None:
    client = BlockingKernelClient(connection_file=sys.argv[1])
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        code = json.loads(line)["code"]
        received = 0

        def count(message: dict) -> None:
            nonlocal received
            received += len(message["content"].get("text", ""))

        started = time.perf_counter()
        client.execute_interactive(code, timeout=600, output_hook=count, store_history=False)
        ms = (time.perf_counter() - started) * 1000
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"ms": ms, "chars": received, "peakMiB": peak}), flush=True)


main()

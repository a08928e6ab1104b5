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
        request = json.loads(line)
        received = 0
        text = ""

        def count(message: dict) -> None:
            nonlocal received, text
            content = message["content"]
            received += len(content.get("text", ""))
            text = content.get("text") or content.get("data", {}).get("text/plain") or text

        started = time.perf_counter()
        client.execute_interactive(request["code"], timeout=600, output_hook=count, store_history=request["history"])
        ms = (time.perf_counter() - started) * 1000
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"ms": ms, "chars": received, "text": text[:1000], "peakMiB": peak}), flush=True)


main()

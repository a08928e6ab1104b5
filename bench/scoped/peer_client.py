"""Calls the peer: `python peer_client.py PORT`, then one JSON line for each measurement that is asked for on stdin."""

import json
import sys
import threading
import time

import httpx
import requests

url = f"http://127.0.0.1:{sys.argv[1]}"
session = requests.Session()  # keep-alive
client = httpx.Client()
ways = {
    "requests": lambda path, body: session.post(f"{url}/{path}", json=body).json(),
    "httpx": lambda path, body: client.post(f"{url}/{path}", json=body).json(),
}


def timed(call) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def at_once(n: int, call) -> float:
    threads = [threading.Thread(target=call) for _ in range(n)]
    return timed(lambda: ([t.start() for t in threads], [t.join() for t in threads]))


def measure(asked: dict) -> list[float]:
    way = ways[asked["way"]]
    if asked["what"] == "add":
        return [timed(lambda: way("add", {"a": 1.5, "b": 2})) for _ in range(asked["n"])]
    if asked["what"] == "double":
        values = [0.5] * asked["numbers"]
        return [timed(lambda: way("double", {"values": values})) for _ in range(asked["n"])]
    return [at_once(50, lambda: way("wait", {"seconds": 0.1})) for _ in range(asked["n"])]


for line in sys.stdin:
    print(json.dumps(measure(json.loads(line))), flush=True)

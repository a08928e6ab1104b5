"""The same functions behind FastAPI: `python peer_server.py PORT`."""

import sys
import time

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Two(BaseModel):
    a: float
    b: float


class Values(BaseModel):
    values: list[float]


class Seconds(BaseModel):
    seconds: float


@app.post("/add")
async def add(two: Two) -> dict[str, float]:
    return {"sum": two.a + two.b}


@app.post("/double")
async def double(given: Values) -> dict[str, list[float]]:
    return {"values": [2 * value for value in given.values]}


@app.post("/wait")
def wait(given: Seconds) -> float:
    time.sleep(given.seconds)
    return given.seconds


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)

"""FastAPI + scikit-learn: the same two models behind the same schema, as one would write it.

usage: api-peer.py TRAINING.ndjson PORT
"""

import json
import sys
import warnings
from typing import Literal

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

# Said once a tree, which would cost it half of its time.
warnings.filterwarnings("ignore")

OWN = ("temperature", "humidity", "pressure", "vibration")
NETWORK = ("packetLoss", "latency", "throughput", "connectionCount")


class Network(BaseModel):
    packetLoss: float
    latency: float
    throughput: float
    connectionCount: float


class Reading(BaseModel):
    id: str
    timestamp: str
    temperature: float
    humidity: float
    pressure: float
    vibration: float
    network: Network


class Request(BaseModel):
    readings: list[Reading]
    threshold: float = Field(0.7, ge=0, le=1)
    model: Literal["isolation-forest", "lof", "both"] = "both"


class Result(BaseModel):
    device: str
    timestamp: str
    confidence: float
    anomaly: bool


class Response(BaseModel):
    scored: int
    results: list[Result]


def row(reading: dict) -> list[float]:
    network = reading["network"]
    return [reading[m] for m in OWN] + [network[m] for m in NETWORK]


with open(sys.argv[1]) as lines:
    X = np.array([row(json.loads(line)) for line in lines])
scaler = StandardScaler().fit(X)
forest = IsolationForest(n_estimators=100, random_state=0).fit(scaler.transform(X))
lof = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(scaler.transform(X))
known = {
    "isolation-forest": np.sort(-forest.score_samples(scaler.transform(X))),
    "lof": np.sort(-lof.score_samples(scaler.transform(X))),
}

app = FastAPI()


@app.post("/api/v1/detect")
def detect(request: Request) -> Response:
    rows = scaler.transform(np.array([row(r.model_dump()) for r in request.readings]))
    evidence = np.zeros(len(rows))
    for name, model in (("isolation-forest", forest), ("lof", lof)):
        if request.model in (name, "both"):
            scores = -model.score_samples(rows)
            above = len(known[name]) - np.searchsorted(known[name], scores)
            evidence = np.maximum(evidence, -np.log10((above + 1) / (len(known[name]) + 1)))
    confidence = 0.01 / (0.01 + 10.0**-evidence)
    return Response(
        scored=len(rows),
        results=[
            Result(device=r.id, timestamp=r.timestamp, confidence=c, anomaly=c >= request.threshold)
            for r, c in zip(request.readings, confidence)
        ],
    )


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)

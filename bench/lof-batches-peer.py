"""scikit-learn's Local Outlier Factor score, batch by batch, on float32 matrices given as raw files.

usage: lof-batches-peer.py train.f32 test.f32 nFeatures size...
prints the fastest of 3 processor times of each batch size, in microseconds a sample
"""
import sys
import time

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

train, test, d, *sizes = sys.argv[1:]
X = np.fromfile(train, np.float32).reshape(-1, int(d))
Y = np.fromfile(test, np.float32).reshape(-1, int(d))
lof = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(X)

for size in map(int, sizes):
    # Single samples take it long.
    Z = Y[: min(len(Y), 100 * size)]
    best = float("inf")
    for _ in range(3):
        used = time.process_time()
        for i in range(0, len(Z), size):
            lof.score_samples(Z[i : i + size])
        best = min(best, (time.process_time() - used) / len(Z))
    print(best * 1e6)

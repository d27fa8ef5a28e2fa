"""scikit-learn's Local Outlier Factor, fit and score, on float32 matrices given as raw files.

usage: lof-peer.py train.f32 test.f32 nFeatures runs scores.f64
prints the fastest of `runs` times, on the clock and of all processors, in seconds after a warm-up on 2,000 rows
"""
import sys
import time

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

train, test, d, runs, out = sys.argv[1:]
X = np.fromfile(train, np.float32).reshape(-1, int(d))
Y = np.fromfile(test, np.float32).reshape(-1, int(d))


def fit_and_score(X, Y):
    return -LocalOutlierFactor(n_neighbors=20, novelty=True, n_jobs=-1).fit(X).score_samples(Y)


fit_and_score(X[:2000], Y[:2000])
seconds = []
processor = []
for _ in range(int(runs)):
    started, used = time.perf_counter(), time.process_time()
    scores = fit_and_score(X, Y)
    seconds.append(time.perf_counter() - started)
    processor.append(time.process_time() - used)
scores.astype(np.float64).tofile(out)
print(min(seconds), min(processor))

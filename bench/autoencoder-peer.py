"""The same autoencoder in PyTorch on the CPU: layers, initial scale, Adam, batches, epochs.

usage: autoencoder-peer.py data.f32 nFeatures hidden,hidden,… batchSize epochs learningRate threads seeds
prints seconds of the fastest training and the mean squared error over all samples after each
"""
import math
import sys
import time

import numpy as np
import torch

path, d, hidden, batch_size, epochs, rate, threads, seeds = sys.argv[1:]
torch.set_num_threads(int(threads))
sizes = [int(d), *map(int, hidden.split(",")), int(d)]
X = torch.from_numpy(np.fromfile(path, np.float32).reshape(-1, int(d)))


def train(seed, epochs):
    torch.manual_seed(seed)
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        layer = torch.nn.Linear(n_in, n_out)
        torch.nn.init.uniform_(layer.weight, -math.sqrt(3 / n_in), math.sqrt(3 / n_in))
        torch.nn.init.zeros_(layer.bias)
        layers += [layer, torch.nn.Tanh()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), lr=float(rate))
    size = int(batch_size)
    started = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for i in range(0, len(X), size):
            batch = X[order[i : i + size]]
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(network(batch), batch)
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - started
    with torch.no_grad():
        return seconds, torch.nn.functional.mse_loss(network(X), X).item()


train(0, 1)
runs = [train(seed, int(epochs)) for seed in range(int(seeds))]
print(min(seconds for seconds, _ in runs), *(loss for _, loss in runs))

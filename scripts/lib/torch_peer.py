"""What someone would write in PyTorch instead: the same training step, gain and validation, for scripts/benchmark.

    torch_peer.py step --processes 2 --precision bfloat16    DistributedDataParallel over gloo, one thread a process
    torch_peer.py step --threads 2                           one process
    torch_peer.py gain | validation --threads 2

Prints one JSON object. Data are made up, in memory, and the same for every kind of run.
"""

import argparse
import json
import os
import socket
import statistics
import time

import torch
import torch.distributed
import torch.multiprocessing
from torch.nn import functional


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["step", "gain", "validation"])
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--dimension", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--samples", type=int, default=32768, help="training samples; validation samples")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--seconds", type=float, default=4, help="how long to measure")
    return parser.parse_args()


def long_tailed_labels(samples, classes):
    """Each class has about 0.5 % fewer samples than the one before, and at least one."""
    shares = 0.995 ** torch.arange(classes, dtype=torch.float64)
    extra = torch.multinomial(shares, samples - classes, replacement=True)
    return torch.cat([torch.arange(classes), extra])


class Training:
    """Selective mixup of a linear head, as one process of several sees it."""

    def __init__(self, options, rank, features, labels):
        self.features = features
        self.amp = options.precision == "bfloat16"
        self.share = options.batch // options.processes
        self.generator = torch.Generator().manual_seed(1 + rank)
        classes = options.classes
        self.classes = classes
        # Samples by class, to pick one uniformly within its class.
        self.order = torch.argsort(labels, stable=True)
        self.counts = torch.bincount(labels, minlength=classes)
        self.starts = torch.cumsum(self.counts, 0) - self.counts
        # A distribution over class pairs that is peaked as those of gains are.
        weights = torch.randn(classes * classes, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
        self.cumulative = torch.cumsum(torch.softmax(2 * weights, 0), 0)
        head = torch.nn.Linear(features.shape[1], classes)
        self.model = torch.nn.parallel.DistributedDataParallel(head) if options.processes > 1 else head
        self.optimizer = torch.optim.SGD(head.parameters(), lr=3e-4, momentum=0.9, weight_decay=5e-4)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 1_000_000)

    def uniform(self):
        return torch.rand(self.share, generator=self.generator, dtype=torch.float64)

    def pick(self, classes):
        """One sample of each of these classes."""
        offset = (self.uniform() * self.counts[classes]).long()
        return self.features[self.order[self.starts[classes] + offset]]

    def step(self):
        pairs = torch.searchsorted(self.cumulative, self.uniform()).clamp_max(self.classes**2 - 1)
        label = torch.div(pairs, self.classes, rounding_mode="floor")
        partner = pairs - label * self.classes
        ratio = (0.6 + 0.4 * self.uniform()).float()[:, None]
        mixed = torch.lerp(self.pick(partner), self.pick(label), ratio)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.amp):
            logits = self.model(mixed)
        loss = functional.cross_entropy(logits.float(), label)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()


def train(rank, options, features, labels, port, result):
    torch.set_num_threads(options.threads)
    if options.processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        torch.distributed.init_process_group("gloo", rank=rank, world_size=options.processes)
    training = Training(options, rank, features, labels)
    for _ in range(5):
        training.step()
    start = time.perf_counter()
    training.step()
    # All processes must take the same number of steps.
    steps = torch.tensor(max(10, int(options.seconds / (time.perf_counter() - start))))
    if options.processes > 1:
        torch.distributed.broadcast(steps, 0)
    start = time.perf_counter()
    for _ in range(int(steps)):
        training.step()
    seconds = time.perf_counter() - start
    if rank == 0:
        result["samplesPerSecond"] = int(steps) * options.batch / seconds
    if options.processes > 1:
        torch.distributed.destroy_process_group()


def step(options):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(options.samples, options.dimension, generator=generator).relu_().share_memory_()
    torch.manual_seed(0)
    labels = long_tailed_labels(options.samples, options.classes).share_memory_()
    if options.processes == 1:
        result = {}
        train(0, options, features, labels, 0, result)
        return result
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with torch.multiprocessing.Manager() as manager:
        result = manager.dict()
        torch.multiprocessing.spawn(train, (options, features, labels, port, result), nprocs=options.processes)
        return dict(result)


def timed(options, body):
    """Median seconds of a call, after one that does not count."""
    torch.set_num_threads(options.threads)
    body()
    times = []
    end = time.perf_counter() + options.seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times), "leastSeconds": min(times)}


def gain(options):
    """The gain of all class pairs by three products of matrices, after two that make S and A."""
    generator = torch.Generator().manual_seed(0)
    k, d = options.classes, options.dimension
    means, weight = torch.randn(k, d, generator=generator), 0.05 * torch.randn(k, d, generator=generator)
    bias, gradient = torch.zeros(k), 0.01 * torch.randn(k, k, generator=generator)
    beta = 0.8

    def once():
        logits = torch.addmm(bias, means, weight.T)
        influence = (means @ means.T) @ gradient
        logits -= logits.amax(1, keepdim=True)
        e, f = torch.exp(beta * logits), torch.exp((1 - beta) * logits)
        expected = beta * ((e * influence) @ f.T) + (1 - beta) * (e @ (f * influence).T)
        return beta * influence.diagonal()[:, None] + (1 - beta) * influence.T - expected / (e @ f.T)

    with torch.no_grad():
        return timed(options, once)


def validation(options):
    """Confusion counts of a split, in chunks whose logits stay small."""
    generator = torch.Generator().manual_seed(0)
    k, d, n = options.classes, options.dimension, options.samples
    features, labels = torch.randn(n, d, generator=generator), torch.arange(n) % k
    weight, bias = 0.05 * torch.randn(k, d, generator=generator), torch.zeros(k)

    def once():
        counts = torch.zeros(k * k, dtype=torch.int64)
        for x, y in zip(features.split(4096), labels.split(4096)):
            predicted = torch.addmm(bias, x, weight.T).argmax(1)
            counts += torch.bincount(y * k + predicted, minlength=k * k)
        return counts

    with torch.no_grad():
        return timed(options, once)


if __name__ == "__main__":
    chosen = arguments()
    measured = {"step": step, "gain": gain, "validation": validation}[chosen.what](chosen)
    print(json.dumps({"torch": torch.__version__, **measured}))

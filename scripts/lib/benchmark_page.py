"""The figures of scripts/benchmark as a table, as a page and as a plot."""

import datetime
import math
import platform
import re
import subprocess

# Multiply-adds of the two products of a training step, logits and gradient, for one sample: 4 K d operations.
OPERATIONS_PER_SAMPLE = 4 * 1000 * 2048
# Of the head's gradient: what one worker sums at a time.
PIECES = 64
PRECISIONS = ["float32", "bfloat16"]


def number(value, unit=""):
    if value is None:
        return "-"
    if value >= 1000:
        text = f"{value:,.0f}"
    elif value >= 10:
        text = f"{value:.1f}"
    else:
        text = f"{value:.3f}"
    return f"{text} {unit}".strip()


def times(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


def inverse(ratio):
    return None if ratio is None else 1 / ratio


def ceiling(figures, precision):
    """Samples a second that the products alone would allow two cores."""
    rate = figures.median("kernels", f"{precision}Gflops")
    return None if rate is None else 2 * rate * 1e9 / OPERATIONS_PER_SAMPLE


def rows(figures):
    """What, ours, theirs, how many times better ours is."""
    found = []
    for precision in PRECISIONS:
        ours = f"step {precision}"
        rate = number(figures.median(ours, "samplesPerSecond"), "samples/s")
        for label, theirs in [
            ("one process, 2 threads", f"torch process {precision}"),
            ("DistributedDataParallel, 2 processes", f"torch ddp {precision}"),
        ]:
            found.append((
                f"training, {precision}, against {label}", rate,
                number(figures.median(theirs, "samplesPerSecond"), "samples/s"),
                times(figures.ratio(ours, "samplesPerSecond", theirs))))
    for threads in ["1", "2"]:
        found.append((
            f"gain of 1000 x 1000 pairs, {threads} thread" + ("s" if threads == "2" else ""),
            number(figures.median(f"gain {threads}", "seconds"), "s"),
            number(figures.median(f"torch gain {threads}", "seconds"), "s"),
            times(inverse(figures.ratio(f"gain {threads}", "seconds", f"torch gain {threads}")))))
    found.append((
        "validation of 20,000 samples, 2 threads", number(figures.median("validation", "seconds"), "s"),
        number(figures.median("torch validation", "seconds"), "s"),
        times(inverse(figures.ratio("validation", "seconds", "torch validation")))))
    return found


def limits(figures):
    """What, ours, what the machine allows, ours as a part of that."""
    found = []
    for precision in PRECISIONS:
        ours = figures.median(f"step {precision}", "samplesPerSecond")
        most = ceiling(figures, precision)
        share = figures.ratio(f"step {precision}", "samplesPerSecond", "kernels", f"{precision}Gflops")
        share = None if share is None else share * OPERATIONS_PER_SAMPLE / 2e9
        found.append((f"training, {precision}, 2 workers", number(ours, "samples/s"), number(most, "samples/s"), share))
    for precision in PRECISIONS:
        one, two = f"step {precision} 1 worker", f"step {precision}"
        share = figures.ratio(two, "samplesPerSecond", one)
        found.append((
            f"training, {precision}, 2 workers against twice 1 worker",
            number(figures.median(two, "samplesPerSecond"), "samples/s"),
            number(None if (rate := figures.median(one, "samplesPerSecond")) is None else 2 * rate, "samples/s"),
            None if share is None else share / 2))
    found.append((
        "gain, 1 thread", number(figures.median("gain 1", "gflops"), "GFLOP/s"),
        number(figures.median("gain 1", "peakGflops"), "GFLOP/s"), figures.ratio("gain 1", "gflops", "gain 1", "peakGflops")))
    found.append((
        "gradients received and summed", number(figures.median("aggregate", "GBPerSecond"), "GB/s"),
        number(figures.median("aggregate", "rawZeroMQGBPerSecond"), "GB/s"),
        figures.ratio("aggregate", "GBPerSecond", "aggregate", "rawZeroMQGBPerSecond")))
    found.append((
        "the same in bfloat16", number(figures.median("aggregate bfloat16", "GBPerSecond"), "GB/s"),
        number(figures.median("aggregate bfloat16", "rawZeroMQGBPerSecond"), "GB/s"),
        figures.ratio("aggregate bfloat16", "GBPerSecond", "aggregate bfloat16", "rawZeroMQGBPerSecond")))
    return [(what, ours, most, "-" if share is None else f"{100 * share:.0f} %") for what, ours, most, share in found]


def scaling(figures):
    """Samples a second of more workers over a network, by model: summed by the coordinator, and by the workers."""
    alone = figures.median("step bfloat16 1 worker", "samplesPerSecond")
    summed = figures.median("aggregate bfloat16", "GBPerSecond")
    if not alone or not summed:
        return []
    batch, gradient = 1024, 1000 * 2048 * 2 / 1e9
    found = []
    for gigabits in [10, 100]:
        network = gigabits / 8
        for workers in [2, 8, 32, 128]:
            computing = batch / (workers * alone)
            star = max(computing, workers * gradient / network, workers * gradient / summed)
            # Sums reach the coordinator in float32. A worker gets the others' parts of what it sums, and the weights.
            pieces = math.ceil(PIECES / workers) * workers / PIECES
            reduced = max(computing, 2 * gradient / network, (pieces + 1) * gradient / network, 2 * gradient / summed)
            found.append((
                f"{workers} workers, {gigabits} Gbit/s", number(batch / star), bound(star, computing, workers * gradient / network),
                number(batch / reduced), bound(reduced, computing, max(2, pieces + 1) * gradient / network)))
    return found


def bound(step, computing, network):
    return "computing" if step == computing else "the network" if step == network else "the coordinator"


def aligned(header, body):
    lines = [header, *body]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths)))
        for line in lines)


def table(figures):
    return (
        aligned(("", "selmix", "PyTorch", "times better"), rows(figures)) + "\n\n"
        + aligned(("", "selmix", "limit", "reached"), limits(figures)))


def markdown(header, body):
    lines = [header, ("---", *["---:"] * (len(header) - 1)), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(root, figures, load):
    """A line a property of the machine and of what was measured on it."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    cores = subprocess.run(["nproc"], capture_output=True, text=True).stdout.strip()
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s*(\d+)", file.read()).group(1)) / 1e6
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True).stdout.strip()
    kernels = figures.first("kernels") or {}
    peers = [figures.first(name)["torch"] for name in figures.results if name.startswith("torch")]
    bandwidth = number(figures.median("kernels", "memoryGBPerSecond"), "GB/s")
    rates = ", ".join(f"{number(figures.median('kernels', f'{p}Gflops'), 'GFLOP/s')} in {p}" for p in PRECISIONS)
    return [
        f"{model.group(1) if model else platform.processor()}, {cores} cores, {memory:.0f} GB, {platform.system()} "
        f"{platform.release()}",
        f"one core: {rates}; memory {bandwidth}",
        f"{kernels.get('matrixLibrary', '-')} ({kernels.get('instructionSet', '-')}), PyTorch {peers[0] if peers else '-'}",
        f"selmix {commit}, {datetime.date.today().isoformat()}, {load:.2f} other processes a core at the start",
    ]


def together(figures):
    """What it costs on one machine that workers sum."""
    ratio = figures.ratio("step bfloat16 by workers", "samplesPerSecond", "step bfloat16")
    if ratio is None:
        return ""
    return (
        f" Where all share two cores there is nothing to win: two workers that sum among themselves reach "
        f"{number(figures.median('step bfloat16 by workers', 'samplesPerSecond'), 'samples/s')} here, {100 * ratio:.0f} % of what they "
        "reach with the coordinator.")


def page(figures, machine_lines, rounds):
    large = figures.first("gain 8142")
    large_text = (
        f"At 8142 classes (iNaturalist) the gain takes {number(large['seconds'], 's')} on {large['threads']} threads, the "
        f"distribution {number(large['distributionSeconds'], 's')}, one round's {large['draws']:,} draws with their tables "
        f"{number(large['drawSeconds'], 's')}; the whole process needs {number(large['peakMemoryMB'], 'MB')} at most."
        if large else "The gain at 8142 classes was not measured.")
    models = scaling(figures)
    scaling_text = (
        "A model, not a measurement, in bfloat16 at a batch of 1024: a step takes as long as the slowest of the workers' computing "
        "(at the rate of one worker here), the gradients of all workers through the coordinator's network link, and their "
        "summing (at the rate above). Beside it the same with `cluster.reduction: workers`, where each worker sums some pieces of the "
        "gradient for all: a step then takes as long as its parts and the new weights take into one worker, or all sums into the "
        "coordinator, whatever the number of workers.\n\n"
        + markdown(("samples/s", "summed by the coordinator", "bound by", "summed by the workers", "bound by"), models)
        + "\n\nSo with a head of this size it pays from eight workers on. A batch of 1024 hardly has work for more; larger batches move "
        "all limits in proportion."
        + together(figures)
        if models else "Not modelled: its measurements are missing.")
    machine_text = "\n".join(f"- {line}" for line in machine_lines)
    missing = "".join(f"\nNot measured: {name}: {reason}\n" for name, reason in figures.failures.items())
    return f"""# Benchmarks

Made by `scripts/benchmark`, which anyone can run; do not edit. The shape is that of ImageNet-LT: 1000 classes, features of 2048
dimensions, batches of 1024.

![Training throughput and times beside PyTorch](BENCHMARKS.svg)

## Beside PyTorch

{markdown(("", "selmix", "PyTorch", "times better"), rows(figures))}

PyTorch does the same work with what it brings ([scripts/lib/torch_peer.py](scripts/lib/torch_peer.py)): draws class pairs, picks
and mixes samples, cross-entropy, SGD with momentum and a schedule, in bfloat16 by autocast; the gain by the same products of
matrices. selmix trains as in production: a coordinator and two worker processes over local sockets, 8 logical shards summed over
the canonical tree, a digest of the weights after every step, and the event log.

## Beside the machine's limits

{markdown(("", "selmix", "limit", "reached"), limits(figures))}

The limit of training is the two products of a step at the rate of one product of that shape, on both cores, with nothing
between. That of the gain is the rate of a plain product of its size; where the objective's gradient has few entries, some of
the operations that are counted are saved. That of sums is what plain ZeroMQ moves between the same processes. Memory is no
limit that is shown here, but is told below.

{large_text}

## How far one coordinator reaches

{scaling_text}

## Machine

{machine_text}

## How to read it

Every figure is the median of {rounds} round{"" if rounds == 1 else "s"}. Within a round ours and theirs run one after the other, and a
ratio is taken within a round, so that a machine that is slower for a while does not favour one of them. Rates of other
machines differ by more than most of the ratios do: measure on yours. What a run itself reaches is `samplesPerSecond` in its
`report.json`.
{missing}"""


# MARK: Plot

INK, FAINT, GRID = "#1f2933", "#66727f", "#d9dee3"
OURS, THEIRS = "#1769aa", ["#e0913a", "#f0c48a"]


def bars(left, top, width, title, unit, groups, height=17):
    """Groups of horizontal bars. A group is a label, its bars as (name, value, colour), and a limit or nothing."""
    values = [value for _, items, limit in groups for value in [*[item[1] for item in items], limit] if value]
    largest = max(values, default=1)
    # Names stand left of the bars, values right of them.
    start, length = left + 190, width - 190 - 75
    parts = [f'<text x="{left}" y="{top}" class="title">{title}</text>']
    y = top + 14
    for label, items, limit in groups:
        y += 20
        parts.append(f'<text x="{left}" y="{y}" class="group">{label}</text>')
        first = y + 6
        y = first
        for name, value, colour in items:
            middle = y + height / 2 + 4
            parts.append(f'<text x="{start - 8}" y="{middle}" class="name">{name}</text>')
            if value:
                size = length * value / largest
                parts.append(f'<rect x="{start}" y="{y}" width="{size:.1f}" height="{height - 3}" fill="{colour}"/>')
                parts.append(f'<text x="{start + size + 6:.1f}" y="{middle}" class="value">{number(value)}</text>')
            else:
                parts.append(f'<text x="{start + 6}" y="{middle}" class="value">not measured</text>')
            y += height
        if limit:
            x = start + length * limit / largest
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{first - 4}" y2="{y}" class="limit"/>')
            parts.append(f'<text x="{x + 6:.1f}" y="{first + height * len(items) - 5}" class="value">{number(limit)}</text>')
    parts.append(f'<line x1="{start}" x2="{start}" y1="{top + 14}" y2="{y}" class="axis"/>')
    parts.append(f'<text x="{start}" y="{y + 16}" class="unit">{unit}</text>')
    return "\n".join(parts), y + 16


def plot(figures):
    """Throughput above, times below, as one SVG."""
    width = 760
    training = [
        (
            precision,
            [
                ("selmix, 2 workers", figures.median(f"step {precision}", "samplesPerSecond"), OURS),
                ("PyTorch, 1 process", figures.median(f"torch process {precision}", "samplesPerSecond"), THEIRS[0]),
                ("PyTorch DDP, 2 processes", figures.median(f"torch ddp {precision}", "samplesPerSecond"), THEIRS[1]),
            ],
            ceiling(figures, precision),
        )
        for precision in PRECISIONS
    ]
    seconds = [
        (
            label,
            [("selmix", figures.median(ours, "seconds"), OURS), ("PyTorch", figures.median(theirs, "seconds"), THEIRS[0])],
            None,
        )
        for label, ours, theirs in [
            ("gain, 1 thread", "gain 1", "torch gain 1"), ("gain, 2 threads", "gain 2", "torch gain 2"),
            ("validation, 2 threads", "validation", "torch validation"),
        ]
    ]
    upper, end = bars(
        24, 34, width - 48, "Training on two cores", "samples a second; more is better; the line is what products alone allow",
        training)
    lower, end = bars(24, end + 44, width - 48, "Selection and validation", "seconds; less is better", seconds)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {end + 20}" width="{width}" height="{end + 20}" role="img">
<title>selmix beside PyTorch on two cores</title>
<style>
text {{ font: 12px system-ui, sans-serif; fill: {INK} }}
.title {{ font-size: 15px; font-weight: 600 }}
.group {{ font-weight: 600 }}
.name {{ text-anchor: end }}
.value, .unit {{ fill: {FAINT} }}
.axis {{ stroke: {GRID} }}
.limit {{ stroke: {INK}; stroke-dasharray: 3 3 }}
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
{upper}
{lower}
</svg>
"""

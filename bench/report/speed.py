"""How fast networks are, which differences are more than noise, and what determinism costs."""

from __future__ import annotations

from math import isfinite

from bench.results.runs import NO_SPEED, Results, Speed, Throughput
from bench.statistics.speed import SpeedRatio
from bench.timing.measure import CALLS_PER_ROUND, ROUNDS, THROUGHPUT_BATCH
from bench.writing.markdown import decimal, integer, milliseconds, quartile_range, table

MEBIBYTE = 2**20


def speed(results: Results) -> list[str]:
    """Throughput with verdicts, latency and memory of every network on every device."""
    baseline = results.request["baseline"]
    return [
        "## Speed",
        "",
        "### Training",
        "",
        *_throughput_table(results, baseline, "train"),
        "",
        "### Inference",
        "",
        *_throughput_table(results, baseline, "inference"),
        "",
        f"Samples per second at batch {THROUGHPUT_BATCH}, from stored pixels to updated weights "
        "(training) or to outputs (inference); on the CPU with one thread. The number is the "
        "median of all blocks of steps, the middle half lies between their quartiles. Outliers are "
        "blocks further than 1.5 times the quartiles' distance outside them (Tukey's fences); they "
        "are counted here and dropped nowhere. Throughput depends on the machine and on what else "
        "it does: compare within this table, not across reports.",
        "",
        *_noise_floor_paragraph(baseline),
        *_determinism(results, baseline),
        *_gpu(results),
        "",
        "### Latency and memory",
        "",
        *_latency_table(results),
        "",
        f"Latency is one sample at a time, over {CALLS_PER_ROUND * ROUNDS:,} single calls. Peak "
        "memory is what torch allocates at most in one training step at batch "
        f"{THROUGHPUT_BATCH}, weights and optimiser state included.",
    ]


def _speed(results: Results, model: str, device: str) -> Speed:
    return results.speeds.get((model, device), NO_SPEED)


def _throughput_table(results: Results, baseline: str, phase: str) -> list[str]:
    rows = []
    for runs in results.runs:
        speed = _speed(results, runs.model, runs.device)
        throughput = speed.train if phase == "train" else speed.inference
        rows.append(
            [f"`{runs.model}`", runs.device, *_measured(throughput, runs.model == baseline)]
        )
    return table(
        (
            *("network", "device", "samples/s >", "middle half >", "outliers >", "noise floor >"),
            *(f"times as fast as `{baseline}` >", "95% interval >", "verdict"),
        ),
        rows,
    )


def _measured(throughput: Throughput | None, is_baseline: bool) -> list[str]:
    if throughput is None:
        return ["-"] * 7
    return [
        integer(throughput.samples_per_second),
        quartile_range(throughput.quartiles),
        f"{throughput.outliers} of {throughput.blocks}",
        floor(throughput.noise_floor),
        *(["1", "-", "baseline"] if is_baseline else _compared(throughput.ratio)),
    ]


def _compared(ratio: SpeedRatio | None) -> list[str]:
    if ratio is None:
        return ["-"] * 3
    # A verdict of speed is bold, so that those that hold stand out among those that do not.
    verdict = ratio.verdict if ratio.verdict == "inconclusive" else f"**{ratio.verdict}**"
    return [f"{ratio.ratio:.3f}", interval(ratio), verdict]


def _noise_floor_paragraph(baseline: str) -> list[str]:
    return [
        "**What a noise floor is.** Time the same network twice and the two numbers differ, "
        "although nothing about the network does: the machine was doing something else as well. So "
        f"every network is timed twice in each of {ROUNDS} rounds, as if it were two networks. The "
        "noise floor is the largest difference that these two could have, by the 95% interval of "
        "their ratio. A difference between two networks that is not larger than that is one that a "
        "network shows from itself, and says nothing. `faster` and `slower` than "
        f"`{baseline}` are said only where the whole 95% interval of the ratio lies beyond the "
        "floors of both networks and the p value, after Holm's correction for the number of rows "
        "with the same device, is below 0.05. `inconclusive` does not mean equally fast; it means "
        "that this measurement cannot tell.",
        "",
        "All networks take turns in every round, in an order drawn anew, so that a machine that "
        "slows down slows all alike. Each block starts from the same first weights in fresh "
        "memory, because where its numbers happen to lie can make one network slower for as long "
        "as they lie there. The ratio is Hodges and Lehmann's estimate over the rounds, with "
        "Wilcoxon's interval and test.",
    ]


def _determinism(results: Results, baseline: str) -> list[str]:
    """What the flags cost that make every run end in the same bits."""
    lines = []
    for device in results.request["devices"]:
        ratio = _speed(results, baseline, device).free_over_deterministic
        if ratio is None:
            continue
        size = floor(ratio.noise_floor)
        meaning = {
            "faster": f"a price above the noise floor of {size}",
            "slower": f"a gain above the noise floor of {size}",
            "inconclusive": f"which is not told from 1: the noise floor is {size}",
        }[ratio.verdict]
        lines += [
            "",
            f"**The price of determinism** ({device}): with the flags that make a run repeat bit "
            f"for bit, a training step of `{baseline}` takes {ratio.ratio:.3f} times as long as "
            f"without them (95% interval {interval(ratio)}), {meaning}.",
        ]
    return lines


def _gpu(results: Results) -> list[str]:
    """Clock, power and temperature during the measurement, where the GPU tells them."""
    if "cuda" not in results.request["devices"]:
        return []
    measured = [
        throughput
        for (_, device), speed in results.speeds.items()
        for throughput in (speed.train, speed.inference)
        if device == "cuda" and throughput is not None
    ]
    # All were measured in the same rounds, so the first speaks for all.
    state = measured[0].gpu if measured else None
    if state is None:
        return ["", "The GPU's clock, power and throttling could not be read."]
    readings = [
        f"{name} {low:,.0f} to {high:,.0f} {unit}"
        for name, key, unit in (
            ("clock", "clock_mhz", "MHz"),
            ("power", "power_watts", "W"),
            ("temperature", "temperature_celsius", "°C"),
        )
        if state[key] is not None
        for low, high in [state[key]]
    ]
    reasons = state["throttle_reasons"]
    throttled = "not told" if reasons is None else ", ".join(reasons) or "none seen"
    return ["", f"GPU after each round: {', '.join([*readings, f'throttling {throttled}'])}."]


def _latency_table(results: Results) -> list[str]:
    rows = []
    for runs in results.runs:
        speed = _speed(results, runs.model, runs.device)
        rows.append(
            [
                f"`{runs.model}`",
                runs.device,
                milliseconds(speed.latency_p50_seconds),
                milliseconds(speed.latency_p95_seconds),
                milliseconds(speed.latency_p99_seconds),
                decimal(speed.peak_memory_bytes and speed.peak_memory_bytes / MEBIBYTE, 2),
            ]
        )
    return table(
        (
            *("network", "device", "latency p50, ms >", "p95, ms >", "p99, ms >"),
            "peak memory, MiB >",
        ),
        rows,
    )


def floor(fraction: float) -> str:
    """A noise floor in percent, or a dash where there are too few rounds for one."""
    return f"{100 * fraction:.1f}%" if isfinite(fraction) else "-"


def interval(ratio: SpeedRatio) -> str:
    """The interval of a ratio, or a dash where there are too few rounds for one."""
    return f"{ratio.low:.3f} to {ratio.high:.3f}" if isfinite(ratio.high) else "-"

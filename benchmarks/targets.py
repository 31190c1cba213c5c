"""The targets: each measures a piece of work beside its reference and says whether it is met."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from benchmarks import generate, work
from benchmarks.measure import Cost, cost, side_by_side
from benchmarks.network import network
from benchmarks.scale import HAIRPIN, PYTHON, Row, Scale


def logs(folder: Path, scale: Scale) -> list[Row]:
    """Scanning a log for every pattern, beside grep for the same texts; and memory as the log grows."""
    literals = work.literals()
    (folder / "literals").write_text("".join(f"{one}\n" for one in literals))
    rows = []
    for size in sorted({max(1, scale.logs // 10), scale.logs}):
        path = folder / f"k3s-{size}.log"
        planted = generate.log(path, size, literals)
        ours, theirs = side_by_side(
            (PYTHON, "-m", "benchmarks.work", "logs", str(path)),
            ("grep", "-c", "-F", "-f", str(folder / "literals"), str(path)),
            scale.repeats,
        )
        ratio = ours.cpu / theirs.cpu
        counted = theirs.output.strip()
        rows.append(
            Row(
                id="logs",
                work=f"{size} MB of log, {len(literals)} patterns",
                ours=ours.cpu,
                theirs=theirs.cpu,
                reference="grep -c -F -f",
                ratio=ratio,
                rss=ours.rss,
                target="≤ 2×, ≤ 200 MB",
                met=ratio <= 2 and ours.rss <= 200 and str(planted) == counted,
                found=f"{ours.output.strip()}; grep {counted}",
            )
        )
        path.unlink()
    return rows


def packed(folder: Path, scale: Scale) -> list[Row]:
    """A whole report on a compressed bundle, beside decompressing it; with gzip also as it is where isal is missing."""
    literals = work.literals()
    tree = folder / "bundle"
    size = generate.bundle(tree, 10, scale.bundle, planted=literals[:1])
    without = (PYTHON, "-c", "import sys; sys.modules['isal'] = None; from analyzer.cli import main; main()")
    rows = []
    for suffix, command, variants in (
        (".gz", "gzip", (("", HAIRPIN), (", without isal", without))),
        (".xz", "xz", (("", HAIRPIN),)),
    ):
        archive = folder / f"bundle.tar{suffix}"
        generate.pack(tree, archive)
        out = ("--format", "json", "-o", str(folder / "report.json"), "--fail-on", "never")
        for told, hairpin in variants:
            ours, theirs = side_by_side(
                (*hairpin, "report", str(archive), *out),
                ("sh", "-c", f"{command} -dc {archive} >/dev/null"),
                scale.repeats,
            )
            ratio = max(0.0, ours.cpu - 2) / theirs.cpu
            rows.append(
                Row(
                    id="packed",
                    work=f"report on {size // 1_000_000} MB as tar{suffix}{told}",
                    ours=ours.cpu,
                    theirs=theirs.cpu,
                    reference=f"{command} -dc",
                    ratio=ratio,
                    rss=ours.rss,
                    target="≤ 1.5× plus 2 s (ratio less 2 s)",
                    met=ratio <= 1.5 and ours.status == 0,
                    found=_failed(ours),
                )
            )
        archive.unlink()
    return rows


def iptables(folder: Path, scale: Scale) -> list[Row]:
    """kube-proxy's rules to typed rules, beside Lark on every record."""
    rows = []
    few = folder / "few.txt"
    few.write_text(generate.iptables(200))
    naive = _seconds(cost((PYTHON, "-m", "benchmarks.work", "naive", str(few)), scale.repeats).output)
    slow = few.read_text().count("\n-A ") / naive
    for services in sorted({max(1, scale.services // 10), scale.services}):
        path = folder / "iptables-save.txt"
        path.write_text(generate.iptables(services))
        rules = path.read_text().count("\n-A ")
        ours = cost((PYTHON, "-m", "benchmarks.work", "artifact", "iptables-save", str(path)), scale.repeats)
        seconds = _seconds(ours.output)
        rows.append(
            Row(
                id="iptables",
                work=f"{rules:,} rules of {services:,} Services: {rules / seconds:,.0f} rules/s",
                ours=seconds,
                theirs=rules / slow,
                reference=f"Lark on every record ({slow:,.0f} rules/s)",
                ratio=seconds * slow / rules,
                rss=ours.rss,
                target="≥ 70,000 rules/s (15 times Lark), ≤ 400 MB",
                met=rules / seconds >= 70_000 and seconds * slow / rules <= 1 / 15 and ours.rss <= 400,
                found=ours.output.strip(),
            )
        )
    return rows


def pods(folder: Path, scale: Scale) -> list[Row]:
    """A pod list to facts, beside the standard library's json."""
    path = folder / "pods.json"
    path.write_bytes(generate.pods(scale.pods))
    size = path.stat().st_size / 1_000_000
    ours, theirs = side_by_side(
        (PYTHON, "-m", "benchmarks.work", "artifact", "kubectl-json", str(path)),
        (PYTHON, "-m", "benchmarks.work", "json", str(path)),
        scale.repeats,
    )
    seconds, plain = _seconds(ours.output), _seconds(theirs.output)
    return [
        Row(
            id="json",
            work=f"{size:.0f} MB pod list",
            ours=seconds,
            theirs=plain,
            reference=f"json.loads ({theirs.rss:.0f} MB)",
            ratio=seconds / plain,
            rss=ours.rss,
            target="≤ 1.5 s for 156 MB, ≤ 2× the file",
            met=seconds / size * 156 <= 1.5 and ours.rss <= 2 * size + 60,
            found=ours.output.strip(),
        )
    ]


def rules(folder: Path, scale: Scale) -> list[Row]:
    """Every shipped rule over the facts of a cluster, at two sizes: the cost must grow no faster than the facts."""
    rows = []
    for nodes, services, pods_, lines in ((25, 400, 2000, 1600), (100, 1000, 5000, 4000)):
        sizes = [str(one) for one in (nodes, services, pods_, lines)]
        ours = cost((PYTHON, "-m", "benchmarks.work", "rules", *sizes), scale.repeats)
        rows.append(
            Row(
                id="rules",
                work=ours.output.strip().split(" seconds")[0].rsplit(",", 1)[0],
                ours=_seconds(ours.output),
                rss=ours.rss,
                target="≤ 2 s",
                met=_seconds(ours.output) <= 2,
                found=ours.output.strip(),
            )
        )
    return rows


def paths(folder: Path, scale: Scale) -> list[Row]:
    """Every Service from every node and from a pod there, forth and back: twice the Services, twice the nodes."""
    rows = []
    services = max(50, scale.services // 10)
    for nodes, count in ((10, services), (10, 2 * services), (20, services)):
        place = folder / f"network-{nodes}-{count}"
        network(place, nodes, count)
        ours = cost((PYTHON, "-m", "benchmarks.work", "paths", str(place)), scale.repeats)
        seconds = _seconds(ours.output)
        verdicts = int(ours.output.split()[0])
        rows.append(
            Row(
                id="paths",
                work=f"{nodes} nodes × {count:,} Services: {verdicts:,} verdicts, "
                f"{seconds / verdicts * 1000:.3f} ms each; a million in {seconds / verdicts * 1_000_000:,.0f} s",
                ours=seconds,
                rss=ours.rss,
                target="≤ 120 s for a million on 2 cores",
                met=seconds / verdicts * 1_000_000 <= 120,  # by one process
                found=ours.output.strip(),
            )
        )
    big = folder / "big"
    network(big, 1, scale.services * 5 // 4, 3)
    ours = cost((PYTHON, "-m", "benchmarks.work", "trace", str(big)), scale.repeats)
    seconds = _seconds(ours.output)
    size = (big / "nodes" / "node-0" / "iptables-save.txt").stat().st_size / 1_000_000
    rows.append(
        Row(
            id="trace",
            work=f"first packet after loading {size:.0f} MB of rules of {scale.services * 5 // 4:,} Services",
            ours=seconds,
            rss=ours.rss,
            target="≤ 0.1 s",
            met=seconds <= 0.1,
            found=ours.output.strip(),
        )
    )
    return rows


def start(folder: Path, scale: Scale) -> list[Row]:
    """The help text, a small report, and the first of its kind; the goals are wall seconds."""
    tree = folder / "small"
    generate.bundle(tree, 1, 1, services=20)
    for log in tree.rglob("*.log"):  # which come in blocks of 3.5 MB
        log.write_bytes(log.read_bytes()[:860_000].rpartition(b"\n")[0] + b"\n")
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) / 1_000_000
    report = (*HAIRPIN, "report", str(tree), "-o", str(folder / "small.html"), "--fail-on", "never")
    rows = []
    python = cost((PYTHON, "-c", "pass"), 5)
    for name, command, limit in (
        ("hairpin --help", (*HAIRPIN, "--help"), 0.2),
        (f"report on a {size:.1f} MB bundle", report, 0.7),
        ("the same without a cache", ("env", "HAIRPIN_CACHE=", *report), None),
    ):
        cost(command, 1)  # fills the cache, as any first run does
        ours = cost(command, max(3, scale.repeats))
        rows.append(
            Row(
                id="start",
                work=f"{name}: {ours.wall:.2f} s wall",
                ours=ours.cpu,
                theirs=python.cpu,
                reference="python -c pass",
                ratio=ours.cpu / python.cpu,
                rss=ours.rss,
                target=f"≤ {limit} s wall" if limit else "",
                met=ours.wall <= limit and ours.status == 0 if limit else None,
                found=_failed(ours),
            )
        )
    return rows


def _failed(done: Cost) -> str:
    return f"exit status {done.status}" if done.status else ""


def _seconds(output: str) -> float:
    found = re.search(r"([\d.]+) seconds", output)
    if found is None:
        raise RuntimeError(f"the measured command failed: {output!r}")
    return float(found[1])


TARGETS: dict[str, Callable[[Path, Scale], list[Row]]] = {
    "logs": logs,
    "packed": packed,
    "iptables": iptables,
    "json": pods,
    "rules": rules,
    "paths": paths,
    "start": start,
}

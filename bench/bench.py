#!/usr/bin/env python3
"""bench.py: what `./dev bench [NAME...]` runs: one table on standard output, the same as JSON in a file.

Each benchmark is a function that gives figures (measure.py) or raises NotMeasured; this file only chooses among them and
shows what they found. docs/bench.md says what each means. Status 1 if a benchmark could not run; a target that is not met
is a line of the table, not a failure.
"""
import argparse
import json
import os
import platform
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left in the source folder

import kernels
import measure
import published_way
import ruler
import serve
import training
import using

BENCHMARKS = {
    "capture": training.capture,
    "kernels": kernels.kernels,
    "rendering": training.rendering,
    "memory": training.memory,
    "all-axes": training.all_axes,
    "sharing": training.sharing,
    "solver": training.solver,
    "ranks": training.ranks,
    "run": using.run,
    "serve": serve.measure,
    "ruler": ruler.ruler,
    "torch": published_way.torch,
}
ON_REQUEST = {"torch", "kernels", "ruler"}  # take long, or parts that nothing else needs: measured only when named


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures trimtab against its peers, in turns.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="benchmarks to run; all but 'torch', 'kernels' and 'ruler' if none is named")
    parser.add_argument("--list", action="store_true", help="say which there are, and stop")
    parser.add_argument("--build", default="build/release", help="folder that trimtab was built in (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", default="build/bench.json",
                        help="where the figures go (default: %(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="turns of each side; below 5 is for trying out only")
    parser.add_argument("-t", "--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="threads of both sides (default: as many as there are processors)")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark '{name}'; there are {', '.join(BENCHMARKS)}")
    if arguments.repetitions < 1 or arguments.threads < 1:
        parser.error("--repetitions and --threads take 1 or more")
    return arguments


def write_json(path, contents):
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, prefix=".bench-") as file:
        json.dump(contents, file, indent=2)
        file.write("\n")
    os.replace(file.name, path)


def run_all(bench, names, path):
    """Runs one after another. The JSON file is written after each, so that a run which is stopped leaves what it had."""
    rows, figures, missing = [], [], []
    for name in names:
        measure.say(f"{name}: {BENCHMARKS[name].__doc__.splitlines()[0]}")
        try:
            for figure in BENCHMARKS[name](bench):
                rows.append(measure.row_of(name, figure))
                figures.append(measure.json_of(name, figure))
        except measure.NotMeasured as reason:
            measure.say(f"{name}: not measured: {reason}")
            rows.append([name, f"not measured: {reason}"])
            missing.append({"benchmark": name, "why": str(reason)})
        write_json(path, {
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "threads": bench.threads,
            "repetitions": bench.repetitions,
            "model": os.path.basename(os.environ.get("TRIMTAB_MODEL", "")),
            "figures": figures,
            "not_measured": missing,
        })
    measure.print_table(rows)
    measure.say(f"the figures are in {path}")
    return not missing


def main():
    arguments = parse()
    if arguments.list:
        for name, function in BENCHMARKS.items():
            print(f"{name:10}{function.__doc__.splitlines()[0]}{' (only when named)' if name in ON_REQUEST else ''}")
        return 0
    names = list(dict.fromkeys(arguments.names)) or [name for name in BENCHMARKS if name not in ON_REQUEST]
    with tempfile.TemporaryDirectory(prefix="trimtab-bench-") as folder:
        bench = measure.Bench(arguments.build, arguments.repetitions, arguments.threads, folder)
        return 0 if run_all(bench, names, arguments.json) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

"""kernels.py: on which of ggml's CPU libraries, and in which formats, a token's numbers depend on what comes with it.

The tables of docs/capture.md, in Markdown, on standard output. bench_kernels.c does the computing, one library a process.
"""
import glob
import json
import os
import subprocess

import measure
from measure import Figure, NotMeasured

GROUP = 8  # TT_TREE_BATCH_GROUP of src/model/tree_batch.h
TILES = {"GGML_CPU_TILED_MM_FORCE": "1"}  # what tt_engine_even_experts sets
OPS = {"mul_mat": "weights", "mul_mat_id": "weights of experts", "flash_attn_ext": "keys and values",
       "row by row": "norms, positions, activations"}


def ask(program, library, *op, environment=None):
    """What bench_kernels found for a library; None where this processor cannot run it."""
    result = subprocess.run([program, library, *op], capture_output=True, text=True, check=False,
                            env={**os.environ, **(environment or {})})
    if result.returncode == 2:
        return None
    if result.returncode:
        raise NotMeasured(f"bench_kernels failed on {library}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def chosen(found):
    """(op, format) -> (group, repacked?): of every shape in the place where libllama would put it, the worst."""
    places, worst = {}, {}
    for entry in found:  # extra buffers come first
        places.setdefault((entry["op"], entry["format"], entry["width"], entry["outputs"]), entry)
    for (op, name, *_), entry in places.items():
        group, repacked = worst.get((op, name), (1, False))
        groups = (group, entry["group"])
        worst[op, name] = (0 if 0 in groups else max(groups), repacked or entry["place"] != "CPU")
    return worst


def cell(answer):
    if answer is None:
        return ""
    group, repacked = answer
    return ("no" if group == 0 else str(group)) + (" r" if repacked else "")


def print_table(title, names, columns):
    print(f"\n| {title} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    rows = {}  # formats that have the same answers everywhere share a line
    for name in names:
        rows.setdefault(tuple(cell(column.get(name)) for column in columns.values()), []).append(name[1])
    for cells, formats in rows.items():
        print(f"| {', '.join(formats)} | {' | '.join(cells)} |")


def kernels(bench):
    """Whether a token's numbers depend on its company, by CPU library and format. Prints tables for docs/capture.md."""
    program = bench.program("bench/bench_kernels")
    own = bench.run([program, "--where"]).output.strip()
    columns, tiles = {}, {}
    for library in sorted(glob.glob(os.path.join(os.path.dirname(own), "libggml-cpu*.so"))):
        name = os.path.basename(library).removeprefix("libggml-cpu-").removesuffix(".so")
        measure.say(f"kernels: {name}{' (the one that ggml chooses here)' if library == own else ''}")
        found = ask(program, library)
        if found is None:
            measure.say(f"kernels: this processor cannot run {name}")
            continue
        columns[name] = chosen(found)
        tiles[name] = chosen(ask(program, library, "mul_mat_id", environment=TILES))
    names = list(next(iter(columns.values())))
    for op, title in OPS.items():
        print_table(title, [name for name in names if name[0] == op], columns)
    print_table("weights of experts, always in tiles", [name for name in names if name[0] == "mul_mat_id"], tiles)
    print()
    figures = []
    for name, column in columns.items():
        ours = [group for (op, _), (group, _) in column.items() if op == "mul_mat"]
        ours += [group for group, _ in tiles[name].values()]
        good = sum(0 < group <= GROUP for group in ours)
        figures.append(Figure(f"{name}: formats that are even in rows of {GROUP}", "", [good], "all", [len(ours)], (">=", 1)))
    return figures

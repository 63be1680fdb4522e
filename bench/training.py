"""training.py: the benchmarks of `trimtab train`: its speed and memory, what sharing and a second rank bring, solvers."""
import os

from measure import MIB, Figure

ALL_AXES_SAMPLES = 192
RANKS_SAMPLES = 64  # mpirun and MPI_Init take a second or two, however long the run is
PLANTED = (4096, 1366)  # d and N of the solvers' comparison
LARGEST = (12288, 4096)  # the largest model's d, and a third of it


def capture(bench):
    """Tokens a second while capturing, against llama-bench's prompt speed."""
    ours, peers = [], []
    llama_bench = bench.program("llama-bench")
    for _ in bench.turns("capture"):
        _, report = bench.train("--samples", 12, "-t", bench.threads)
        ours.append(report["computed_tokens"] / report["capture_seconds"])
        arguments = ["-m", bench.model(), "-p", 512, "-n", 0, "-fa", 1, "-t", bench.threads, "-r", 1, "-o", "json"]
        peers.append(bench.run([llama_bench, *arguments]).json()[0]["avg_ts"])
    return [Figure("prompt speed", "tokens/s", ours, "llama-bench pp512", peers, (">=", 0.95))]


def rendering(bench):
    """Laying out conversations by the model's own chat template: what it is of capturing them, and the time to the first prompt."""
    program = bench.program("bench/bench_rendering")
    render, capture_, first = [], [], []
    for _ in bench.turns("rendering"):
        run = bench.run([program, bench.model(), 3]).json()
        render.append(sum(turn["render"] for turn in run["turns"]))
        capture_.append(sum(turn["capture"] for turn in run["turns"]))
        first.append(1000 * run["open"])
    return [
        Figure("17 prompts laid out", "s", render, "captured", capture_, ("<=", 0.02)),
        Figure("until the first prompt is laid out", "ms", first, "allowed", [50] * len(first), ("<=", 1)),
    ]


def memory_beside_model(bench, outcome):
    return (outcome.peak - os.path.getsize(bench.model())) / MIB


def memory(bench):
    """Peak resident memory beside the model's own size, for few and for four times as many samples."""
    beside = {24: [], 96: []}
    for _ in bench.turns("memory"):
        for samples, values in beside.items():
            outcome, _ = bench.train("--axis", "language", "--samples", samples, "-t", bench.threads)
            values.append(memory_beside_model(bench, outcome))
    return [
        Figure(f"beside the model, {samples} samples", "MiB", values, "allowed", [512] * len(values), ("<=", 1))
        for samples, values in beside.items()
    ]


def train_all_axes(bench):
    """All axes at full size, once in a run: `torch` uses it too."""
    if "all axes" not in bench.kept:
        bench.kept["all axes"] = bench.train("--samples", ALL_AXES_SAMPLES, "-t", bench.threads)
    return bench.kept["all axes"]


def all_axes(bench):
    """All eight axes in one run, and where the time goes. Once."""
    outcome, report = train_all_axes(bench)
    total = outcome.seconds
    figures = [Figure(f"all of it, {ALL_AXES_SAMPLES} samples", "s", [total])]
    for part in ("capture", "solve", "write"):
        figures.append(Figure(part, "s", [report[f"{part}_seconds"]], "all of it", [total]))
    figures.append(Figure("beside the model", "MiB", [memory_beside_model(bench, outcome)], "allowed", [512], ("<=", 1)))
    return figures


def sharing(bench):
    """Tokens and time for all axes, against every prompt computed by itself."""
    tokens, times = ([], []), ([], [])
    for _ in bench.turns("sharing"):
        for way, extra in enumerate(((), ("--plain",))):
            _, report = bench.train("--samples", 8, "-t", bench.threads, *extra)
            tokens[way].append(report["computed_tokens"])
            times[way].append(report["capture_seconds"])
    return [
        Figure("tokens computed", "tokens", tokens[0], "--plain", tokens[1], ("<=", 0.6)),
        Figure("time to capture", "s", times[0], "--plain", times[1], ("<=", 0.45)),
    ]


def ranks(bench):
    """Two ranks of one thread each, against one of one thread: the whole command's time, mpirun's own included."""
    # On one machine memory is all the network there is; to look for another kind takes MPI_Init a second.
    mpirun = [bench.program("mpirun"), "-n", "2", "--bind-to", "core", "--mca", "btl", "self,sm"]
    # Open MPI wants to be told twice that root may start it.
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    two, one = [], []
    for _ in bench.turns("ranks"):
        two.append(bench.train("--samples", RANKS_SAMPLES, "-t", 1, before=mpirun, environment=allowed)[0].seconds)
        one.append(bench.train("--samples", RANKS_SAMPLES, "-t", 1)[0].seconds)
    return [Figure("two ranks, 1 thread each", "s", two, "one rank, 1 thread", one, (">=", 1.8), inverse=True)]


# ==== The eigenproblem ====


def solver(bench):
    """The solvers on planted data, against LAPACK's whole spectrum; and the largest model's problem in 4 GiB."""
    program = bench.program("bench/bench_solver")
    names = ("auto", "lanczos", "reduced")
    d, N = PLANTED
    times = {name: [] for name in ("dense", *names)}
    cosines = {name: [] for name in names}
    for turn in bench.turns("solver"):
        for run in bench.run([program, d, N, turn + 1, *times]).json()["runs"]:
            times[run["solver"]].append(run["seconds"])
            if run["solver"] in cosines:
                cosines[run["solver"]].append(abs(run["cosine"]))
    for name in names:
        what = f"{name}, d = {d}, N = {N}"
        # The reduced solver is an exact one, for what Lanczos leaves: it has to be right, not twenty times faster.
        yield Figure(what, "s", times[name], "dense", times["dense"], None if name == "reduced" else (">=", 20), inverse=True)
        yield Figure(f"{what}: |cosine|", "", cosines[name], "the same", [1] * len(cosines[name]), (">=", 0.9999))
    yield from largest(bench, program)


def largest(bench, program):
    """One run: its memory does not vary, and it is long."""
    d, N = LARGEST
    result = bench.run([program, d, N, 1, "auto"]).json()["runs"][0]
    return [
        Figure(f"{result['used']}, d = {d}, N = {N}: memory", "GiB", [result["peak_kib"] / MIB], "allowed", [4], ("<=", 1)),
        Figure(f"{result['used']}, d = {d}, N = {N}: time", "s", [result["seconds"]]),
    ]

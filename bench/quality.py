"""quality.py: how well vectors made in different ways steer: the tables of docs/quality.md.

    ./dev shell python3 bench/quality.py --trimtab build/release/trimtab --model M.gguf --folder OUT

captures one set of hidden states (and one for each --prompts-per-system), finds directions from them in every way that is
listed below, and lets `trimtab eval` measure each on the same held-out responses. What was measured stays in the folder as
JSON, so that a run which was stopped goes on, and the tables can be printed again at once with --tables.

Two sets of vectors may differ in nothing but their length, which the axis value makes up for. So they are compared at the
value where the damage is the same: damage and fidelity are parabolas of the value (a Kullback-Leibler divergence is, for
small steps), drawn through what was measured at -1.5, 0 and 1.5: the one side's vector is the other's opposite, so an axis is
one straight line.

    best      the highest fidelity at any value with at most 5% damage, the mean of both sides
    contrast  at 2% damage, read off the parabolas up to twice the value measured: half of what the fidelity to the class
              steered towards has more than that to the other class

Each difference to the reference method is of the same samples, with a bootstrap interval over them.
"""
import argparse
import json
import os
import subprocess
import sys

import numpy
import quality_ideas

VALUE = 1.5  # measured at, towards both sides
LIMIT = 0.05
MILD = 0.02
BASE = "reference"

# name -> (table, options of train, options of --from-states' source: "" or "-K4")
WAYS = {
    BASE: ("method", [], ""),
    "reference, offset 0": ("method", ["--layer-offset", "0"], ""),
    "mean difference": ("method", ["--method", "mean-difference"], ""),
    "mean difference, offset 0": ("method", ["--method", "mean-difference", "--layer-offset", "0"], ""),
    "PCA": ("method", ["--method", "pca"], ""),
    "PCA, offset 0": ("method", ["--method", "pca", "--layer-offset", "0"], ""),
    "N = 48": ("samples", ["--samples", "48"], ""),
    "N = 96": ("samples", ["--samples", "96"], ""),
    "N = 288": ("samples", ["--samples", "288"], ""),
    "N = 384": ("samples", ["--samples", "384"], ""),
    "N = 576": ("samples", ["--samples", "576"], ""),
    "N = 768": ("samples", ["--samples", "768"], ""),
    "N = 1152": ("samples", ["--samples", "1152"], ""),
    "tolerance 0.25": ("tolerance", ["--tolerance", "0.25"], ""),
    "tolerance 1": ("tolerance", ["--tolerance", "1"], ""),
    "tolerance 0.1": ("tolerance", ["--tolerance", "0.1"], ""),
    "without the first half": ("layers", ["--skip-begin-layers", "0.5"], ""),
    "without the last half": ("layers", ["--skip-end-layers", "0.5"], ""),
    "the middle half": ("layers", ["--skip-begin-layers", "0.25", "--skip-end-layers", "0.25"], ""),
    "K = 4": ("K", [], "-K4"),
    "K = 16": ("K", [], "-K16"),
}
WAYS |= {name: ("idea", ["--method", "mean-difference"], "") for name in quality_ideas.IDEAS}
TABLES = {
    "method": "Method and layer offset",
    "samples": "Samples N",
    "tolerance": "Tolerance",
    "layers": "Layers",
    "K": "Prompts a system message, K",
    "idea": "Ideas beyond the reference",
}


# ==== Running ====


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.axes = arguments.axis or ["language", "storytelling", "optimism_vs_nihilism"]

    def trimtab(self, *words):
        """Its standard output. Everything that computes goes through --wrap, which may be a queue for the processor."""
        command = [*self.arguments.wrap.split(), self.arguments.trimtab, words[0], "-q", "-t", "1", *words[1:]]
        done = subprocess.run([word for word in command if word], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def model(self):
        template = self.arguments.chat_template
        return ["-m", self.arguments.model, *(["--chat-template", template] if template else [])]

    @staticmethod
    def file_name(name):
        return name.replace(" ", "_").replace(",", "")

    def place(self, *parts):
        return os.path.join(self.arguments.folder, *parts)

    def capture(self, source):
        """The states file of `source`, captured where it is missing; all of its samples but those of K are the same."""
        path = self.place(f"states{source}")
        if os.path.exists(path):
            return path
        samples = self.arguments.samples if source else self.arguments.most_samples
        several = ["--prompts-per-system", source[2:]] if source else []
        axes = [word for axis in self.axes for word in ("--axis", axis)]
        self.trimtab("train", *self.model(), "-o", self.place("vectors", f"captured{source}"), "--states", path + ".part", "--keep-states",
                     "--samples", str(samples), *several, *axes)
        os.rename(path + ".part", path)
        return path

    def try_idea(self, name, folder):
        """Puts an idea's rows into vectors that were made by the difference of means, which have a row for every block."""
        states = quality_ideas.States(self.place("states"), self.arguments.samples)
        for axis in self.axes:
            rows = quality_ideas.IDEAS[name](states, axis)
            for path in (entry.path for entry in os.scandir(folder) if f"-{axis}__" in entry.name and entry.name.endswith(".gguf")):
                classes = next(axis["classes"] for axis in self.listed() if f"-{axis['name']}__" in path)
                place = 0 if path.endswith("__debias.gguf") else 2 if path.endswith(f"__{classes[1]}.gguf") else 1
                quality_ideas.put(path, rows, place)

    def listed(self):
        return quality_ideas.States(self.place("states"), 1).identity["axes"]

    def make(self, name, options, source):
        folder = self.place("vectors", self.file_name(name))
        subprocess.run(["rm", "-rf", folder], check=True)
        samples = [] if "--samples" in options else ["--samples", str(self.arguments.samples)]
        self.trimtab("train", "--from-states", self.capture(source), "-o", folder, *samples, *options)
        return folder

    def measure(self, folder):
        axes = [word for axis in self.axes for word in ("--axis", axis)]
        report = self.trimtab("eval", *self.model(), "--vectors", folder, *axes, "--json", "--no-other-axes", "--writings", "0",
                              "--samples", str(self.arguments.held_out), "--seed", str(self.arguments.seed),
                              "--response-tokens", str(self.arguments.response_tokens), "--values", str(VALUE))
        return json.loads(report)

    def report(self, name, measure=True):
        """What was measured of this way; where that is missing, measured now, or None."""
        path = self.place("measured", self.file_name(name) + ".json")
        if not os.path.exists(path):
            if not measure:
                return None
            table, options, source = WAYS[name]
            print(f"measuring {name}", file=sys.stderr, flush=True)
            folder = self.make(name, options, source)
            if name in quality_ideas.IDEAS:
                self.try_idea(name, folder)
            report = self.measure(folder)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path + ".part", "w", encoding="utf-8") as file:
                json.dump(report, file)
            os.rename(path + ".part", path)
        with open(path, encoding="utf-8") as file:
            return json.load(file)


# ==== Figures ====


def parabola(ys):
    """Coefficients (constant, linear, square) through ys at -VALUE, 0 and VALUE."""
    return numpy.linalg.solve([[1, x, x * x] for x in (-VALUE, 0, VALUE)], ys)


def at(curve, x):
    return curve[0] + curve[1] * x + curve[2] * x * x


def curves_of_side(axis, side, drawn):
    """Parabolas of one side of one axis over the size of the value, from the samples that are drawn: damage (nats a token),
    and fidelity to the class steered towards and to the other."""
    by_sample = axis["by_sample"]
    sign = 1 if side else -1
    values = [value["value"] for value in axis["values"]]
    rows = [values.index(value) for value in (-sign * VALUE, 0, sign * VALUE)]
    tokens = numpy.array(by_sample["neutral_tokens"])[drawn].sum()
    damage = parabola([numpy.array(by_sample["lost"][row])[drawn].sum() / tokens for row in rows])
    curves = []
    for side_of in (side, 1 - side):
        to_gain = numpy.array(by_sample["to_gain"][side_of])[drawn].sum()
        curves.append(parabola([numpy.array(by_sample["gained"][row][side_of])[drawn].sum() / to_gain for row in rows]))
    return damage, curves


def figures_of_side(axis, side, drawn):
    """(best, contrast, damage at 1, fidelity at 1) of one side of one axis."""
    damage, curves = curves_of_side(axis, side, drawn)
    grid = numpy.linspace(0, 2, 201)
    within = grid[at(damage, grid) <= numpy.log1p(LIMIT)]
    most = within[-1] if len(within) else 0
    allowed = grid[grid <= most]
    further = numpy.linspace(0, 2 * VALUE, 301)
    mild = further[at(damage, further) <= numpy.log1p(MILD)]
    there = mild[-1] if len(mild) else 0
    return (at(curves[0], allowed).max(), (at(curves[0], there) - at(curves[1], there)) / 2,
            numpy.expm1(at(damage, 1)), at(curves[0], 1))


def figures(report, drawn):
    """[axis][figure], the mean of both sides."""
    return numpy.array([(numpy.array(figures_of_side(axis, 0, drawn)) + numpy.array(figures_of_side(axis, 1, drawn))) / 2
                        for axis in report["axes"]])


def calibration(report):
    """A table: the value at which the vectors move the model as far as the messages do, by the damage to neutral responses."""
    lines = ["| axis | towards | damage by message | value of as much damage | fidelity there |", "|---|---|---:|---:|---:|"]
    for axis in report["axes"]:
        for side in (0, 1):
            damage, curves = curves_of_side(axis, side, numpy.arange(report["samples"]))
            wanted = axis["prompt_damage"][side]["value"]
            grid = numpy.linspace(0, 10, 1001)
            value = grid[numpy.argmax(numpy.expm1(at(damage, grid)) >= wanted)]
            lines.append(f"| {axis['name']} | {axis['classes'][side]} | {100 * wanted:.1f} | {value:.1f} | {100 * at(curves[0], value):.0f} |")
    return "\n".join(lines)


def draws(count, resamples=400):
    generator = numpy.random.default_rng(1)
    return [generator.integers(0, count, count) for _ in range(resamples)]


def difference(report, base):
    """The mean over axes of what `report` has more than `base`: value, low, high of best and of contrast; and how many axes
    are better or worse by more than their interval. Where one has fewer samples, they are the other's first."""
    count = min(report["samples"], base["samples"])
    whole = numpy.arange(count)
    value = (figures(report, whole) - figures(base, whole))[:, :2]
    spread = numpy.array([(figures(report, drawn) - figures(base, drawn))[:, :2] for drawn in draws(count)])
    low, high = numpy.percentile(spread, [2.5, 97.5], axis=0)
    mean_low, mean_high = numpy.percentile(spread.mean(axis=1), [2.5, 97.5], axis=0)
    return value.mean(axis=0), mean_low, mean_high, (low > 0).sum(axis=0), (high < 0).sum(axis=0)


def table(bench, kind):
    base = bench.report(BASE, measure=False)
    lines = [f"| {TABLES[kind]} | fidelity at 1 | damage at 1 | best | against the reference | contrast | against the reference |",
             "|---|---:|---:|---:|---|---:|---|"]
    for name, (of, _, _) in WAYS.items():
        report = bench.report(name, measure=False) if of == kind or name == BASE else None
        if not report:
            continue
        best, contrast, damage, fidelity = figures(report, numpy.arange(report["samples"])).mean(axis=0)
        against = ["", ""]
        if name != BASE:
            value, low, high, _, _ = difference(report, base)
            against = [f"{100 * value[i]:+.1f} ({100 * low[i]:+.1f} to {100 * high[i]:+.1f})" for i in (0, 1)]
        lines.append(f"| {name} | {100 * fidelity:.1f} | {100 * damage:.1f} | {100 * best:.1f} | {against[0]} "
                     f"| {100 * contrast:.1f} | {against[1]} |")
    return "\n".join(lines) + "\n\n" if len(lines) > 3 else ""  # nothing where the reference has nobody beside it


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trimtab", default="trimtab")
    parser.add_argument("--model", required=True)
    parser.add_argument("--chat-template", default="")
    parser.add_argument("--folder", required=True, help="for everything that is made and measured")
    parser.add_argument("--axis", action="append", help="default: language, storytelling and optimism_vs_nihilism")
    parser.add_argument("--samples", type=int, default=192, help="N, where it is not what varies")
    parser.add_argument("--most-samples", type=int, default=1152, help="captured at the beginning")
    parser.add_argument("--held-out", type=int, default=8, help="samples to evaluate on")
    parser.add_argument("--response-tokens", type=int, default=32, help="length of the responses to evaluate on")
    parser.add_argument("--seed", type=int, default=0, help="of what is evaluated on")
    parser.add_argument("--only", action="append", help="names of ways to measure; default: all")
    parser.add_argument("--tables", action="store_true", help="measure nothing more")
    parser.add_argument("--wrap", default="", help="a command to run trimtab by")
    bench = Bench(parser.parse_args())
    for name in [] if bench.arguments.tables else [BASE, *(bench.arguments.only or WAYS)]:
        bench.report(name)
    for kind in TABLES:
        print(table(bench, kind), end="")
    print("Calibration, of the reference method's vectors\n\n" + calibration(bench.report(BASE)))


if __name__ == "__main__":
    main()

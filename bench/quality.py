"""quality.py: how well vectors made in different ways steer: the tables of docs/quality.md.

    ./dev shell python3 bench/quality.py --trimtab build/release/trimtab --model M.gguf --folder OUT

captures one set of hidden states (and one for each --prompts-per-system), finds directions from them in every way that is
listed below, and lets `trimtab eval` measure each on the same held-out samples. What was measured stays in the folder as
JSON, so that a run which was stopped goes on, and the tables can be printed again at once with --tables.

Two sets of vectors may differ in nothing but their length, which the axis value makes up for. So each is taken at the value that
its own sweep recommends: the strongest whose texts are coherent and keep to their prompts. What counts is how far it steers
there, towards its class, in nats, the mean of both sides; a side without such a value steers by nothing. Each difference to the
reference method is of the same samples, with a bootstrap interval over them.
"""
import argparse
import json
import os
import subprocess
import sys

import numpy
import quality_ideas

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
        report = self.trimtab("eval", *self.model(), "--vectors", folder, *axes, "--json", "--no-other-axes", "--samples", str(self.arguments.held_out),
                              "--seed", str(self.arguments.seed), "--text-tokens", str(self.arguments.text_tokens))
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


def steering(axis, side):
    """[sample] how far the texts of one side's recommended value have moved towards its class; nothing where there is none."""
    before = numpy.array(axis["unsteered"]["by_sample"]["score"])
    sign = 1 if side else -1
    for way in axis["values"]:
        if axis["recommended"][side] and abs(way["value"] - sign * axis["recommended"][side]) < 1e-6:
            return sign * (numpy.array(way["by_sample"]["score"]) - before)
    return numpy.zeros(len(before))


def figures(report, count):
    """[axis][sample], the mean of both sides; of the axes that the model can judge."""
    return numpy.array([(steering(axis, 0) + steering(axis, 1))[:count] / 2 for axis in report["axes"] if axis["judged"]])


def draws(count, resamples=400):
    generator = numpy.random.default_rng(1)
    return [generator.integers(0, count, count) for _ in range(resamples)]


def interval(samples):
    """The mean of [axis][sample], and its interval over samples."""
    spread = [samples[:, drawn].mean() for drawn in draws(samples.shape[1])]
    low, high = numpy.percentile(spread, [2.5, 97.5])
    return f"{samples.mean():+.2f} ({low:+.2f} to {high:+.2f})"


def recommended(report):
    """The recommended values, axis by axis: "-3, 4"."""
    return "; ".join(f"{-axis['recommended'][0]:g}, {axis['recommended'][1]:g}" for axis in report["axes"])


def table(bench, kind):
    base = bench.report(BASE, measure=False)
    lines = [f"| {TABLES[kind]} | steering, nats | against the reference | recommended, {', '.join(bench.axes)} |", "|---|---|---|---|"]
    for name, (of, _, _) in WAYS.items():
        report = bench.report(name, measure=False) if of == kind or name == BASE else None
        if not report:
            continue
        against = ""
        if name != BASE:
            count = min(report["samples"], base["samples"])
            against = interval(figures(report, count) - figures(base, count))
        lines.append(f"| {name} | {interval(figures(report, report['samples']))} | {against} | {recommended(report)} |")
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
    parser.add_argument("--held-out", type=int, default=24, help="samples to evaluate on")
    parser.add_argument("--text-tokens", type=int, default=200, help="length of the texts")
    parser.add_argument("--seed", type=int, default=0, help="of what is evaluated on")
    parser.add_argument("--only", action="append", help="names of ways to measure; default: all")
    parser.add_argument("--tables", action="store_true", help="measure nothing more")
    parser.add_argument("--wrap", default="", help="a command to run trimtab by")
    bench = Bench(parser.parse_args())
    for name in [] if bench.arguments.tables else [BASE, *(bench.arguments.only or WAYS)]:
        bench.report(name)
    for kind in TABLES:
        print(table(bench, kind), end="")


if __name__ == "__main__":
    main()

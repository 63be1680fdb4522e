"""fault_scenarios.py: the runs of trimtab in which tests/test_fault_commands*.py make every call fail: each command, over a tiny model."""
import glob
import os

import faulty
import serving
from faulty import Scenario

MIX = ("--vectors", "vectors", "--axis", "language=0.5", "--axis", "empathy_vs_sociopathy=-0.3")
MODEL = ("-m", "tiny.gguf", "-t", "1")
AXIS = b"""{"classes": ["dry", "wet"], "data": [["who likes it dry", "who likes it wet"], ["who avoids rain", "who seeks rain"],
["of deserts", "of seas"], ["of sand", "of water"], ["of dust", "of mist"]]}"""
STEMS = b'{"pre": ["You are", "Act as", "Be", "I am"], "post": ["a writer", "an author", "a poet", "a bard"]}'
PROMPTS = b"Write of rain.\nWrite of snow.\nWrite of hail.\nWrite of fog.\n"
GRAMMAR = b'{"start": "root", "rules": {"root": ["Write of {what}."], "what": ["rain", "snow", "hail", "fog", "sleet"]}}'
OWN = {"axes/rain.json": AXIS, "stems.json": STEMS, "prompts.txt": PROMPTS, "prompts.json": GRAMMAR}
TRAIN = ("train", *MODEL, "-o", "made", "--axis", "axes/rain.json", "--stems", "stems.json", "--hold-out", "0", "--samples", "4",
         "--tolerance", "0.001")
TIMES = r"\d+[\d.]* (s|ms|samples|tokens/s)\b|[\d.]+/s"


def all_of_them(folder):
    """The scenarios, whose model and vectors are made in this folder; `trained` of them has been through train and eval."""
    model = serving.make_model(folder)
    vectors = serving.make_vectors(os.path.join(folder, "vectors"), recommended=serving.RECOMMENDED)
    given = {"tiny.gguf": model, "vectors": vectors}
    made = trained(folder, given)
    first = "vectors/tiny-language__ornate.gguf"
    old = {"out.gguf": b"what was there before"}
    return [
        Scenario("axes", ("axes",)),
        Scenario("axes --json", ("axes", "--json")),
        Scenario("axes show", ("axes", "show", "axes/rain.json"), OWN),
        Scenario("axes show --json", ("axes", "show", "language", "--json")),
        Scenario("axes check", ("axes", "check", "axes/rain.json"), OWN, findings=True),
        Scenario("help", ("help", "train")),
        Scenario("man", ("man", "-o", "pages")),
        Scenario("completion", ("completion", "zsh")),
        Scenario("train", (*TRAIN, "--prompts", "prompts.json"), given | OWN, kept=r"made/.*\.states", resumes=True),
        Scenario("train --json", (*TRAIN, "--prompts", "prompts.txt", "--json", "-q", "--keep-states", "--method", "pca"), given | OWN,
                 kept=r"made/.*\.states", varies=r'(?s)^TTSTATES.*|"\w+_seconds": [\d.e-]+'),
        Scenario("train --from-states", ("train", "--from-states", "made/kept.states", "-o", "made", "--tolerance", "0.001", "--solver", "lanczos"),
                 {"made/kept.states": made["states"]}),
        Scenario("train --dry-run", (*TRAIN, "--prompts", "prompts.txt", "--dry-run", "--tokens-per-second", "100"), given | OWN,
                 varies=r"memory +\d+ MiB"),
        Scenario("run", ("run", *MODEL, *MIX, "-p", "hello", "-n", "3", "--temp", "0"), given),
        Scenario("run --compare", ("run", *MODEL, *MIX, "-n", "3", "--seed", "1", "--compare", "-sys", "Be brief."), given, b"of the sea"),
        Scenario("command", ("command", "-m", "tiny.gguf", *MIX, "--for", "llama.cpp-0.7"), given),
        Scenario("inspect", ("inspect", *MIX, first, "vectors/tiny-language__simple.gguf", "--svg", "plot.svg"), given),
        Scenario("inspect --json", ("inspect", *MIX, first, "--json"), given),
        Scenario("inspect FILE", ("inspect", first), given),
        Scenario("merge", ("merge", *MIX, "-o", "out.gguf"), given | old),
        Scenario("bake", ("bake", "-m", "tiny.gguf", *MIX, "-o", "out.gguf"), given | old),
        Scenario("eval", ("eval", *MODEL, "--vectors", "made", "--axis", "axes/rain.json", "--stems", "stems.json", "--prompts", "prompts.txt",
                          "--hold-out", "0.5", "--quick", "--samples", "2", "--text-tokens", "2", "--values", "1", "--save", "--report",
                          "report.html"), given | OWN | {"made": made["folder"]}, varies=TIMES, kept=r"made/evaluation\.kept", resumes=True),
        Scenario("eval --json", ("eval", *MODEL, "--vectors", "made", "--axis", "axes/rain.json", "--stems", "stems.json", "--prompts",
                                 "prompts.txt", "--hold-out", "0.5", "--samples", "2", "--text-tokens", "2", "--values",
                                 "1", "--json", "-q"), given | OWN | {"made": made["folder"]}, varies=TIMES),
        Scenario("card", ("card", "evaluated"), {"evaluated": made["evaluated"]}),
        Scenario("card of several", ("card", "evaluated", "made", "-o", "README.md"), {"evaluated": made["evaluated"], "made": made["folder"]}),
    ]


def trained(folder, given):
    """What train and eval leave, for the commands that read it: {"folder", "evaluated", "states"}, paths."""
    with faulty.Faults(Scenario("to begin with", (*TRAIN, "--prompts", "prompts.txt", "--hold-out", "0.5", "--keep-states"), given | OWN)) as run:
        made = os.path.join(folder, "made")
        os.rename(os.path.join(run.folder, "made"), made)
    states = os.path.join(folder, "kept.states")
    os.rename(glob.glob(os.path.join(made, "*.states"))[0], states)
    arguments = ("eval", *MODEL, "--vectors", "made", "--axis", "axes/rain.json", "--stems", "stems.json", "--prompts", "prompts.txt",
                 "--hold-out", "0.5", "--quick", "--samples", "2", "--text-tokens", "2", "--values", "1", "--save")
    with faulty.Faults(Scenario("to begin with", arguments, given | OWN | {"made": made})) as run:
        evaluated = os.path.join(folder, "evaluated")
        os.rename(os.path.join(run.folder, "made"), evaluated)
    return {"folder": made, "evaluated": evaluated, "states": states}

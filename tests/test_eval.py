"""test_eval.py: `trimtab eval` from the command line, on a tiny model and on the demo model."""
import json, math, os, shutil, subprocess, tempfile, time

import built

TRIMTAB = os.environ["TRIMTAB"]
MODEL = os.environ.get("TRIMTAB_MODEL")
folder = tempfile.mkdtemp(prefix="trimtab-eval-")
tiny = os.path.join(folder, "tiny.gguf")


def trimtab(*arguments, status=0):
    done = subprocess.run([TRIMTAB, *arguments], capture_output=True, text=True, timeout=built.PATIENCE)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done


def says(message, *arguments, status=1):
    error = trimtab("eval", "-q", "-t", "1", *arguments, status=status).stderr
    assert message in error and error.count("\n") == 1, (message, error)


def train(model, output, *arguments):
    trimtab("train", "-q", "-t", "1", "-m", model, "-o", output, *arguments)


def scale_rows(folder, factor):
    import gguf
    for entry in os.scandir(folder):
        if entry.name.endswith(".gguf"):
            reader = gguf.GGUFReader(entry.path, "r+")
            for tensor in reader.tensors:
                tensor.data[:] *= factor
            reader.data.flush()


def test_tiny():
    built.tiny_model(tiny)
    vectors = os.path.join(folder, "vectors")
    own = os.path.join(folder, "pace.json")
    with open(own, "w") as file:
        json.dump({"classes": ["slow", "fast"],
                   "data": [[f"who writes slowly, {i}", f"who writes fast, {i}"] for i in range(12)]}, file)
    train(tiny, vectors, "--axis", "language", "--axis", own, "--samples", "8", "--tolerance", "0")

    # Figures, whatever they are for a model of random numbers; the same twice.
    quick = ["--vectors", vectors, "-m", tiny, "--samples", "4", "--values", "0.5,1", "--response-tokens", "8"]
    done = trimtab("eval", "-q", "-t", "1", "--json", "--axis", "language", *quick)
    report = json.loads(done.stdout)
    assert done.stdout == trimtab("eval", "-q", "-t", "1", "--json", "--axis", "language", *quick).stdout
    axis, = report["axes"]
    assert [value["value"] for value in axis["values"]] == [-1, -0.5, 0, 0.5, 1]
    assert axis["classes"] == ["simple", "ornate"] and report["samples"] == 4

    # Both axes, their effect on each other, and the recommended values in the files.
    report = json.loads(trimtab("eval", "-q", "-t", "1", "--json", "--save", "--damage-limit", "1e9", "--axis", own,
                                "--axis", "language", *quick).stdout)
    assert set(report["axes"][0]["effect_on_axes"]) == {"pace", "language"}
    assert len(report["similarity"]) == 2 and abs(report["similarity"][1][1] - 1) < 1e-6
    import gguf
    for name in os.listdir(vectors):
        if not name.endswith(".gguf"):
            continue
        saved = [axis["recommended"] for axis in report["axes"] if axis["name"] in name]
        field = gguf.GGUFReader(os.path.join(vectors, name)).get_field("trimtab.recommended")
        assert field or saved == [[0, 0]], name
        if field:
            assert [float(value) for value in field.contents()] == saved[0], (name, saved)
    table = trimtab("eval", "-q", "-t", "1", "--axis", "language", *quick).stdout
    assert "language: simple (below 0) or ornate (above 0)" in table and "fidelity %" in table

    # Without a chat template the model gets plain text, and is said to. No text may be written freely.
    plain = trimtab("eval", "-t", "1", "--axis", "language", *quick, "--chat-template", "none", "--writings", "0")
    assert "plain-text mode" in plain.stderr and "language: simple" in plain.stdout
    assert "warning: 'language' was trained on conversations in another chat template" in plain.stderr, plain.stderr

    # What was done is told when it is done, all of it: 4 samples, then as many steps (unsteered, and steered along the axis).
    told = [line.split(" in ")[0] for line in plain.stderr.splitlines() if " in " in line and not line.startswith("warning:")]
    assert told == ["writing held-out responses: 4 samples", "scoring: 8 steps"], plain.stderr

    # What is no number at such a value is null, and the rest is told all the same.
    beyond = json.loads(trimtab("eval", "-q", "-t", "1", "--json", "--axis", "language", *quick, "--values", "1e60").stdout)["axes"][0]
    assert beyond["by_sample"]["lost"][0] == [None] * 4 and beyond["values"][0]["perplexity_rise"]["value"] is None
    assert all(isinstance(lost, float) for lost in beyond["by_sample"]["lost"][1]) and beyond["recommended"] == [0, 0]

    # A figure can be had from the samples that are told, as well.
    by_sample = axis["by_sample"]
    for i, value in enumerate(axis["values"]):
        lost = sum(by_sample["lost"][i]) / sum(by_sample["neutral_tokens"])
        assert abs(math.expm1(lost) - value["perplexity_rise"]["value"]) < 1e-9
        for side in (0, 1):
            told = value["fidelity"][side]["value"]
            if told is not None:
                assert abs(sum(by_sample["gained"][i][side]) / sum(by_sample["to_gain"][side]) - told) < 1e-9

    # Bad input: one sentence each.
    assert "pace" not in trimtab("eval", "-q", "-t", "1", *quick).stdout  # not built in, and no file named
    says("no vectors for 'storytelling'", *quick, "--axis", "storytelling", status=2)
    says("held out", *quick, "--axis", "language", "--hold-out", "0")
    empty = tempfile.mkdtemp(dir=folder)
    says("no control vectors", "--vectors", empty, "-m", tiny)
    says("cannot look through the folder", "--vectors", folder + "/none", "-m", tiny)
    says("which is a folder", *quick, "--axis", "language", "--report", folder)
    says("cannot write", *quick, "--axis", "language", "--report", folder + "/no/such/page.html")
    says("not one that libllama knows", *quick, "--axis", "language", "--chat-template", "unheard-of", status=2)
    lost = os.path.join(folder, "lost")
    shutil.copytree(vectors, lost)
    os.remove(next(entry.path for entry in os.scandir(lost) if "ornate" in entry.name))
    says("the positive vector of the axis 'language' is missing", "--vectors", lost, "-m", tiny, "--axis", "language")
    alone = os.path.join(folder, "alone")
    os.mkdir(alone)
    for name in os.listdir(vectors):
        if "pace" in name:
            shutil.copy(os.path.join(vectors, name), alone)
    says("not built in", "--vectors", alone, "-m", tiny)
    trimtab("eval", "--values", "x", "-m", tiny, status=2)
    return vectors


def test_demo(tiny_vectors):
    vectors = os.path.join(folder, "demo")
    train(MODEL, vectors, "--axis", "language", "--samples", "12")
    begin = time.monotonic()
    report = json.loads(trimtab("eval", "-q", "-t", "1", "-m", MODEL, "--vectors", vectors, "--quick", "--samples", "6", "--values", "1",
                                "--response-tokens", "24", "--json").stdout)
    print(f"two samples took {time.monotonic() - begin:.1f} s")
    axis, = report["axes"]
    below, middle, above = axis["values"]
    # The prompts do something, and +1 and -1 pull apart as they should, from as little as 12 samples.
    assert min(effect["value"] for effect in axis["prompt_effect"]) > 0
    towards = [value["fidelity"][1]["value"] - value["fidelity"][0]["value"] for value in (below, above)]
    assert towards[1] > towards[0], axis["values"]
    assert 0 < above["perplexity_rise"]["value"] < 0.5
    # A quantised model's rounding does not pass for an effect: vectors of zeros have none at all, tiny ones none to speak of
    # (rounding alone costs 0.3%).
    for scale, most in ((0, 0), (1e-3, 2e-3)):
        scaled = os.path.join(folder, "scaled")
        shutil.copytree(vectors, scaled, dirs_exist_ok=True)
        scale_rows(scaled, scale)
        report = json.loads(trimtab("eval", "-q", "-t", "1", "-m", MODEL, "--vectors", scaled, "--samples", "3", "--values", "1",
                                    "--response-tokens", "24", "--writings", "0", "--json").stdout)
        for value in report["axes"][0]["values"]:
            rise = value["perplexity_rise"]["value"]
            assert abs(rise) <= most, (scale, value)
    says("another model", "-m", MODEL, "--vectors", tiny_vectors)
    second = os.environ.get("TRIMTAB_SECOND_MODEL")
    if second and os.path.exists(second):
        says("another model", "-m", second, "--vectors", vectors)


try:
    made = test_tiny()
    if MODEL and os.path.exists(MODEL):
        test_demo(made)
    else:
        print("skipped: the demo model, which TRIMTAB_MODEL does not name")
finally:
    shutil.rmtree(folder)

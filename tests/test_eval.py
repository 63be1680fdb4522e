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
    quick = ["--vectors", vectors, "-m", tiny, "--samples", "4", "--values", "0.5,1", "--text-tokens", "8"]
    done = trimtab("eval", "-q", "-t", "1", "--json", "--axis", "language", *quick)
    report = json.loads(done.stdout)
    assert done.stdout == trimtab("eval", "-q", "-t", "1", "--json", "--axis", "language", *quick).stdout
    axis, = report["axes"]
    assert [way["value"] for way in axis["values"]] == [-1, -0.5, 0.5, 1]
    assert axis["classes"] == ["simple", "ornate"] and report["samples"] == 4 and report["format"] == 2
    assert axis["known_passages"]["pairs"] == 5 and axis["judged"] == (axis["known_passages"]["right"] >= 4)

    # Both axes, their effect on each other, and the recommended values in the files.
    report = json.loads(trimtab("eval", "-q", "-t", "1", "--json", "--save", "--coherence-limit", "1e9", "--relevance-limit", "-1e9",
                                "--axis", own, "--axis", "language", *quick).stdout)
    pace = report["axes"][0]
    assert set(pace["steering_of_axes"]) == {"pace", "language"}
    assert pace["known_passages"] == {"right": 0, "pairs": 0} and pace["judged"]  # nothing speaks against it
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
    assert "language: simple (below 0) or ornate (above 0)" in table and "coherence" in table and "of 5 pairs of passages" in table
    assert all(row in table for row in ("asked for simple", "unsteered", "asked for ornate", "random, as long as")), table

    # Without values they are sought: from 1 on, and further while text is coherent, which is always so here.
    swept = json.loads(trimtab("eval", "-q", "-t", "1", "--json", "--quick", "--axis", "language", "--vectors", vectors, "-m", tiny, "--samples", "1",
                               "--text-tokens", "4", "--coherence-limit", "1e9", "--relevance-limit", "-1e9").stdout)["axes"][0]
    sizes = sorted({abs(way["value"]) for way in swept["values"]})
    assert sizes[:3] == [1, 2, 4] and sizes[-1] <= 64, sizes

    # Without a chat template the model gets plain text, and is said to.
    plain = trimtab("eval", "-t", "1", "--axis", "language", *quick, "--chat-template", "none")
    assert "plain-text mode" in plain.stderr and "language: simple" in plain.stdout
    assert "warning: 'language' was trained on conversations in another chat template" in plain.stderr, plain.stderr

    # What was done is told when it is done, all of it: unsteered, the known passages, asked, four values, two random directions.
    told = [line.split(" in ")[0] for line in plain.stderr.splitlines() if " in " in line and not line.startswith("warning:")]
    assert [line for line in told if line.startswith(("reading", "judging"))] == [
        "reading: 4 texts", "judging known passages: 5 pairs", "reading: 8 texts", "reading: 16 texts", "reading: 8 texts"], plain.stderr

    # A value beyond all numbers is measured like any other: what comes of it is no text to use.
    beyond = json.loads(trimtab("eval", "-q", "-t", "1", "--json", "--axis", "language", *quick, "--values", "1e60").stdout)["axes"][0]
    assert len(beyond["values"]) == 2 and len(beyond["values"][0]["by_sample"]["score"]) == 4

    # A figure can be had from the samples that are told, as well.
    before = axis["unsteered"]["by_sample"]["score"]
    for way in axis["values"] + axis["asked"]:
        moved = [score - old for score, old in zip(way["by_sample"]["score"], before, strict=True)]
        assert axis["judged"] == (way["steering"]["value"] is not None)
        if axis["judged"]:
            assert abs(sum(moved) / 4 - way["steering"]["value"]) < 1e-9
    for side, way in ((0, axis["values"][0]), (1, axis["values"][3])):
        logs = [own - asked for own, asked in zip(way["by_sample"]["log_perplexity"], axis["asked"][side]["by_sample"]["log_perplexity"], strict=True)]
        assert abs(math.exp(sum(logs) / 4) - way["coherence"]["value"]) < 1e-9

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
    report = json.loads(trimtab("eval", "-q", "-t", "1", "-m", MODEL, "--vectors", vectors, "--samples", "2", "--values", "2",
                                "--text-tokens", "16", "--json").stdout)
    print(f"two samples took {time.monotonic() - begin:.1f} s")
    axis, = report["axes"]
    below, above = axis["values"]
    # Texts are written and read: they differ, stay coherent next to those asked for, and keep to their prompts.
    assert len({below["texts"][0], axis["unsteered"]["texts"][0], above["texts"][0]}) == 3
    assert all(0.2 < way["coherence"]["value"] < 5 for way in (below, above)), axis["values"]
    assert abs(axis["unsteered"]["relevance"]["value"] - 1) < 1e-9
    # Vectors of zeros do nothing: the same texts come of it, and the same is read in them.
    scaled = os.path.join(folder, "scaled")
    shutil.copytree(vectors, scaled)
    scale_rows(scaled, 0)
    report = json.loads(trimtab("eval", "-q", "-t", "1", "-m", MODEL, "--vectors", scaled, "--samples", "2", "--values", "1",
                                "--text-tokens", "8", "--json").stdout)
    axis, = report["axes"]
    for way in axis["values"]:
        assert way["texts"] == axis["unsteered"]["texts"]
        assert max(abs(a - b) for a, b in zip(way["by_sample"]["score"], axis["unsteered"]["by_sample"]["score"], strict=True)) < 1e-6
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

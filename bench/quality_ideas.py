"""quality_ideas.py: ways to find directions that trimtab does not have, for quality.py to try.

Each idea is a function from the contributions of one axis to rows {K: (de-bias, negative, positive)}. What wins on both models
belongs into src/directions; what does not is here with its figures in docs/quality.md, so that nobody need try it again.
"""
import json
import struct

import gguf
import numpy


class States:
    """A states file (docs/states-format.md), read without its check values."""

    def __init__(self, path, samples):
        with open(path, "rb") as file:
            header = file.read(192)
            _, self.rows, self.blocks, self.width, _, identity_length, data = struct.unpack_from("<QIIIIQQ", header, 16)
            file.seek(16384)
            self.identity = json.loads(file.read(identity_length))
        entry = self.width + 2  # F32 values, and the check value's eight bytes
        self.all = numpy.memmap(path, "<f4", "r", data, (samples, self.blocks, self.rows, entry))
        self.samples = samples

    def classes(self, axis, block):
        """A and B of docs/method.md: samples x width each, in double precision."""
        index = next(i for i, known in enumerate(self.identity["axes"]) if known["name"] == axis)
        rows = numpy.array(self.all[:, block, :, : self.width], dtype=float)
        return rows[:, 1 + 2 * index] - rows[:, 0], rows[:, 2 + 2 * index] - rows[:, 0]


def along(unit, a, b):
    """De-bias, negative and positive vector of a unit direction, as trimtab makes them."""
    low, high = (a @ unit).mean(), (b @ unit).mean()
    middle = (low + high) / 2
    return middle * unit, (low - middle) * unit, (high - middle) * unit


def whitened(states, axis, shrink=0.5):
    """Fisher's discriminant: the difference of means, less where the classes themselves vary; the within-class covariance is
    drawn towards a multiple of the identity by `shrink`, as there are fewer samples than dimensions."""
    rows = {}
    for block in range(states.blocks - 1):
        a, b = states.classes(axis, block)
        within = numpy.concatenate([a - a.mean(0), b - b.mean(0)])
        covariance = within.T @ within / (2 * states.samples - 2)
        d = states.width
        covariance = (1 - shrink) * covariance + shrink * numpy.trace(covariance) / d * numpy.eye(d)
        unit = numpy.linalg.solve(covariance, b.mean(0) - a.mean(0))
        rows[block + 1] = along(unit / numpy.linalg.norm(unit), a, b)
    return rows


def once(states, axis, share):
    """All blocks' effects at one place: the difference of the whole hidden state behind one block, which is the sum of the
    contributions up to it (the embeddings are the same). Nothing is counted twice, as it is where each block gets a vector and
    passes its effect on to the next."""
    last = int(share * states.blocks)
    a = b = 0
    for block in range(last + 1):
        of_a, of_b = states.classes(axis, block)
        a, b = a + of_a, b + of_b
    unit = b.mean(0) - a.mean(0)
    return {last: along(unit / numpy.linalg.norm(unit), a, b)}


def sequential(states, axis, ridge=1.0):
    """What a block adds beyond its answer to the blocks before it: their answer is estimated over the samples, by ridge
    regression of the contribution's deviation on the hidden state's, and taken off the mean."""
    rows, state = {}, [0, 0]
    for block in range(states.blocks - 1):
        classes = states.classes(axis, block)
        means = [of.mean(0) for of in classes]
        if block:
            before = numpy.concatenate([of - of.mean(0) for of in state])
            now = numpy.concatenate([of - mean for of, mean in zip(classes, means)])
            gram = before @ before.T
            gram += ridge * numpy.trace(gram) / len(gram) * numpy.eye(len(gram))
            answer = numpy.linalg.solve(gram, now)  # the answer to x is x before' answer
            means = [mean - of.mean(0) @ before.T @ answer for mean, of in zip(means, state)]
        unit = means[1] - means[0]
        middle, half = (means[0] + means[1]) / 2, unit / 2
        unit = unit / numpy.linalg.norm(unit)
        rows[block + 1] = ((middle @ unit) * unit, -half, half)
        state = [was + of for was, of in zip(state, classes)]
    return rows


IDEAS = {
    "whitened": whitened,
    "once, at a third": lambda states, axis: once(states, axis, 1 / 3),
    "once, at a half": lambda states, axis: once(states, axis, 1 / 2),
    "once, at two thirds": lambda states, axis: once(states, axis, 2 / 3),
    "sequential": sequential,
}


def put(path, rows, place):
    """Replaces the rows of a vector's file; those that the idea has none for become zero."""
    reader = gguf.GGUFReader(path, "r+")
    for tensor in reader.tensors:
        row = rows.get(int(tensor.name.removeprefix("direction.")))
        tensor.data[:] = 0 if row is None else row[place]
    reader.data.flush()

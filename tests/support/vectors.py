"""vectors.py: control-vector files as numpy arrays, written and read, for the tests that are scripts."""
import glob
import os
import pathlib

import gguf
import numpy


TYPES = {str: gguf.GGUFValueType.STRING, int: gguf.GGUFValueType.UINT32, float: gguf.GGUFValueType.FLOAT32}


def write(path, rows, layers=None, architecture="llama", keys=None):
    """A control vector with the rows {K: values} and the keys {name: text, number or list of them}. Returns its path."""
    writer = gguf.GGUFWriter(path, "controlvector")
    writer.add_string("controlvector.model_hint", architecture)
    if layers:
        writer.add_uint32("controlvector.layer_count", layers)
    for name, value in (keys or {}).items():
        if isinstance(value, list):
            writer.add_key_value(name, value, gguf.GGUFValueType.ARRAY, TYPES[type(value[0])])
        else:
            writer.add_key_value(name, value, TYPES[type(value)])
    for K, row in rows.items():
        writer.add_tensor(f"direction.{K}", numpy.array(row, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def read(path):
    """{K: direction.K} and {key: value} of a control vector."""
    reader = gguf.GGUFReader(path)
    rows = {int(t.name.split(".")[1]): numpy.array(t.data, dtype=numpy.float32) for t in reader.tensors}
    keys = {name: field.contents() for name, field in reader.fields.items()}
    return rows, keys


def read_keys(path):
    """(None, {key: value}) of a model, whose tensors are not wanted."""
    return None, {name: field.contents() for name, field in gguf.GGUFReader(path).fields.items()}


def files(folder):
    """{what stands behind the model's name: path} of a folder's vectors."""
    return {os.path.basename(p).split("-", 1)[-1]: p for p in sorted(glob.glob(os.path.join(glob.escape(folder), "*.gguf")))}


def contents(folder):
    """{file name: bytes} of everything that a run left."""
    return {name: pathlib.Path(folder, name).read_bytes() for name in sorted(os.listdir(folder))}


def cosine(a, b):
    return float(a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b)))


def cosines(one, other):
    """Cosine of every row that both folders' vectors have; fails where one has rows that the other lacks."""
    found = []
    assert contents(one).keys() == contents(other).keys(), (contents(one).keys(), contents(other).keys())
    for name in files(one):
        a, b = read(files(one)[name])[0], read(files(other)[name])[0]
        assert a.keys() == b.keys(), (name, sorted(a), sorted(b))
        found += [cosine(a[k], b[k]) for k in a if "debias" not in name]
    return found

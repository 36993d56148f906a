# Turns a pickled model of scikit-learn into ONNX and compares the two: convert.py MODEL OUTPUT [--rows FILE] …
# Prints one line of JSON, the verdict; exit code 0 same, 3 different (nothing is written), 1 could not be converted.
# Loading a pickle runs whatever code is in it: this belongs into a process with nothing to lose.
import argparse
import contextlib
import csv
import json
import os
import sys
import time
import warnings

warnings.simplefilter("ignore")

LABEL_TIE = 1e-6  # the original itself gives both labels this same probability: either is right
PROBABILITY = 1e-4
RELATIVE = 1e-4
OPSET = {"": 21, "ai.onnx.ml": 3}


def main():
    asked = parse()
    began = time.monotonic()
    # What the pickle or its libraries print is no verdict.
    with contextlib.redirect_stdout(sys.stderr):
        verdict = convert(asked)
    verdict["seconds"] = round(time.monotonic() - began, 2)
    print(json.dumps(verdict))
    return {"same": 0, "different": 3}.get(verdict["verdict"], 1)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("output")
    parser.add_argument("--rows", help="CSV, JSON or .npy with rows of features to compare on; else they are generated")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--input", choices=["any", "float32", "float64"], default="any")
    return parser.parse_args()


def convert(asked):
    try:
        model = load(asked.model)
    except Exception as error:
        return failed("load", f"the pickle cannot be loaded: {say(error)}", type(error).__name__)
    try:
        rows, source = (read_rows(asked.rows, model), "given") if asked.rows else (generate(model, asked), "generated")
        expected = model.predict(rows)
    except Exception as error:
        return failed("rows", f"the original cannot predict: {say(error)}", type(error).__name__)
    best, reasons = None, []
    for name, build, dtype in candidates(model, asked.input):
        try:
            onnx = build()
            found = compare(model, onnx, rows, expected, dtype)
        except Exception as error:
            reasons.append(f"{name}: {say(error)}")
            continue
        found.update(input=name)
        if best is None or found["differ"] < best["differ"]:
            best = found
        if found["differ"] == 0:
            write(asked.output, onnx)
            return {"verdict": "same", **about(model, rows, source), **found}
    if best is None:
        return failed("convert", f"{type(last(model)).__name__} cannot be converted: {'; '.join(reasons)}", "")
    return {"verdict": "different", **about(model, rows, source), **best}


def load(path):
    import joblib  # reads pickles as well

    model = joblib.load(path)
    while hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    if not hasattr(model, "predict"):
        raise TypeError(f"{type(model).__name__} has no predict()")
    return model


def about(model, rows, source):
    import sklearn

    classes = getattr(model, "classes_", None)
    return {
        "model": type(last(model)).__name__,
        "features": int(rows.shape[1]),
        "classes": None if classes is None else [plain(one) for one in classes],
        "rows": len(rows),
        "source": source,
        "sklearn": sklearn.__version__,
    }


def candidates(model, wanted):
    """Fastest first. Trees read float32 after whatever comes before them, so the last casts where they do."""
    import numpy
    from skl2onnx import to_onnx
    from skl2onnx.sklapi import CastTransformer
    from sklearn.base import is_classifier
    from sklearn.pipeline import Pipeline

    def build(one, dtype):
        options = {id(one): {"zipmap": False}} if is_classifier(one) else None
        start = numpy.zeros((1, model.n_features_in_), dtype)
        return to_onnx(one, start, options=options, target_opset=OPSET).SerializeToString()

    steps = model.steps if isinstance(model, Pipeline) else [("model", model)]
    cast = Pipeline([*steps[:-1], ("sesta_cast", CastTransformer()), steps[-1]])
    if wanted in ("any", "float32"):
        yield "float32", lambda: build(model, numpy.float32), numpy.float32
    if wanted in ("any", "float64"):
        yield "float64", lambda: build(model, numpy.float64), numpy.float64
        yield "float64, float32 before the last step", lambda: build(cast, numpy.float64), numpy.float64


def compare(model, onnx, rows, expected, dtype):
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    got = session.run(None, {session.get_inputs()[0].name: rows.astype(dtype)})
    found = got[0].reshape(expected.shape)
    proba = model.predict_proba(rows) if hasattr(model, "predict_proba") else None
    largest, ties = None, 0
    if expected.dtype.kind == "f":
        scale = max(float(numpy.std(expected)), 1e-12)
        gap = numpy.abs(expected - found) / numpy.maximum(numpy.abs(expected), scale)
        differs = ~(gap <= RELATIVE)  # NaN differs
        differs = differs.reshape(len(rows), -1).any(axis=1)
        largest = float(gap.max())
    else:
        differs = (expected.astype(str) != as_kind(found, expected).astype(str)).reshape(len(rows), -1).any(axis=1)
        if isinstance(proba, numpy.ndarray) and len(got) > 1 and got[1].shape == proba.shape:
            top = numpy.sort(proba, axis=1)
            tied = differs & (top[:, -1] - top[:, -2] <= LABEL_TIE)
            differs, ties = differs & ~tied, int(tied.sum())
            gap = numpy.abs(proba - got[1]).max(axis=1)
            differs, largest = differs | ~(gap <= PROBABILITY), float(gap.max())
    first = [
        {"row": rows[at].tolist(), "original": plain(expected[at]), "converted": plain(found[at])}
        for at in numpy.flatnonzero(differs)[:5]
    ]
    return {"differ": int(differs.sum()), "ties": ties, "largest_difference": largest, "first": first}


def as_kind(found, expected):
    return found.astype(bool) if expected.dtype.kind == "b" else found


def read_rows(path, model):
    import numpy

    if path.endswith(".npy"):
        rows = numpy.load(path, allow_pickle=False)
    elif path.endswith(".json"):
        with open(path) as file:
            content = json.load(file)
        rows = content["features"] if isinstance(content, dict) else content
    else:
        rows = read_csv(path, model)
    rows = numpy.atleast_2d(numpy.asarray(rows, dtype=numpy.float64))
    if rows.shape[1] != model.n_features_in_:
        raise ValueError(f"{path} has {rows.shape[1]} columns, the model takes {model.n_features_in_}")
    return rows


def read_csv(path, model):
    with open(path, newline="") as file:
        lines = [line for line in csv.reader(file) if line]
    if not all(map(is_number, lines[0])):
        head, *lines = lines
        names = [str(name) for name in getattr(model, "feature_names_in_", [])]
        if names and set(names) <= set(head):  # other columns, as the target, are left out
            return [[line[head.index(name)] for name in names] for line in lines]
    return lines


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def generate(model, asked):
    """Rows where the model decides: in the ranges that it shows, on its trees' thresholds, and as people write numbers."""
    import numpy

    random = numpy.random.default_rng(asked.seed)
    shape = (max(asked.count, 1000), model.n_features_in_)
    mean, scale = scaling(model)
    low, high, thresholds = ranges(last(model), shape[1])
    if low is None:
        wide = numpy.array([0.1, 1, 1, 3, 10])[random.integers(5, size=shape[0])][:, None]
        rows = random.normal(0, 1, shape) * wide
    else:
        rows = random.uniform(low - 0.2 * (high - low + 1e-9), high + 0.2 * (high - low + 1e-9), shape)
        for column, values in enumerate(thresholds):
            if len(values):
                on = random.random(shape[0]) < 0.1
                rows[on, column] = random.choice(values, on.sum())
    rows = rows * scale + mean
    for digits, part in ((1, 0), (2, 1)):
        rows[part::4] = rows[part::4].round(digits)
    return rows


def scaling(model):
    """Of a scaler in front, so that what comes out of it is in the range that the model knows."""
    for _, step in getattr(model, "steps", [])[:-1]:
        scale = getattr(step, "scale_", None)
        mean = getattr(step, "mean_", None)
        if scale is not None and mean is not None and len(mean) == model.n_features_in_:
            return mean, scale
    return 0.0, 1.0


def ranges(model, features):
    import numpy

    found = [[] for _ in range(features)]
    for tree in trees(model):
        for column, threshold in zip(tree.feature, tree.threshold):
            if 0 <= column < features:
                found[column].append(threshold)
    thresholds = [numpy.array(sorted(set(values))) for values in found]
    if any(len(values) for values in thresholds):
        low = numpy.array([values.min() if len(values) else -1.0 for values in thresholds])
        high = numpy.array([values.max() if len(values) else 1.0 for values in thresholds])
        return low, high, thresholds
    for name in ("support_vectors_", "_fit_X", "cluster_centers_", "theta_"):
        seen = getattr(model, name, None)
        if isinstance(seen, numpy.ndarray) and seen.ndim == 2 and seen.shape[1] == features:
            return seen.min(axis=0), seen.max(axis=0), [[]] * features
    return None, None, [[]] * features


def trees(model):
    import numpy

    inner = getattr(model, "estimators_", None)
    for one in [model] if inner is None else numpy.ravel(numpy.array(inner, dtype=object)):
        tree = getattr(one, "tree_", None)
        if tree is not None:
            yield tree


def last(model):
    return model.steps[-1][1] if hasattr(model, "steps") else model


def plain(value):
    return value.tolist() if hasattr(value, "tolist") else value


def write(path, content):
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def failed(step, why, kind):
    return {"verdict": "failed", "step": step, "why": why, "kind": kind}


def say(error):
    return " ".join(str(error).split())[:400] or type(error).__name__


sys.exit(main())

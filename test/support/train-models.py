# Trains and writes the models of test/model-*.test.ts into the folder that it is given: pickles, and ONNX made by hand.
import gzip
import pickle
import sys

import joblib
import numpy
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

folder = sys.argv[1]
rows, labels = load_iris(return_X_y=True)
names = numpy.array(["setosa", "versicolor", "virginica"])[labels]

logistic = LogisticRegression(max_iter=500).fit(rows, labels)
pickled = {
    "logistic": logistic,
    "forest": RandomForestClassifier(n_estimators=50, random_state=0).fit(rows, labels),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(rows, labels),
    "tree": make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)).fit(rows, labels),
    "names": LogisticRegression(max_iter=500).fit(rows, names),
    "diabetes": LinearRegression().fit(*load_diabetes(return_X_y=True)),
}
for name, model in pickled.items():
    with open(f"{folder}/{name}.pkl", "wb") as file:
        pickle.dump(model, file)
joblib.dump(SVC().fit(rows, labels), f"{folder}/svc.joblib", compress=3)
with gzip.open(f"{folder}/gzipped.pkl", "wb") as file:
    pickle.dump(logistic, file, protocol=2)
with open(f"{folder}/foreign.pkl", "wb") as file:  # an estimator of a module that is nowhere
    file.write(b"cmodule_that_is_nowhere\nEstimator\n.")
numpy.savetxt(f"{folder}/rows.csv", rows, delimiter=",", header="a,b,c,d", comments="")
with open(f"{folder}/zipmap.onnx", "wb") as file:
    file.write(to_onnx(logistic, rows[:1].astype(numpy.float32)).SerializeToString())


def save(name, nodes, inputs, outputs, initializers=(), opset=17):
    def port(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        nodes, name, [port(*one) for one in inputs], [port(*one) for one in outputs], list(initializers)
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    with open(f"{folder}/{name}.onnx", "wb") as file:
        file.write(model.SerializeToString())


kinds = ["FLOAT", "DOUBLE", "FLOAT16", "INT64", "INT32", "UINT8", "BOOL", "STRING"]
save(
    "kinds",
    [helper.make_node("Identity", [kind.lower()], [f"{kind.lower()}_out"]) for kind in kinds],
    [(kind.lower(), getattr(TensorProto, kind), ["n"]) for kind in kinds],
    [(f"{kind.lower()}_out", getattr(TensorProto, kind), ["n"]) for kind in kinds],
)
table = helper.make_tensor("table", TensorProto.FLOAT, [3], [10.0, 20.0, 30.0])
save("gather", [helper.make_node("Gather", ["table", "x"], ["y"])], [("x", TensorProto.INT64, ["n"])],
     [("y", TensorProto.FLOAT, ["n"])], [table])
save("pair", [helper.make_node("Add", ["a", "b"], ["sum"])],
     [("a", TensorProto.FLOAT, ["n", 1]), ("b", TensorProto.FLOAT, ["n", 1])], [("sum", TensorProto.FLOAT, ["n", 1])])
save("image", [helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2], keepdims=0)],
     [("x", TensorProto.FLOAT, ["n", 2, 3])], [("mean", TensorProto.FLOAT, ["n", 2])])
save("folded", [helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1)], [("x", TensorProto.FLOAT, ["n", 2])],
     [("sum", TensorProto.FLOAT, ["m", 1])])
save("fixed", [helper.make_node("Neg", ["x"], ["y"])], [("x", TensorProto.FLOAT, [1, 2])], [("y", TensorProto.FLOAT, [1, 2])])
save("future", [helper.make_node("Neg", ["x"], ["y"])], [("x", TensorProto.FLOAT, ["n", 2])],
     [("y", TensorProto.FLOAT, ["n", 2])], opset=99)

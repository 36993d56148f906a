"""The confusion matrix as a picture: which topics are taken for which."""
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay


def draw_confusion(path, topics, predicted, classes):
    """Writes a PNG; it needs no screen."""
    figure = Figure(figsize=(5, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    ConfusionMatrixDisplay.from_predictions(
        topics, predicted, labels=classes, cmap="Blues", colorbar=False, ax=axes
    )
    axes.set(xlabel="said", ylabel="is", title="Topics of texts it had not seen")
    figure.savefig(path, dpi=120)

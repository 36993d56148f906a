"""The models to choose from. Each learns an epoch at a time, and says how likely each topic is."""
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

BATCH = 32


def create(options, texts, topics):
    """The model that the options name, ready to learn these texts."""
    if options.model == "bert":
        from src.bert import Bert

        return Bert(options, texts, topics)
    return Linear(options, texts, topics)


class Linear:
    """Logistic regression by gradient descent; TF-IDF of letters in a row forgives endings."""

    def __init__(self, options, texts, topics):
        self.vectors = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True
        ).fit(texts)
        self.classifier = SGDClassifier(
            loss="log_loss",
            learning_rate="constant",
            eta0=options.lr,
            random_state=options.seed,
        )
        self.inputs, self.topics = self.vectors.transform(texts), np.array(topics)
        self.classes = sorted(set(topics))
        self.random = np.random.default_rng(options.seed)

    def learn(self):
        """One epoch: the loss of each batch before it was learnt from, as they go by."""
        order = self.random.permutation(len(self.topics))
        for at in np.split(order, range(BATCH, len(order), BATCH)):
            inputs, topics = self.inputs[at], self.topics[at]
            begun = hasattr(self.classifier, "coef_")
            chances = self.classifier.predict_proba(inputs) if begun else self.guess(len(at))
            yield log_loss(topics, chances, labels=self.classes)
            self.classifier.partial_fit(inputs, topics, classes=self.classes)

    def guess(self, count):
        """What it says before it has learnt anything: each topic is as likely."""
        return np.full((count, len(self.classes)), 1 / len(self.classes))

    def chances(self, texts):
        """A row for each text, a column for each class."""
        return self.classifier.predict_proba(self.vectors.transform(texts))

    def log(self, mlflow, texts):
        """Puts the model into the run that is open; the texts show what goes in."""
        pipeline = make_pipeline(self.vectors, self.classifier)
        mlflow.sklearn.log_model(
            pipeline,
            name="model",
            signature=mlflow.models.infer_signature(texts, pipeline.predict(texts)),
            # Given, since MLflow otherwise loads the model in a second process to find them out.
            pip_requirements=mlflow.sklearn.get_default_pip_requirements(include_skops=True),
        )

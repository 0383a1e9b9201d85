"""Codes as features for scikit-learn."""

from sklearn.base import BaseEstimator, TransformerMixin

from keras_gen.applications.anomaly import find_autoencoder


class Encoder(TransformerMixin, BaseEstimator):
    """An autoencoder's encoder as a step of a scikit-learn pipeline.

    Args:
        preset: name or folder of a pretrained autoencoder, or the model itself.

    Attributes:
        model_: after `fit`, the autoencoder.
    """

    def __init__(self, preset):
        self.preset = preset

    def fit(self, X, y=None):  # noqa: N803
        """Load the model and check the examples; nothing is trained.

        Raises:
            ValueError: no such preset, a model without codes, or examples of another
                kind than the model's.
        """
        self.model_ = find_autoencoder(self.preset)
        self.model_.check_inputs(X)
        return self

    def transform(self, X):  # noqa: N803
        """Codes of examples as the model takes them: (n, values of a code)."""
        return self.model_.encode(X).reshape(len(X), -1)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "model_")

"""Clusters of pictures by their codes."""

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.manifold import spectral_embedding
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import kneighbors_graph

from keras_gen.applications.features import Encoder


class Clusterer(ClusterMixin, BaseEstimator):
    """Clusters examples by what an autoencoder makes of them.

    By k-means on the codes; or, with `neighbors`, as N2D does (McConville et al. 2019,
    arXiv:1908.05968): a manifold of the codes is laid out first, here by the
    eigenvectors of their neighbourhood graph, rows of unit length (Ng, Jordan and
    Weiss 2001, "On Spectral Clustering"), where the authors take UMAP, and a mixture of
    Gaussians finds the clusters there.

    Args:
        preset: name or folder of a pretrained autoencoder, or the model itself.
        n_clusters: at least 2.
        neighbors: of each code in the graph; 0 for k-means on the codes.
        n_init: starts of k-means or of the mixture, of which the best is kept.
        random_state: int in [0, 2**32) of the starts.

    Attributes:
        labels_: after `fit`, int array (n,) in [0, n_clusters).
    """

    def __init__(
        self, preset, *, n_clusters=10, neighbors=0, n_init=10, random_state=0
    ):
        self.preset = preset
        self.n_clusters = n_clusters
        self.neighbors = neighbors
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X, y=None):  # noqa: N803
        """Cluster examples as the model takes them; `y` is ignored.

        Raises:
            ValueError: fewer examples than clusters, or of another kind than the
                model's.
        """
        codes = Encoder(self.preset).fit_transform(X)
        if not 2 <= self.n_clusters <= len(codes):
            raise ValueError(
                f"Expected n_clusters from 2 to the {len(codes)} examples. "
                f"Received: {self.n_clusters}"
            )
        if self.neighbors:
            self.labels_ = self._by_manifold(codes)
        else:
            start = {"n_init": self.n_init, "random_state": self.random_state}
            self.labels_ = KMeans(self.n_clusters, **start).fit_predict(codes)
        return self

    def _by_manifold(self, codes):
        graph = kneighbors_graph(codes, self.neighbors, include_self=False)
        graph = 0.5 * (graph + graph.T)
        # The first eigenvector of a graph in one piece is constant and says nothing; of
        # one in pieces any of the first may be any mixture of theirs, so all stay.
        whole = connected_components(graph, directed=False)[0] == 1
        places = spectral_embedding(
            graph,
            n_components=max(self.n_clusters - 1, 2) if whole else self.n_clusters,
            random_state=self.random_state,
            drop_first=whole,
        )
        places /= np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-12)
        mixture = GaussianMixture(
            self.n_clusters,
            n_init=self.n_init,
            reg_covar=1e-4,
            random_state=self.random_state,
        )
        return mixture.fit_predict(places)

"""Representations of nodes, edges and categories with a structure."""

from sklearn_replearn.graph._adjacency import as_adjacency
from sklearn_replearn.graph._deep_walk import DeepWalk
from sklearn_replearn.graph._edge_encoder import EdgeEncoder, edge_groups
from sklearn_replearn.graph._graph_cluster_encoder import GraphClusterEncoder
from sklearn_replearn.graph._laplacian_eigenmaps import LaplacianEigenmaps
from sklearn_replearn.graph._netmf import NetMF
from sklearn_replearn.graph._node2vec import Node2Vec
from sklearn_replearn.graph._node_encoder import NodeEncoder
from sklearn_replearn.graph._path_lengths import path_lengths
from sklearn_replearn.graph._prone import ProNE
from sklearn_replearn.graph._tree import tree_to_adjacency

__all__ = [
    "DeepWalk",
    "EdgeEncoder",
    "GraphClusterEncoder",
    "LaplacianEigenmaps",
    "NetMF",
    "Node2Vec",
    "NodeEncoder",
    "ProNE",
    "as_adjacency",
    "edge_groups",
    "path_lengths",
    "tree_to_adjacency",
]

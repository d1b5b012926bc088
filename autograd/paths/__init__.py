"""The heart: every path from a result to a node, with its local derivatives."""

from .path_graph import Edge, Path, PathGraph

__all__ = ["Edge", "Path", "PathGraph"]

"""Names by which other libraries know pictures; see `autograd.foreign`."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["NAMES"]

NAMES: Mapping[str, str] = {
    **dict.fromkeys(("draw", "visualize"), "draw_graph(loss) for what was computed, draw_network(model) for a net"),
    "summary": "a model has summary()",
    "draw_dot": 'it is draw_graph(loss), with level="op" for every operation',
    **dict.fromkeys(("make_dot", "draw_tree", "plot_graph"), "it is draw_graph(loss)"),
    "trace": "draw_graph(loss) draws it; topological order is autograd.graph.topological_order",
    **dict.fromkeys(("plot_model", "draw_model", "plot_network"), "it is draw_network(model)"),
    "model_to_dot": "it is draw_network(model).source",
    "draw_mlp": "it is draw_network(net)",
    **dict.fromkeys(("draw_derivation", "plot_paths"), "it is draw_paths(derive(L, w))"),
    **dict.fromkeys(("plot_loss", "plot_accuracy", "plot_learning_curves"), "it is plot_history(history)"),
    **dict.fromkeys(("plot_boundary", "decision_boundary"), "it is plot_decision_boundary(model, x, y)"),
    "plot_landscape": "it is plot_loss_surface",
    "confusion_matrix": "it is plot_confusion_matrix(model, x, y)",
    "save": 'a picture has save: draw_graph(loss).save("graph.svg")',
    "show": "a picture shows itself in a notebook; elsewhere .view()",
    "Digraph": "pictures are made by draw_graph, draw_paths and draw_network; .source is the DOT text",
    "derive": "it is in autograd: from autograd import derive",
}

"""Pictures of gradients and networks."""

from .drawing import Drawing
from .explorer import Exploration, explore
from .graphs import draw_graph
from .networks import draw_network
from .paths import draw_paths
from .picture import Picture
from .plots_activation import plot_activation
from .plots_models import plot_decision_boundary, plot_sensitivity, plot_weights
from .plots_surface import plot_loss_surface
from .plots_training import GradientNorms, plot_confusion_matrix, plot_gradients, plot_history
from .render import RendererMissing, available_renderers

__all__ = [
    "Drawing",
    "Exploration",
    "GradientNorms",
    "Picture",
    "RendererMissing",
    "available_renderers",
    "draw_graph",
    "draw_network",
    "draw_paths",
    "explore",
    "plot_activation",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_gradients",
    "plot_history",
    "plot_loss_surface",
    "plot_sensitivity",
    "plot_weights",
]

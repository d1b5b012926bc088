"""Pictures of gradients and networks."""

from autograd.foreign import finder as _finder

from . import foreign as _foreign
from .dot.drawing import Drawing
from .explorer.page import Exploration, explore
from .explorer.playground import playground
from .graphs.as_data import graph_data
from .graphs.draw_graph import draw_graph
from .graphs.draw_paths import draw_paths
from .networks import draw_network
from .picture import Picture, beside
from .plots.activation import plot_activation
from .plots.attention import plot_attention
from .plots.boundary import plot_decision_boundary
from .plots.confusion import plot_confusion_matrix
from .plots.gradient_norms import GradientNorms
from .plots.gradients import plot_gradients
from .plots.history import plot_history
from .plots.images import plot_images
from .plots.latent import plot_latent
from .plots.path_shares import PathShares, plot_path_shares
from .plots.sensitivity import plot_sensitivity
from .plots.surface import plot_loss_surface
from .plots.weights import plot_weights
from .render import RendererMissing, available_renderers
from .stepwise import Step, Steps, steps
from .style import COLOR_BLIND, DARK, LIGHT, PRINT, Look, look
from .tables import WeightsTable, weights_table

__all__ = [
    "COLOR_BLIND",
    "DARK",
    "LIGHT",
    "PRINT",
    "Drawing",
    "Exploration",
    "GradientNorms",
    "Look",
    "PathShares",
    "Picture",
    "RendererMissing",
    "Step",
    "Steps",
    "WeightsTable",
    "available_renderers",
    "beside",
    "draw_graph",
    "draw_network",
    "draw_paths",
    "explore",
    "graph_data",
    "look",
    "playground",
    "plot_activation",
    "plot_attention",
    "plot_confusion_matrix",
    "plot_decision_boundary",
    "plot_gradients",
    "plot_history",
    "plot_images",
    "plot_latent",
    "plot_loss_surface",
    "plot_path_shares",
    "plot_sensitivity",
    "plot_weights",
    "steps",
    "weights_table",
]

__getattr__ = _finder(__name__, __all__, _foreign.NAMES)

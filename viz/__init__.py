"""Pictures of gradients and networks."""

from .drawing import Drawing
from .graphs import draw_graph
from .render import RendererMissing, available_renderers

__all__ = ["Drawing", "RendererMissing", "available_renderers", "draw_graph"]

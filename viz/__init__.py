"""Pictures of gradients and networks."""

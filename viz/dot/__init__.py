"""Diagrams as DOT and Mermaid text: nodes, edges, columns, and what Graphviz makes of them."""

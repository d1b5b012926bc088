"""A reader of LaTeX that knows which commands there are and that braces match."""

import re


def check_latex(latex):
    """Braces and \\left ... \\right are balanced, and nothing has two superscripts or two subscripts."""
    assert len(re.findall(r"\\left\b", latex)) == len(re.findall(r"\\right\b", latex))
    tokens = re.findall(r"\\[A-Za-z]+|\\.|\S", latex)
    open_braces, scripts = [], set()
    for i, token in enumerate(tokens):
        if token in "^_":
            assert token not in scripts, f"double {token} in {latex}"
            scripts.add(token)
            assert tokens[i + 1] == "{", latex
        elif token == "{":
            open_braces.append((scripts if tokens[i - 1] in ("^", "_") else set()) if i else set())
            scripts = set()
        elif token == "}":
            assert open_braces, latex
            scripts = open_braces.pop()
        else:
            scripts = set()
    assert not open_braces, latex

"""The site: these pages, the lessons of examples/ as a course, the notebooks, the reference from the docstrings.

`python -m sphinx -W docs site` writes it. It opens from a folder without a server and loads nothing from the network.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]
# Notebooks run in a process and a folder of their own.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

from gradpath_docs import lay_out_extra, version_of  # noqa: E402

lay_out_extra()

project = "gradpath"
author = copyright = "The gradpath authors"
version = release = version_of(ROOT)

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_gallery.gen_gallery", "gradpath_docs"]
exclude_patterns = [
    "README.md",  # the table of contents for those who read the files
    "_build*",
    "jupyter_execute",
    # what the gallery makes beside each lesson for readers, and must not be read as a source
    *(f"course/*.{kind}" for kind in ("ipynb", "py", "json", "zip", "md5")),
]

html_theme = "furo"
html_title = "gradpath"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_extra_path = ["_extra"]
html_css_files = ["gradpath.css"]
html_copy_source = html_show_sourcelink = html_use_index = False
html_math_renderer = "mathml"
pygments_style, pygments_dark_style = "friendly", "monokai"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autodoc_typehints = "none"  # the docstrings say what goes in; signatures stay readable
autodoc_member_order = "bysource"
toc_object_entries = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "course",
    "filename_pattern": r"/\d\d_",
    "ignore_pattern": r"/programs/|/(?!\d\d_)[^/]*\.py$",
    "nested_sections": False,
    "image_scrapers": ("gradpath_docs.results", "matplotlib"),
    "capture_repr": (),
    "thumbnail_size": (280, 196),
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "min_reported_time": 1e9,
    "within_subsection_order": "FileNameSortKey",
    "copyfile_regex": "",
}
suppress_warnings = ["config.cache"]

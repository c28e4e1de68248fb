"""The documentation's settings. Build with

python -m sphinx -W --keep-going -b html docs docs/_build/html
"""

import os
import sys
from pathlib import Path

import sklearn_replearn

# One thread, as in the tests: beside another job, two take up to ten times as long.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "sklearn_replearn"
author = "The sklearn_replearn developers"
copyright = author
version = release = sklearn_replearn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_parser",  # for CHANGELOG.md
    "numpydoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # equations without a network
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "api_pages",  # ours, in docs/_ext
    "bad_input_tables",  # ours
    "representation_checks",  # ours
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_ext", "_static", "_templates"]
nitpicky = True

# Docstrings
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say more
toc_object_entries_show_parents = "hide"
default_role = "literal"
smartquotes = False  # messages and code are quoted as they are
numpydoc_show_class_members = False  # _templates/autosummary/class.rst lists them
# Links into other libraries would need their inventories, hence a network; private
# names have no pages.
nitpick_ignore_regex = [
    ("py:.*", r"(gensim|matplotlib|np|numpy|pandas|scipy|sklearn)\..*"),
    ("py:.*", r"sklearn_replearn\.(.*\.)?_.*"),
]

# Gallery: every file below examples/ is run
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("sklearn_replearn",),
    "backreferences_dir": "api/examples",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "parallel": 2,
    "download_all_examples": False,
}

# Pages
html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_replearn {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {
    page: []
    for page in (
        "bad_input",
        "benchmarks",
        "changelog",
        "contributing",
        "install",
        "promises",
    )
}
html_theme_options = {
    "logo": {"text": "sklearn_replearn"},
    "header_links_before_dropdown": 5,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}

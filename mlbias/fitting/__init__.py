"""From ratings to a fitted model: the one pipeline behind every command and Python.

``record.py`` is what is asked for and what comes out, ``pipeline.py`` the way between them,
``fit.py`` all of it in one call.
"""

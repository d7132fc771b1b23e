"""Options that commands share, each group written once as a frozen dataclass.

A command takes groups as parameters (``spread.py``); ``reading.py`` is how files are read,
``holdout.py`` what is held out, ``model.py`` how a model is fitted and where it is, ``output.py``
how a command speaks.
"""

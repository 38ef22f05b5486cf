"""User profiles: PUT, PATCH and If-Match under several writers, forms, and a site with links."""

from sim.services.profiles.designs import CheckThenWrite, IfMatch, LastWriteWins
from sim.services.profiles.editor import Editor, Habit, undone_share
from sim.services.profiles.form import Form, FormFiller
from sim.services.profiles.site import Site, Surfer

__all__ = [
    "CheckThenWrite",
    "Editor",
    "Form",
    "FormFiller",
    "Habit",
    "IfMatch",
    "LastWriteWins",
    "Site",
    "Surfer",
    "undone_share",
]

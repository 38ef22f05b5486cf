"""How properties are tested: with the same examples each time, and however long a busy machine takes."""

from hypothesis import settings

settings.register_profile("same everywhere", deadline=None, derandomize=True)
settings.load_profile("same everywhere")

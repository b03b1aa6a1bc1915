"""No deadlines for hypothesis: these machines are shared."""

from hypothesis import settings

settings.register_profile("text", deadline=None)
settings.load_profile("text")

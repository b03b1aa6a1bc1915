"""Nothing is timed: a slow or busy machine fails no law. One engine runs wherever a test names none."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

os.environ.setdefault("TOOLKIT_ENGINE", "torch")  # here, so that the processes which tests start see it too

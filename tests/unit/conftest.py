import os

from hypothesis import settings

# Examples differ a hundredfold in length, and the machine may be busy: time is not what is tested here.
# The same examples in every run, so that a change is judged by the change; HYPOTHESIS_PROFILE=explore draws new ones.
settings.register_profile("unit", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))

"""The same examples in every run, so that a red test says something about the change at hand; `make properties` draws
fresh ones. How long an example takes is no finding: others use the machine too."""

import os

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, database=None, print_blob=True, deadline=None)
settings.register_profile("fresh", print_blob=True, deadline=None)
settings.load_profile("fresh" if os.environ.get("KAK_FRESH_EXAMPLES") else "fixed")

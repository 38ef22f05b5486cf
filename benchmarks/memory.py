"""Peak memory of this process."""

import platform
import resource


def peak_megabytes() -> float:
    """Peak resident memory of this process."""
    unit = 1 if platform.system() == "Darwin" else 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

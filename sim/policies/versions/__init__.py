"""Versions of an API: how one is chosen, how it ends, what breaks whom, and old shapes of new things."""

from sim.policies.versions.compatibility import Direction, ShapeChanges, compare_shapes
from sim.policies.versions.deprecation import (
    BrownOuts,
    DeprecationWatch,
    Lifecycle,
    Retirement,
    format_deprecation,
    parse_deprecation,
    read_notice,
)
from sim.policies.versions.payloads import Chain, Intake, Pins, Transformer, by_id, by_id_and_version, deliver
from sim.policies.versions.shapes import Breaks, Reader
from sim.policies.versions.versioning import (
    HeaderVersion,
    MediaTypeVersion,
    QueryVersion,
    Selected,
    Unknown,
    UriVersion,
    VersionSelector,
    version_refusal,
)

__all__ = [
    "Breaks",
    "BrownOuts",
    "Chain",
    "DeprecationWatch",
    "Direction",
    "HeaderVersion",
    "Intake",
    "Lifecycle",
    "MediaTypeVersion",
    "Pins",
    "QueryVersion",
    "Reader",
    "Retirement",
    "Selected",
    "ShapeChanges",
    "Transformer",
    "Unknown",
    "UriVersion",
    "VersionSelector",
    "by_id",
    "by_id_and_version",
    "compare_shapes",
    "deliver",
    "format_deprecation",
    "parse_deprecation",
    "read_notice",
    "version_refusal",
]

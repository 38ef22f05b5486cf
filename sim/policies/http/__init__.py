"""What HTTP says about answers, preconditions, formats, patches and links."""

from sim.policies.http.conditional import ETag, Validators, etag_of, evaluate
from sim.policies.http.hypermedia import hal
from sim.policies.http.negotiation import best_encoding, best_language, best_media_type, parse_accept
from sim.policies.http.patch import PatchError, json_patch, merge_patch, patched
from sim.policies.http.problem import FieldError, Problem, problem, read_problem
from sim.policies.http.route_review import review
from sim.policies.http.server_log import Guarded, ServerLog
from sim.policies.http.status import STATUSES, Status, reason_phrase, status
from sim.policies.http.validation import Members, field_errors

__all__ = [
    "STATUSES",
    "ETag",
    "FieldError",
    "Guarded",
    "Members",
    "PatchError",
    "Problem",
    "ServerLog",
    "Status",
    "Validators",
    "best_encoding",
    "best_language",
    "best_media_type",
    "etag_of",
    "evaluate",
    "field_errors",
    "hal",
    "json_patch",
    "merge_patch",
    "parse_accept",
    "patched",
    "problem",
    "read_problem",
    "reason_phrase",
    "review",
    "status",
]

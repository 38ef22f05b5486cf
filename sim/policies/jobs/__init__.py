"""Slow work: the job, how clients ask for it, and where they may be called back."""

from sim.policies.jobs.callback import check_callback
from sim.policies.jobs.job import Job, JobRules
from sim.policies.jobs.polling import AwaitCallback, PollJob

__all__ = ["AwaitCallback", "Job", "JobRules", "PollJob", "check_callback"]

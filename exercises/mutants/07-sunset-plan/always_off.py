# fails with: that is the end itself
PLAN = {"brown_outs": 12, "hours": 96.0}

# fails with: longer windows hit the same people again
PLAN = {"brown_outs": 1, "hours": 96.0}

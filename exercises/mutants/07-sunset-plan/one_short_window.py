# fails with: are broken on the day
PLAN = {"brown_outs": 1, "hours": 1.0}

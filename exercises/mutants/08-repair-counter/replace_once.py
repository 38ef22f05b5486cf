# fails with: only 1 of
LIMIT = 2


def serve(request):
    made = yield "insert", "counters", "w1", {"count": 0}
    row = yield "get", "counters", "w1"
    mine = False
    if row["count"] < LIMIT:
        mine = yield "replace", "counters", "w1", row, {"count": row["count"] + 1}
    yield "reply", 200 if mine else 429, {}

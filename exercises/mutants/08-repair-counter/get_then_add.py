# fails with: the limit is 2, and 3 of
LIMIT = 2


def serve(request):
    row = yield "get", "counters", "w1"
    if (row or 0) >= LIMIT:
        yield "reply", 429, {}
        return
    yield "add", "counters", "w1", 1
    yield "reply", 200, {}

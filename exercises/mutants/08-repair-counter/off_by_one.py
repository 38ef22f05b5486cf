# fails with: only 1 of
LIMIT = 2


def serve(request):
    count = yield "add", "counters", "w1", 1
    yield "reply", 200 if count < LIMIT else 429, {}

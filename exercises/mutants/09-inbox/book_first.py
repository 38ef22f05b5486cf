# fails with: it was booked again
def receive(request):
    known = yield "get", "inbox", request.headers["webhook-id"]
    if known is None:
        yield "add", "balance", "total", request.json()["amount"]
        yield "put", "inbox", request.headers["webhook-id"], {}
    yield "reply", 200, {}
